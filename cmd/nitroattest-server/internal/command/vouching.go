package command

import (
	"bytes"
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

// reader reads plain policies without --policy-keys, and signed ones only with
// it.
func (f vouchingFlags) reader(kind attestation.Kind) (policyReader, error) {
	if f.keys == "" {
		if f.threshold != 0 || f.prefix != "" || f.state != "" {
			return nil, errors.New("--policy-threshold, --policy-name-prefix, --policy-state: given without --policy-keys")
		}
		return func(_ string, file []byte) (pcr.Policy, *settings.Voucher, error) {
			policy, err := kind.ReadPolicy(bytes.NewReader(file))
			return policy, nil, err
		}, nil
	}
	data, err := os.ReadFile(f.keys)
	if err != nil {
		return nil, fmt.Errorf("--policy-keys: %s: %w", f.keys, input.WithoutPath(err))
	}
	keys, err := signedpolicy.ParsePublicKeys(data)
	if err != nil {
		return nil, fmt.Errorf("--policy-keys: %s: %w", f.keys, err)
	}
	distinct := map[string]bool{}
	for _, key := range keys {
		id, err := signedpolicy.KeyID(key)
		if err != nil {
			return nil, fmt.Errorf("--policy-keys: %s: %w", f.keys, err)
		}
		distinct[id] = true
	}
	if f.threshold < 0 || f.threshold > len(distinct) {
		return nil, fmt.Errorf("--policy-threshold: found %d, expected 1 to %d, the number of distinct keys, or 0 for all", f.threshold, len(distinct))
	}
	seen := signedpolicy.NewMemoryStore()
	if f.state != "" {
		seen = signedpolicy.NewFileStore(f.state)
	}
	return func(name string, file []byte) (pcr.Policy, *settings.Voucher, error) {
		policy, voucher, err := settings.Vouching{Keys: keys, Threshold: f.threshold, Name: f.prefix + name, Seen: seen}.Read(file)
		if err == nil && !pcr.Kind(kind).Is(policy.Kind) {
			return pcr.Policy{}, nil, fmt.Errorf("found a policy of the kind %q, expected %q; --kind says which", policy.Kind, kind)
		}
		return policy, voucher, err
	}, nil
}
