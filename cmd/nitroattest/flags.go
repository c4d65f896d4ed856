package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

// appraisalFlags are the flags that say what a document has to be.
type appraisalFlags struct {
	policy     string
	pcrs       []string
	eif        string
	container  containerFlags
	anyImage   bool
	allowDebug bool
	nonce      string
	maxAge     time.Duration
	recorded   bool
	at         string
	kind       string
	userData   string
	publicKey  string
	root       string
	partition  string
	crls       []string
	missingCRL string
	signatures string

	changed      func(name string) bool
	voucherFlags voucherFlags
	policyData   []byte   // what was read of the file that policy names
	voucher      *voucher // of a signed policy
}

func (f *appraisalFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.policy, "policy", "", "`FILE` with the acceptable images: policy JSON, nitro-cli output or a KMS condition")
	flags.StringArrayVar(&f.pcrs, "pcr", nil, "register that has to match, as `N=HEX`; repeat for more, all of them have to match")
	flags.StringVar(&f.eif, "eif", "", "enclave image file `IMAGE` that the enclave has to run; it is measured")
	f.container.register(flags)
	flags.BoolVar(&f.anyImage, "insecure-any-image", false, "accept any code: authenticity and freshness only")
	flags.BoolVar(&f.allowDebug, "insecure-allow-debug", false, "accept enclaves in debug mode, whose console the parent can read")
	flags.StringVar(&f.nonce, "nonce", "", "the challenge, as `HEX`")
	flags.DurationVar(&f.maxAge, "max-age", 0, "the largest age of the document, 5m for example")
	flags.BoolVar(&f.recorded, "recorded", false, "appraise as of the document's own timestamp; says nothing of freshness")
	flags.StringVar(&f.at, "at", "", "verification time in place of now, as `RFC3339`")
	flags.StringVar(&f.kind, "kind", string(attestation.Enclave), "kind of document: enclave or nitrotpm")
	flags.StringVar(&f.userData, "user-data", "", "what user_data has to be, as `HEX`; \"\" for present and empty")
	flags.StringVar(&f.publicKey, "public-key", "", "what public_key has to be, as `HEX`; \"\" for present and empty")
	f.voucherFlags.register(cmd)
	f.registerTrust(cmd)
	f.registerSignatures(cmd)
	flags.SetNormalizeFunc(earlierNames)
	f.changed = flags.Changed
}

// earlierNames lets the names that flags had before stand for those they have now.
func earlierNames(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	switch name {
	case "any-image", "allow-debug":
		name = "insecure-" + name
	}
	return pflag.NormalizedName(name)
}

// verifier builds the verifier and the expectation that the flags describe.
func (f *appraisalFlags) verifier(std stdio) (*attestation.Verifier, attestation.Expect, error) {
	expect, err := f.expect()
	if err != nil {
		return nil, expect, err
	}
	config, err := f.config(std)
	if err != nil {
		return nil, expect, err
	}
	v, err := attestation.NewVerifier(config)
	return v, expect, err
}

func (f *appraisalFlags) config(std stdio) (attestation.Config, error) {
	config := attestation.Config{
		Kind:               attestation.Kind(f.kind),
		Recorded:           f.recorded,
		InsecureAllowDebug: f.allowDebug,
		InsecureAnyImage:   f.anyImage,
	}
	if err := kindFlag(f.kind).check(); err != nil {
		return config, err
	}
	var err error
	if config.Policy, err = f.readPolicy(std); err != nil {
		return config, err
	}
	if config.Roots, err = f.trust().Roots(); err != nil {
		return config, err
	}
	if config.Revocations, err = f.trust().Revocations(); err != nil {
		return config, err
	}
	if config.Signatures, err = f.signatureVerifier(); err != nil {
		return config, err
	}
	config.Now, err = f.now()
	return config, err
}

func (f *appraisalFlags) readPolicy(std stdio) (pcr.Policy, error) {
	if err := f.voucherFlags.check(f.changed("policy")); err != nil {
		return pcr.Policy{}, err
	}
	oci := f.changed("oci")
	if !oci {
		if err := f.container.refuse(); err != nil {
			return pcr.Policy{}, err
		}
	}
	given := 0
	for _, flag := range []bool{f.changed("policy"), f.changed("policy-bundle"), len(f.pcrs) > 0 && !oci, f.changed("eif"), oci, f.anyImage} {
		if flag {
			given++
		}
	}
	if given != 1 {
		return pcr.Policy{}, hintf(fmt.Errorf("found %d of --policy, --pcr, --eif, --oci and --insecure-any-image, expected exactly one", given),
			"they say which code is acceptable; without it every enclave would be")
	}
	switch {
	case f.anyImage:
		return pcr.Policy{}, nil
	case oci:
		return f.policyOfContainer(std)
	case len(f.pcrs) > 0:
		return f.policyOfRegisters()
	case f.changed("eif"):
		return f.policyOfImage(std)
	default:
		return f.readPolicyFile(std)
	}
}

func (f *appraisalFlags) isNitroTPM() bool { return f.kind == string(attestation.NitroTPM) }

func (f *appraisalFlags) readPolicyFile(std stdio) (pcr.Policy, error) {
	flag, name := "policy", f.policy
	if f.changed("policy-bundle") {
		flag, name = "policy-bundle", f.voucherFlags.bundle
	}
	fail := func(err error) (pcr.Policy, error) {
		return pcr.Policy{}, fmt.Errorf("--%s: %s: %w", flag, name, err)
	}
	if f.voucherFlags.given() == "" {
		data, err := readFileBounded(name, maxPolicy)
		if err != nil {
			return fail(err)
		}
		reading, err := kindFlag(f.kind).parse(data)
		if err != nil {
			_, err = fail(err)
			return pcr.Policy{}, signedHint(data, err)
		}
		warnOfPolicy(name, reading, std)
		f.policyData = data
		return reading.Policy, nil
	}
	data, err := readFileBounded(name, signedpolicy.MaxEnvelope)
	if err != nil {
		return fail(err)
	}
	now, err := f.now()
	if err != nil {
		return pcr.Policy{}, err
	}
	policy, v, err := f.voucherFlags.read(data, kindFlag(f.kind), now, std)
	if err != nil {
		return fail(err)
	}
	f.policyData, f.voucher = data, v
	if !v.nameGiven {
		printWarning(std.err, fmt.Sprintf("--policy-name is not given: the name of the policy, %q, was not checked", v.Name))
	}
	return policy, nil
}

// now returns the clock of --at, or nil.
func (f *appraisalFlags) now() (func() time.Time, error) {
	if !f.changed("at") {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339, f.at)
	if err != nil {
		return nil, fmt.Errorf("--at: found %q, expected a time like 2025-04-15T02:25:23Z", f.at)
	}
	return func() time.Time { return at }, nil
}

func (f *appraisalFlags) policyOfImage(std stdio) (pcr.Policy, error) {
	if f.isNitroTPM() {
		return pcr.Policy{}, errors.New("--eif: given beside --kind nitrotpm, expected --policy or --pcr: an enclave image says nothing of such a document")
	}
	policy, err := policyOfImage(f.eif, std)
	if err != nil {
		return pcr.Policy{}, fmt.Errorf("--eif: %w", err)
	}
	return policy, nil
}

// registers returns those of all --pcr flags.
func (f *appraisalFlags) registers() (pcr.Bank, error) {
	bank := pcr.Bank{}
	for _, flag := range f.pcrs {
		name, digits, ok := strings.Cut(flag, "=")
		if !ok {
			return nil, fmt.Errorf("--pcr: found %q, expected N=HEX, 0=<96 hex digits> for example", flag)
		}
		register, err := pcr.ParseRegister(name)
		if err != nil {
			return nil, fmt.Errorf("--pcr: %w", err)
		}
		if _, ok := bank[register]; ok {
			return nil, fmt.Errorf("--pcr: register %d is given twice", register)
		}
		if bank[register], err = pcr.ParseValue(digits); err != nil {
			return nil, fmt.Errorf("--pcr %s: %w", name, err)
		}
	}
	return bank, nil
}

// policyOfRegisters makes one image of all --pcr flags.
func (f *appraisalFlags) policyOfRegisters() (pcr.Policy, error) {
	bank, err := f.registers()
	if err != nil {
		return pcr.Policy{}, err
	}
	policy := pcr.Policy{Kind: pcr.Kind(f.kind), Images: []pcr.Image{{Name: "--pcr", PCRs: bank}}}
	if err := policy.Validate(); err != nil {
		return pcr.Policy{}, ofRegisters(err)
	}
	return policy, nil
}

// ofRegisters says of the first mistake which --pcr it is in, for the flags have
// no paths.
func ofRegisters(err error) error {
	var wrong *pcr.Error
	if !errors.As(err, &wrong) {
		return fmt.Errorf("--pcr: %w", err)
	}
	told := *wrong
	told.Field = ""
	if register, ok := strings.CutPrefix(wrong.Field, "images[0].pcrs."); ok {
		return fmt.Errorf("--pcr %s: %w", register, &told)
	}
	return fmt.Errorf("--pcr: %w", &told)
}

// expect reads the flags of freshness and binding.
func (f *appraisalFlags) expect() (attestation.Expect, error) {
	expect := attestation.Expect{MaxAge: f.maxAge}
	switch {
	case !f.changed("nonce") && !f.changed("max-age") && !f.recorded:
		return expect, hintf(errors.New("no flag states freshness, expected --nonce HEX, --max-age DURATION or --recorded"),
			"--nonce is for the answer to your challenge, --max-age for a recent document, --recorded for one of the past, as of its own timestamp")
	case f.recorded && f.changed("max-age"):
		return expect, errors.New("--max-age: given beside --recorded, by whose clock every document is new")
	case f.recorded && f.changed("at"):
		return expect, errors.New("--at: given beside --recorded, which takes the time from the document")
	case f.changed("max-age") && f.maxAge <= 0:
		return expect, fmt.Errorf("--max-age: found %s, expected a positive duration", f.maxAge)
	}
	for _, field := range []struct {
		name, digits string
		value        *[]byte
	}{
		{"nonce", f.nonce, &expect.Nonce},
		{"user-data", f.userData, &expect.UserData},
		{"public-key", f.publicKey, &expect.PublicKey},
	} {
		if !f.changed(field.name) {
			continue
		}
		value, err := hex.DecodeString(strings.TrimPrefix(field.digits, "0x"))
		if err != nil {
			return expect, fmt.Errorf("--%s: found %q, expected hex digits", field.name, field.digits)
		}
		*field.value = value
	}
	if f.changed("nonce") && len(expect.Nonce) == 0 {
		return expect, errors.New("--nonce: empty, expected at least one byte")
	}
	return expect, nil
}
