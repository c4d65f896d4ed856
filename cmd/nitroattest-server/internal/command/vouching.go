package command

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"os"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/input"
	"github.com/nitroattest/nitroattest/internal/settings"
	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

// policyReader reads the policy in NAME.json.
type policyReader func(name string, file []byte) (pcr.Policy, *settings.Voucher, error)

// required reports whether somebody has to vouch for every policy.
func (f *vouchingFlags) required() bool { return f.keys != nil || f.signer.given() }

// reader reads plain policies where nobody has to vouch for them, and no others
// than signed ones where somebody has to.
func (f *vouchingFlags) reader(kind attestation.Kind, sigstore Sigstore) (policyReader, error) {
	var read policyReader
	var err error
	switch {
	case f.keys != nil && f.signer.given():
		return nil, errors.New("--policy-keys: given beside flags for Sigstore bundles such as --certificate-identity, expected one of them")
	case f.threshold != 0 && f.keys == nil:
		return nil, errors.New("--policy-threshold: given without --policy-keys")
	case f.keys != nil:
		read, err = f.envelopeReader(*f.keys)
	case f.signer.given():
		read, err = f.bundleReader(sigstore)
	case f.prefix != "" || f.state != "":
		return nil, errors.New("--policy-name-prefix, --policy-state: given without --policy-keys or --certificate-identity")
	default:
		return func(_ string, file []byte) (pcr.Policy, *settings.Voucher, error) {
			policy, err := kind.ReadPolicy(bytes.NewReader(file))
			return policy, nil, err
		}, nil
	}
	if err != nil {
		return nil, err
	}
	return func(name string, file []byte) (pcr.Policy, *settings.Voucher, error) {
		policy, voucher, err := read(f.prefix+name, file)
		if err == nil && !kind.Is(policy.Kind) {
			return pcr.Policy{}, nil, fmt.Errorf("found a policy of the kind %q, expected %q; --kind says which", policy.Kind, kind)
		}
		return policy, voucher, err
	}, nil
}

// seen remembers the versions, and without --policy-state until the process ends.
func (f *vouchingFlags) seen() signedpolicy.Store {
	if f.state == "" {
		return signedpolicy.NewMemoryStore()
	}
	return signedpolicy.NewFileStore(f.state)
}

// envelopeReader reads DSSE envelopes of the name that a policy has to have.
func (f *vouchingFlags) envelopeReader(file string) (policyReader, error) {
	keys, err := readPolicyKeys(file)
	if err != nil {
		return nil, fmt.Errorf("--policy-keys: %w", err)
	}
	distinct := map[string]bool{}
	for _, key := range keys {
		id, err := signedpolicy.KeyID(key)
		if err != nil {
			return nil, fmt.Errorf("--policy-keys: %s: %w", file, err)
		}
		distinct[id] = true
	}
	if f.threshold < 0 || f.threshold > len(distinct) {
		return nil, fmt.Errorf("--policy-threshold: found %d, expected 1 to %d, the number of distinct keys, or 0 for all", f.threshold, len(distinct))
	}
	seen := f.seen()
	return func(name string, file []byte) (pcr.Policy, *settings.Voucher, error) {
		return settings.Vouching{Keys: keys, Threshold: f.threshold, Name: name, Seen: seen}.Read(file)
	}, nil
}

func readPolicyKeys(file string) ([]crypto.PublicKey, error) {
	if file == "" {
		return nil, errors.New("empty, expected the name of a file")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, input.WithoutPath(err))
	}
	keys, err := signedpolicy.ParsePublicKeys(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return keys, nil
}
