package kms

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

var keysBucket = []byte("keys")

// Key is a key with its policy. Its material is in the clear; wipe it after use.
type Key struct {
	id       keyID
	policy   string
	material []byte // 32 bytes
}

func newKey(policy string) *Key {
	k := &Key{id: newKeyID(), policy: policy, material: make([]byte, 32)}
	rand.Read(k.material)
	return k
}

func (k *Key) wipe() { clear(k.material) }

// record is a key as it is stored.
type record struct {
	Policy   string
	Material []byte
}

// Store keeps keys in one file.
type Store struct{ db *bbolt.DB }

// OpenStore opens the file, or makes it. It fails if another process has it
// open.
func OpenStore(path string) (*Store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("kms: %s: %w", path, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(keysBucket)
		return err
	})
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("kms: %s: %w", path, err)
	}
	return &Store{db}, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

func (s *Store) put(k *Key) error {
	value, err := json.Marshal(record{k.policy, k.material})
	if err != nil {
		return err
	}
	defer clear(value)
	return s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(keysBucket).Put(k.id[:], value) })
}

// get returns a key, or nil when there is none with this ID.
func (s *Store) get(id keyID) (*Key, error) {
	var k *Key
	err := s.db.View(func(tx *bbolt.Tx) error {
		value := tx.Bucket(keysBucket).Get(id[:])
		if value == nil {
			return nil
		}
		var r record
		if err := json.Unmarshal(value, &r); err != nil {
			return err
		}
		k = &Key{id, r.Policy, r.Material}
		return nil
	})
	return k, err
}
