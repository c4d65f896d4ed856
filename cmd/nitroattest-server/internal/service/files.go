package service

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nitroattest/nitroattest/internal/input"
)

// Kinds of files, each the flag that names them.
const (
	kindCRL      = "crl"
	kindTLS      = "tls-cert"
	kindClientCA = "client-ca"
	kindEARKey   = "ear-key"
	kindRoot     = "root"

	kindClientCRL = "client-crl"
)

// maxFile bounds what is read of a file. Revocation lists are the largest.
const maxFile = 64 << 20

// Files are the files beside the policies that are read again when they change:
// revocation lists, certificates, keys. It is safe for concurrent use.
type Files struct {
	logger     *slog.Logger
	tlsChanges atomic.Int64 // how often new connections have been given another configuration

	reloading sync.Mutex
	keepers   []func() error // what Keep calls; filled before the service starts
	unkept    string         // the last error of theirs; reloading guards it
	mu        sync.Mutex     // guards what follows, and fileSet.state
	sets      []*fileSet
}

// fileSet is a file, or several that are used together or not at all.
type fileSet struct {
	// use puts the contents in place, or returns an error and leaves in place
	// what is there.
	use func(contents [][]byte) (inUse, error)

	sum   [sha256.Size]byte // of the contents in use; Files.reloading guards it
	state fileState
}

// inUse is what others may know of contents.
type inUse struct {
	ID      string    `json:"id"`
	expires time.Time // zero: they do not say
}

// fileState is what is told of a set. It holds nothing of a private key.
type fileState struct {
	Kind  string   `json:"kind"`
	Paths []string `json:"paths"`
	inUse

	broken error     // why the contents of the moment cannot be used, or nil
	looked time.Time // when Reload was here; zero: never
}

// name is the paths in one text.
func (s fileState) name() string { return strings.Join(s.Paths, ", ") }

// NewFiles returns an empty set, to which [LoadRevocations], [LoadSigner] and
// [Listen] add.
func NewFiles(logger *slog.Logger) *Files { return &Files{logger: logger} }

// add reads files for the first time. Here they have to be good: there is
// nothing older to fall back to.
func (f *Files) add(kind string, use func([][]byte) (inUse, error), paths ...string) error {
	f.reloading.Lock()
	defer f.reloading.Unlock()
	set := &fileSet{use: use, state: fileState{Kind: kind, Paths: paths}}
	contents, sum, err := set.read()
	if err != nil {
		return err
	}
	if set.state.inUse, err = set.apply(contents); err != nil {
		return err
	}
	set.sum = sum
	f.warnIfExpired(set.state, fileState{})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sets = append(f.sets, set)
	return nil
}

// Reload reads all files again and puts those in place that have changed and are
// good. What cannot be used leaves what was there before. Only the contents
// count, as for policies.
func (f *Files) Reload() {
	f.reloading.Lock()
	defer f.reloading.Unlock()
	f.mu.Lock()
	sets := slices.Clone(f.sets)
	f.mu.Unlock()
	for _, set := range sets {
		old, now := set.state, set.reload()
		f.report(old, now)
		f.warnIfExpired(now, old)
		now.looked = time.Now()
		f.mu.Lock()
		set.state = now
		f.mu.Unlock()
	}
}

// Keep writes what has to last longer than the process. It logs what fails, each
// thing once, and tries again the next time.
func (f *Files) Keep() {
	f.reloading.Lock()
	defer f.reloading.Unlock()
	var errs []error
	for _, keep := range f.keepers {
		errs = append(errs, keep())
	}
	text := ""
	if err := errors.Join(errs...); err != nil {
		text = err.Error()
	}
	if text != "" && text != f.unkept {
		f.logger.Error("file cannot be written", slog.String("error", text))
	}
	f.unkept = text
}

func (s *fileSet) reload() fileState {
	state := s.state
	contents, sum, err := s.read()
	if err == nil && sum != s.sum {
		var now inUse
		if now, err = s.apply(contents); err == nil {
			s.sum, state.inUse = sum, now
		}
	}
	state.broken = err
	return state
}

func (s *fileSet) apply(contents [][]byte) (inUse, error) {
	now, err := s.use(contents)
	if err != nil {
		return inUse{}, fmt.Errorf("%s: %w", s.state.name(), err)
	}
	return now, nil
}

// read returns the contents and a hash of all of them.
func (s *fileSet) read() ([][]byte, [sha256.Size]byte, error) {
	contents := make([][]byte, len(s.state.Paths))
	var sums []byte
	for i, path := range s.state.Paths {
		data, err := readRegular(path, maxFile+1)
		if err == nil && len(data) > maxFile {
			err = fmt.Errorf("found more than %d bytes, expected at most that", maxFile)
		}
		if err != nil {
			return nil, [sha256.Size]byte{}, fmt.Errorf("%s: %w", path, input.WithoutPath(err))
		}
		sum := sha256.Sum256(data)
		contents[i], sums = data, append(sums, sum[:]...)
	}
	return contents, sha256.Sum256(sums), nil
}

// report logs what a reload changed, each thing once.
func (f *Files) report(old, now fileState) {
	logger := f.logger.With(slog.String("kind", now.Kind), slog.String("files", now.name()))
	if now.ID != old.ID {
		logger.Info("file loaded", slog.String("id", now.ID))
	}
	switch {
	case now.broken == nil && old.broken != nil:
		logger.Info("file no longer broken")
	case now.broken != nil && (old.broken == nil || old.broken.Error() != now.broken.Error()):
		logger.Error("file cannot be used, keeping what is loaded", slog.String("error", now.broken.Error()))
	}
}

// warnIfExpired says once that what is in use has ended.
func (f *Files) warnIfExpired(now, before fileState) {
	current := time.Now()
	if now.expires.IsZero() || current.Before(now.expires) || now.ID == before.ID && before.looked.After(now.expires) {
		return
	}
	if now.Kind == kindClientCRL {
		f.tlsChanges.Add(1) // connections that were there before need a list of the moment too
	}
	f.logger.Warn("file in use has expired", slog.String("kind", now.Kind), slog.String("files", now.name()), slog.Time("expired", now.expires))
}

func (f *Files) states() []fileState {
	f.mu.Lock()
	defer f.mu.Unlock()
	states := make([]fileState, len(f.sets))
	for i, set := range f.sets {
		states[i] = set.state
	}
	return states
}

func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
