package main

import (
	"bytes"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/internal/settings"
	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

// voucherFlags say who has to have vouched for a policy. Once one of them is
// given, no policy is taken that nobody vouched for.
type voucherFlags struct {
	keys      []string
	threshold int
	name      string
	state     string
	bundle    string
	sigstore  sigstoreFlags

	changed func(name string) bool
}

func (f *voucherFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.keys, "policy-keys", nil, "`PEM` file with public keys of those who may sign the policy; repeat for more")
	flags.IntVar(&f.threshold, "policy-threshold", 0, "how many of the keys have to have signed, as `N`; all of them without this flag")
	flags.StringVar(&f.name, "policy-name", "", "`NAME` that the signed policy has to have")
	flags.StringVar(&f.state, "policy-state", "", "`FILE` that remembers the highest version of each signed policy, so that no older one comes back")
	flags.StringVar(&f.bundle, "policy-bundle", "", "Sigstore bundle `FILE` with the policy, in place of --policy")
	f.sigstore.register(cmd)
	f.changed = flags.Changed
}

var voucherFlagNames = []string{"policy-keys", "policy-threshold", "policy-name", "policy-state"}

// given returns the first flag that asks for a signed policy, or nothing.
func (f *voucherFlags) given() string {
	for _, name := range append(append([]string{"policy-bundle"}, voucherFlagNames...), sigstoreFlagNames...) {
		if f.changed(name) {
			return name
		}
	}
	return ""
}

// check refuses flags that do not go together. hasPolicy is whether a policy
// file is named, be it by --policy or as an argument.
func (f *voucherFlags) check(hasPolicy bool) error {
	given := f.given()
	if given == "" {
		return nil
	}
	if f.state == "-" {
		return errors.New("--policy-state: found -, expected the name of a file, which is written as well")
	}
	if f.changed("policy-bundle") {
		switch {
		case hasPolicy:
			return errors.New("--policy-bundle: given beside a policy file, expected one of them")
		case f.changed("policy-keys") || f.changed("policy-threshold"):
			return errors.New("--policy-keys: given beside --policy-bundle, whose signature is by a certificate; expected one of them")
		}
		return f.sigstore.check()
	}
	if !hasPolicy {
		return fmt.Errorf("--%s: given without --policy FILE or --policy-bundle FILE", given)
	}
	if len(f.keys) == 0 {
		return hintf(fmt.Errorf("--%s: given without --policy-keys", given), "the keys say whose signatures count; a certificate in place of keys comes with --policy-bundle")
	}
	for _, name := range sigstoreFlagNames {
		if f.changed(name) {
			return fmt.Errorf("--%s: given without --policy-bundle", name)
		}
	}
	if f.changed("policy-threshold") && f.threshold < 1 {
		return fmt.Errorf("--policy-threshold: found %d, expected 1 or more", f.threshold)
	}
	return nil
}

// read verifies an envelope, or the bundle, as of now.
func (f *voucherFlags) read(data []byte, kind kindFlag, now func() time.Time, std stdio) (pcr.Policy, *settings.Voucher, error) {
	var policy pcr.Policy
	var v *settings.Voucher
	var err error
	if f.changed("policy-bundle") {
		policy, v, err = f.readBundle(data, now, std)
	} else {
		policy, v, err = f.readEnvelope(data, now, std)
	}
	if err != nil {
		return pcr.Policy{}, nil, withVoucherHint(err)
	}
	v.NameChecked, v.VersionKept = f.changed("policy-name"), f.changed("policy-state")
	if found := kindOf(policy); kind != "" && found != pcr.Kind(kind) {
		return pcr.Policy{}, nil, fmt.Errorf("found a policy of the kind %q, expected %q; --kind says which", found, string(kind))
	}
	return policy, v, nil
}

func kindOf(p pcr.Policy) pcr.Kind {
	if p.Kind == "" {
		return pcr.Enclave
	}
	return p.Kind
}

func (f *voucherFlags) readEnvelope(data []byte, now func() time.Time, std stdio) (pcr.Policy, *settings.Voucher, error) {
	keys, err := readPublicKeys(f.keys, std)
	if err != nil {
		return pcr.Policy{}, nil, err
	}
	name, err := f.nameOr(func() (string, error) { return "", nil })
	if err != nil {
		return pcr.Policy{}, nil, err
	}
	policy, v, err := settings.Vouching{Keys: keys, Threshold: f.threshold, Name: name, Now: now, Seen: f.store()}.Read(data)
	var m *settings.Mistake
	if errors.As(err, &m) {
		err = fmt.Errorf("%s: %s", flagName(m.Setting), m.Detail)
	}
	return policy, v, err
}

// nameOr returns the name to expect. Without --policy-name it is the one that
// the file has, and the report says that it was not checked.
func (f *voucherFlags) nameOr(found func() (string, error)) (string, error) {
	if !f.changed("policy-name") {
		return found()
	}
	if f.name == "" {
		return "", errors.New("--policy-name: empty, expected the name of a policy")
	}
	return f.name, nil
}

func (f *voucherFlags) store() signedpolicy.Store {
	if f.changed("policy-state") {
		return signedpolicy.NewFileStore(f.state)
	}
	return signedpolicy.NewMemoryStore()
}

const maxKeys = 1 << 20

func readPublicKeys(files []string, std stdio) ([]crypto.PublicKey, error) {
	var keys []crypto.PublicKey
	for _, name := range files {
		data, err := std.read(name, maxKeys)
		if err != nil {
			return nil, fmt.Errorf("--policy-keys: %s: %w", name, err)
		}
		found, err := signedpolicy.ParsePublicKeys(data)
		if err != nil {
			return nil, fmt.Errorf("--policy-keys: %s: %w", name, err)
		}
		keys = append(keys, found...)
	}
	return keys, nil
}

// isSigned recognises an envelope or a bundle by keys that no policy has.
func isSigned(data []byte) bool {
	var found struct {
		PayloadType  json.RawMessage `json:"payloadType"`
		DSSEEnvelope json.RawMessage `json:"dsseEnvelope"`
	}
	return json.Unmarshal(bytes.TrimSpace(data), &found) == nil && (found.PayloadType != nil || found.DSSEEnvelope != nil)
}

var voucherHints = map[signedpolicy.Reason]string{
	signedpolicy.MalformedEnvelope: "once keys are given, an unsigned policy is never taken; nitroattest policy sign signs one",
	signedpolicy.TooFewSignatures:  "policy sign --append adds a signature; --policy-threshold says how many have to be there",
	signedpolicy.RolledBack:        "an older policy was put in the place of a newer one, or --policy-state is of another publisher",
	signedpolicy.Expired:           "ask the publisher for a newer version",
	signedpolicy.NotYetValid:       "is the clock of this machine right?",
}

func withVoucherHint(err error) error {
	var refused *signedpolicy.Error
	if errors.As(err, &refused) {
		if hint, ok := voucherHints[refused.Reason]; ok {
			return hintf(err, "%s", hint)
		}
	}
	return err
}

// readFile reads a policy that an argument names, signed when a flag asks for
// that.
func (f *voucherFlags) readFile(name string, kind kindFlag, std stdio) (pcr.Policy, error) {
	if f.changed("policy-bundle") {
		return pcr.Policy{}, errors.New("--policy-bundle: given beside FILE, expected a policy in FILE")
	}
	if err := f.check(true); err != nil {
		return pcr.Policy{}, err
	}
	if f.given() == "" {
		reading, err := kind.read(name, std)
		return reading.Policy, err
	}
	data, err := std.read(name, signedpolicy.MaxEnvelope)
	if err != nil {
		return pcr.Policy{}, fmt.Errorf("%s: %w", name, err)
	}
	policy, v, err := f.read(data, kind, nil, std)
	if err != nil {
		return pcr.Policy{}, fmt.Errorf("%s: %w", name, err)
	}
	if !v.NameChecked {
		printWarning(std.err, fmt.Sprintf("--policy-name is not given: the name of the policy, %q, was not checked", v.Name))
	}
	return policy, nil
}
