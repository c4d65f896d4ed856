package kms

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// keyID is what the ID of a key stands for. Its text form is a UUID.
type keyID [16]byte

func newKeyID() keyID {
	var id keyID
	rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40 // RFC 9562, section 5.4
	id[8] = id[8]&0x3f | 0x80
	return id
}

func (id keyID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// parseKeyID reads the KeyId of a request: an ID or the ARN of a key that this
// server could have.
func (s *Server) parseKeyID(text string) (keyID, error) {
	name := text
	if strings.HasPrefix(text, "arn:") {
		var ok bool
		if name, ok = strings.CutPrefix(text, s.keyARN("")); !ok {
			return keyID{}, refuse(invalidARN, "found %q, expected %s<ID>", text, s.keyARN(""))
		}
	}
	if !uuid.MatchString(name) {
		return keyID{}, refuse(notFound, "found KeyId %q, expected the ID or ARN of a key", text)
	}
	var id keyID
	_, err := hex.Decode(id[:], []byte(strings.ReplaceAll(name, "-", "")))
	return id, err
}

func (s *Server) keyARN(id string) string {
	return "arn:aws:kms:" + s.config.Region + ":" + s.config.Account + ":key/" + id
}

// A ciphertext is the version, the ID of the key, and what AES-256-GCM makes of
// the plaintext with a random nonce in front. Version, ID and encryption context
// are authenticated with it.
const blobVersion = 1

const blobHeader = 1 + len(keyID{})

var errBlob = errors.New("not a ciphertext of this server")

func blobKeyID(blob []byte) (keyID, error) {
	if len(blob) <= blobHeader || blob[0] != blobVersion {
		return keyID{}, errBlob
	}
	return keyID(blob[1:blobHeader]), nil
}

func (k *Key) encrypt(plaintext []byte, context map[string]string) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	header := append([]byte{blobVersion}, k.id[:]...)
	return aead.Seal(header, nil, plaintext, authenticated(header, context)), nil
}

func (k *Key) decrypt(blob []byte, context map[string]string) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nil, blob[blobHeader:], authenticated(blob[:blobHeader], context))
}

func (k *Key) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.material)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// authenticated encodes header and context so that no two of them are the same:
// every string with its length, the pairs in the order of their names.
func authenticated(header []byte, context map[string]string) []byte {
	aad := slices.Clone(header)
	for _, name := range slices.Sorted(maps.Keys(context)) {
		for _, text := range []string{name, context[name]} {
			aad = binary.BigEndian.AppendUint32(aad, uint32(len(text)))
			aad = append(aad, text...)
		}
	}
	return aad
}
