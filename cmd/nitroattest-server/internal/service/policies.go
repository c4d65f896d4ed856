package service

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/input"
	"github.com/nitroattest/nitroattest/internal/settings"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

// maxPolicyFile is a little more than package pcr and package signedpolicy read,
// which have the better messages.
const maxPolicyFile = signedpolicy.MaxEnvelope + 1

// policyName is what a file may be called before ".json", since names are found
// in requests, metrics and attestation results.
var policyName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Policy is what the contents of a policy file are good for.
type Policy struct {
	Verifier *attestation.Verifier
	// Voucher is who vouches for the policy. Nil: nobody does, and it never ends.
	Voucher *settings.Voucher
}

// Builder makes a Policy of what is in NAME.json.
type Builder func(name string, file []byte) (Policy, error)

// PoliciesConfig says where policies are and how to read them.
type PoliciesConfig struct {
	Dir    string
	Build  Builder
	Logger *slog.Logger
	// TolerateBroken lets the service start with a part of its policies.
	TolerateBroken bool
}

// Policies are the policy files of a directory, each with its verifier: what is
// in NAME.json is the policy NAME. It is safe for concurrent use.
type Policies struct {
	config PoliciesConfig

	reloading sync.Mutex
	current   atomic.Pointer[policySet]
}

// policySet is what was found at one time. It never changes.
type policySet struct {
	loaded map[string]*loaded
	broken map[string]brokenPolicy
	err    error // why the directory could not be read, or nil

	seen   map[string]stamp // of files whose contents need not be read again
	readAt time.Time        // when all were read
}

// loaded is a policy in use.
type loaded struct {
	name        string
	sha256      string // of the file, hex
	verifier    *attestation.Verifier
	voucher     *settings.Voucher
	voucherJSON json.RawMessage // nil without
}

type brokenPolicy struct {
	sha256 string
	err    error
}

// LoadPolicies reads a directory. There has to be a good file, and unless broken
// ones are tolerated, no other: there is nothing older to fall back to.
func LoadPolicies(config PoliciesConfig) (*Policies, error) {
	p := &Policies{config: config}
	p.current.Store(&policySet{})
	set := p.scan(p.current.Load(), time.Now())
	switch {
	case set.err != nil:
		return nil, set.err
	case len(set.broken) > 0 && !(config.TolerateBroken && len(set.loaded) > 0):
		name := sortedKeys(set.broken)[0]
		return nil, fmt.Errorf("%s.json: %w", name, set.broken[name].err)
	case len(set.loaded) == 0:
		return nil, errors.New("found no file with a name like NAME.json, expected at least one")
	}
	if len(set.broken) > 0 {
		p.report(&policySet{loaded: set.loaded}, set)
	}
	p.current.Store(set)
	return p, nil
}

// Reload looks at the directory and puts what it finds in place all at once.
// A file that is broken keeps the policy that was loaded under its name before,
// a directory that cannot be read keeps everything, and a file that is gone
// takes its policy with it.
func (p *Policies) Reload() {
	p.reloading.Lock()
	defer p.reloading.Unlock()
	old := p.current.Load()
	set := p.scan(old, time.Now())
	p.report(old, set)
	p.current.Store(set)
}

// get returns the policy of a name if it can be used at a time.
func (p *Policies) get(name string, now time.Time) (*loaded, error) {
	set := p.current.Load()
	policy := set.loaded[name]
	switch {
	case policy == nil && set.broken[name].err != nil:
		return nil, &problem{kind: policyUnusable, detail: "policy: the file of this policy cannot be used; the operator finds the reason in the log", err: set.broken[name].err}
	case policy == nil:
		return nil, &problem{kind: unknownPolicy, detail: "policy: expected the name of a policy of this server; its operator knows them"}
	case policy.expired(now):
		return nil, &problem{kind: policyExpired, detail: "policy: those who vouch for it did so until " + policy.voucher.Expires.UTC().Format(time.RFC3339)}
	}
	return policy, nil
}

func (l *loaded) expired(now time.Time) bool {
	return l.voucher != nil && !now.Before(l.voucher.Expires)
}

// ids are what attestation results call it.
func (l *loaded) ids() []string {
	ids := []string{l.name + "@sha256:" + l.sha256}
	if v := l.voucher; v != nil {
		ids = append(ids, fmt.Sprintf("%s@%d@sha256:%s", v.Name, v.Version, v.SHA256))
	}
	return ids
}

// rereadAfter is how often contents are read although nothing says that they have
// changed.
const rereadAfter = 5 * time.Minute

func (p *Policies) scan(old *policySet, now time.Time) *policySet {
	entries, err := os.ReadDir(p.config.Dir)
	if err != nil {
		return &policySet{loaded: old.loaded, broken: old.broken, err: input.WithoutPath(err)}
	}
	set := &policySet{
		loaded: make(map[string]*loaded, len(old.loaded)),
		broken: map[string]brokenPolicy{},
		seen:   make(map[string]stamp, len(old.seen)),
		readAt: old.readAt,
	}
	trusting := now.Sub(old.readAt) < rereadAfter
	if trusting && old.err == nil && p.unchanged(entries, old) {
		return old
	}
	if !trusting {
		set.readAt = now
	}
	for _, entry := range entries {
		name, isPolicy := policyFile(entry.Name())
		if !isPolicy {
			continue
		}
		path := filepath.Join(p.config.Dir, entry.Name())
		current, stamped := stampOf(path)
		if same := old.loaded[name]; trusting && stamped && same != nil && old.broken[name].err == nil && old.seen[name] == current {
			set.loaded[name], set.seen[name] = same, current
			continue
		}
		policy, hash, err := p.load(name, old)
		if err != nil {
			set.broken[name] = brokenPolicy{hash, err}
			if policy = old.loaded[name]; takenBack(err) {
				policy = nil
			}
		} else if stamped && current.settled(now) {
			set.seen[name] = current // it was taken before the contents were read
		}
		if policy != nil {
			set.loaded[name] = policy
		}
	}
	return set
}

// takenBack reports whether a file ends the policy that was there before: enough
// keys have signed it, and it is no older version. Who vouches for reference values
// says with it that none of them count any more, or let them end.
func takenBack(err error) bool {
	return errors.Is(err, signedpolicy.ImageRevoked) || errors.Is(err, signedpolicy.Expired)
}

// unchanged reports whether the directory has the files of old, none of them
// broken, and all with their stamps.
func (p *Policies) unchanged(entries []os.DirEntry, old *policySet) bool {
	count := 0
	for _, entry := range entries {
		name, isPolicy := policyFile(entry.Name())
		if !isPolicy {
			continue
		}
		count++
		current, stamped := stampOf(p.config.Dir + string(filepath.Separator) + entry.Name())
		if seen, ok := old.seen[name]; !stamped || !ok || seen != current {
			return false
		}
	}
	return count == len(old.loaded) && len(old.broken) == 0
}

// policyFile returns the name of the policy in a file.
func policyFile(file string) (name string, ok bool) {
	name, ok = strings.CutSuffix(file, ".json")
	return name, ok && !strings.HasPrefix(name, ".")
}

// load returns the policy of a file, the old one if the file is still the same.
func (p *Policies) load(name string, old *policySet) (*loaded, string, error) {
	if !policyName.MatchString(name) {
		return nil, "", errors.New("found other characters in its name, expected at most 64 letters, digits, dots, underscores and hyphens")
	}
	data, err := readRegular(filepath.Join(p.config.Dir, name+".json"), maxPolicyFile)
	if err != nil {
		return nil, "", input.WithoutPath(err)
	}
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	if same := old.loaded[name]; same != nil && same.sha256 == hash {
		return same, hash, nil
	}
	// What is wrong with a signed policy may be that its time has not come yet.
	var signed *signedpolicy.Error
	if same, ok := old.broken[name]; ok && same.sha256 == hash && !errors.As(same.err, &signed) {
		return nil, hash, same.err
	}
	policy, err := p.config.Build(name, data)
	if err != nil {
		return nil, hash, err
	}
	l := &loaded{name: name, sha256: hash, verifier: policy.Verifier, voucher: policy.Voucher}
	if l.voucher != nil {
		if l.voucherJSON, err = json.Marshal(l.voucher); err != nil {
			return nil, hash, err
		}
	}
	return l, hash, nil
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

// directoryName stands for the directory among broken files; no policy can have
// this name.
const directoryName = "(directory)"
