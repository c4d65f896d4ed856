package service

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/input"
)

// maxPolicyFile is a little more than package pcr reads, which has the better
// message.
const maxPolicyFile = 1<<20 + 1

// policyName is what a file may be called before ".json", since names are found
// in requests, metrics and attestation results.
var policyName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Builder makes a verifier from the contents of a policy file.
type Builder func(file io.Reader) (*attestation.Verifier, error)

// Policies are the policy files of a directory, each with its verifier: what is
// in NAME.json is the policy NAME. It is safe for concurrent use.
type Policies struct {
	dir    string
	build  Builder
	logger *slog.Logger

	reloading sync.Mutex
	current   atomic.Pointer[policySet]
}

// policySet is what was found at one time. It never changes.
type policySet struct {
	loaded map[string]*loaded
	broken map[string]brokenPolicy
	err    error // why the directory could not be read, or nil
}

type loaded struct {
	name     string
	sha256   string // of the file, hex
	verifier *attestation.Verifier
}

type brokenPolicy struct {
	sha256 string
	err    error
}

type policyState struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// LoadPolicies reads a directory. Here every file has to be good, and there has
// to be one: there is nothing older to fall back to.
func LoadPolicies(dir string, build Builder, logger *slog.Logger) (*Policies, error) {
	p := &Policies{dir: dir, build: build, logger: logger}
	p.current.Store(&policySet{})
	set := p.scan(p.current.Load())
	switch {
	case set.err != nil:
		return nil, set.err
	case len(set.broken) > 0:
		name := sortedKeys(set.broken)[0]
		return nil, fmt.Errorf("%s.json: %w", name, set.broken[name].err)
	case len(set.loaded) == 0:
		return nil, errors.New("found no file with a name like NAME.json, expected at least one")
	}
	p.current.Store(set)
	return p, nil
}

// Reload reads the directory again and puts what it finds in place all at once.
// A file that is broken keeps the policy that was loaded under its name before,
// a directory that cannot be read keeps everything, and a file that is gone
// takes its policy with it. Only the contents of files count: times can stand
// still while they change.
func (p *Policies) Reload() {
	p.reloading.Lock()
	defer p.reloading.Unlock()
	old := p.current.Load()
	set := p.scan(old)
	p.report(old, set)
	p.current.Store(set)
}

func (p *Policies) get(name string) *loaded { return p.current.Load().loaded[name] }

func (p *Policies) scan(old *policySet) *policySet {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return &policySet{old.loaded, old.broken, input.WithoutPath(err)}
	}
	set := &policySet{map[string]*loaded{}, map[string]brokenPolicy{}, nil}
	for _, entry := range entries {
		name, isPolicy := strings.CutSuffix(entry.Name(), ".json")
		if !isPolicy || strings.HasPrefix(name, ".") {
			continue
		}
		policy, hash, err := p.load(name, old)
		if err != nil {
			set.broken[name] = brokenPolicy{hash, err}
			policy = old.loaded[name]
		}
		if policy != nil {
			set.loaded[name] = policy
		}
	}
	return set
}

// load returns the policy of a file, the old one if the file is still the same.
func (p *Policies) load(name string, old *policySet) (*loaded, string, error) {
	if !policyName.MatchString(name) {
		return nil, "", errors.New("found other characters in its name, expected at most 64 letters, digits, dots, underscores and hyphens")
	}
	data, err := readRegular(filepath.Join(p.dir, name+".json"), maxPolicyFile)
	if err != nil {
		return nil, "", input.WithoutPath(err)
	}
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	if same := old.loaded[name]; same != nil && same.sha256 == hash {
		return same, hash, nil
	}
	if same, ok := old.broken[name]; ok && same.sha256 == hash {
		return nil, hash, same.err
	}
	verifier, err := p.build(bytes.NewReader(data))
	if err != nil {
		return nil, hash, err
	}
	return &loaded{name, hash, verifier}, hash, nil
}

// readRegular does not wait for a pipe that nobody writes to.
func readRegular(path string, limit int64) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("found no regular file")
	}
	return io.ReadAll(io.LimitReader(file, limit))
}

func (p *Policies) state() ([]policyState, map[string]string) {
	set := p.current.Load()
	states := []policyState{}
	for _, name := range sortedKeys(set.loaded) {
		states = append(states, policyState{name, set.loaded[name].sha256})
	}
	broken := map[string]string{}
	for name, b := range set.broken {
		broken[name] = b.err.Error()
	}
	if set.err != nil {
		broken[directoryName] = set.err.Error()
	}
	return states, broken
}

// directoryName stands for the directory among broken files; no policy can have
// this name.
const directoryName = "(directory)"
