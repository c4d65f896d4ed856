package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nitroattest/nitroattest/internal/durable"
)

// maxSeries bounds what is remembered. Every authority that signs lists has one
// series or two. The one whose authority expires first makes room.
const maxSeries = 4096

// memory is how new the newest list of each series was. Only lists whose
// signature was verified by the key of an authentic certificate come into it.
type memory struct {
	path string // of RevocationConfig.MemoryFile

	saving sync.Mutex

	mu      sync.Mutex
	series  map[seriesKey]*series
	changed bool // since it was saved
}

// series is the lists that one key of one issuer signs for one scope.
type series struct {
	authority *x509.Certificate // the issuer, as far as lists need it
	scope     scope
	until     time.Time // the latest notAfter of the issuer
	newest    atomic.Pointer[issue]
}

type seriesKey struct{ issuer, key, scope string }

func newMemory(path string) *memory {
	return &memory{path: path, series: map[seriesKey]*series{}}
}

// meet remembers a list that issuer signed.
func (m *memory) meet(issuer *x509.Certificate, list *revocationList) *series {
	return m.remember(issuer, list.scope, list.issue())
}

func (m *memory) remember(issuer *x509.Certificate, covers scope, found issue) *series {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := seriesKey{string(issuer.RawSubject), string(issuer.RawSubjectPublicKeyInfo), covers.key()}
	s := m.series[key]
	if s == nil {
		m.makeRoom()
		s = &series{authority: authorityOf(issuer), scope: covers}
		m.series[key] = s
	}
	if issuer.NotAfter.After(s.until) {
		s.until, m.changed = issuer.NotAfter, true
	}
	if newest := s.newest.Load(); newest == nil || found.newerThan(*newest) {
		s.newest.Store(&found)
		m.changed = true
	}
	return s
}

func (m *memory) makeRoom() {
	if len(m.series) < maxSeries {
		return
	}
	var first seriesKey
	for key, s := range m.series {
		if other, ok := m.series[first]; !ok || s.until.Before(other.until) {
			first = key
		}
	}
	delete(m.series, first)
}

func (m *memory) all() []*series {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]*series, 0, len(m.series))
	for _, s := range m.series {
		out = append(out, s)
	}
	return out
}

// authorityOf keeps of an issuer what revocationList.signedBy needs.
func authorityOf(issuer *x509.Certificate) *x509.Certificate {
	return &x509.Certificate{
		RawSubject:              issuer.RawSubject,
		RawSubjectPublicKeyInfo: issuer.RawSubjectPublicKeyInfo,
		PublicKeyAlgorithm:      issuer.PublicKeyAlgorithm,
		PublicKey:               issuer.PublicKey,
		IsCA:                    true,
		KeyUsage:                x509.KeyUsageCRLSign,
	}
}

// SaveMemory writes RevocationConfig.MemoryFile, if there is one and anything has
// changed since it was read or written. The file is replaced as a whole. Call it
// now and then, and before the program ends: verifications change what is
// remembered.
func (r *Revocations) SaveMemory() error {
	if r.isZero() {
		return errZeroRevocations
	}
	if err := r.memory.save(); err != nil {
		return fmt.Errorf("certs: RevocationConfig.MemoryFile: %w", err)
	}
	return nil
}

// memoryFile is the form of the file.
type memoryFile struct {
	Version int           `json:"version"` // 1
	Series  []savedSeries `json:"series"`
}

type savedSeries struct {
	Issuer      []byte    `json:"issuer"` // DER of the Name, in base64
	Key         []byte    `json:"key"`    // DER of the SubjectPublicKeyInfo, in base64
	URLs        []string  `json:"urls,omitempty"`
	Authorities bool      `json:"authorities,omitempty"`
	ThisUpdate  time.Time `json:"thisUpdate"`
	Number      *big.Int  `json:"number"` // null: none
	NotAfter    time.Time `json:"notAfter"`
}

func (m *memory) save() error {
	if m.path == "" {
		return nil
	}
	m.saving.Lock()
	defer m.saving.Unlock()
	m.mu.Lock()
	changed := m.changed
	file := memoryFile{Version: 1}
	for _, s := range m.series {
		newest := s.newest.Load()
		file.Series = append(file.Series, savedSeries{s.authority.RawSubject, s.authority.RawSubjectPublicKeyInfo,
			s.scope.urls, s.scope.authorities, newest.thisUpdate, newest.number, s.until})
	}
	m.changed = false
	m.mu.Unlock()
	if !changed {
		return nil
	}
	slices.SortFunc(file.Series, func(a, b savedSeries) int {
		return slices.Compare([]string{string(a.Issuer), string(a.Key), a.scope().key()}, []string{string(b.Issuer), string(b.Key), b.scope().key()})
	})
	data, err := json.MarshalIndent(file, "", "  ")
	if err == nil {
		if err = replaceFile(m.path, append(data, '\n')); err != nil {
			err = fmt.Errorf("%s: %w", m.path, withoutPath(err))
		}
	}
	if err != nil {
		m.mu.Lock()
		m.changed = true
		m.mu.Unlock()
	}
	return err
}

func replaceFile(path string, data []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // it is gone when all goes well
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return durable.SyncFolder(filepath.Dir(path))
}

// withoutPath takes the name of a temporary file out of an error: it is another
// one each time.
func withoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s: %w", path.Op, path.Err)
	}
	return err
}

// load reads the file, if there is one. It is this package's own; what it cannot
// read is an error, for to pass over it would be to forget.
func (m *memory) load() error {
	if m.path == "" {
		return nil
	}
	data, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var file memoryFile
	if err := json.Unmarshal(data, &file); err != nil || file.Version != 1 {
		return fmt.Errorf("%s: found something else than what SaveMemory writes", m.path)
	}
	for i, saved := range file.Series {
		issuer, err := saved.issuer()
		if err != nil {
			return fmt.Errorf("%s: series[%d]: %w", m.path, i, err)
		}
		m.remember(issuer, saved.scope(), issue{saved.ThisUpdate, saved.Number})
	}
	m.changed = false
	return nil
}

func (s savedSeries) scope() scope { return scope{s.URLs, s.Authorities} }

func (s savedSeries) issuer() (*x509.Certificate, error) {
	var name pkix.RDNSequence
	if rest, err := asn1.Unmarshal(s.Issuer, &name); err != nil || len(rest) > 0 {
		return nil, errors.New("issuer: found something that is not a name in DER")
	}
	public, err := x509.ParsePKIXPublicKey(s.Key)
	key, ok := public.(*ecdsa.PublicKey)
	if err != nil || !ok || key.Curve != elliptic.P384() {
		return nil, errors.New("key: found something that is not a P-384 key in DER")
	}
	if s.ThisUpdate.IsZero() || s.NotAfter.IsZero() {
		return nil, errors.New("found no thisUpdate or no notAfter")
	}
	return &x509.Certificate{RawSubject: s.Issuer, RawSubjectPublicKeyInfo: s.Key, PublicKeyAlgorithm: x509.ECDSA, PublicKey: key, NotAfter: s.NotAfter}, nil
}
