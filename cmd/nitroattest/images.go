package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nitroattest/nitroattest/internal/settings"
	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

// addImages reads the acceptable images from wherever the flags say. It returns
// an error where nothing else needs to be looked at.
func (f *appraisalFlags) addImages(a *settings.Appraisal, std stdio) error {
	if err := f.voucherFlags.check(f.changed("policy")); err != nil {
		a.FailAs(settings.Policy, err)
	}
	oci := f.changed("oci")
	if !oci {
		if err := f.container.refuse(); err != nil {
			a.FailAs(settings.Policy, err)
		}
	}
	given := 0
	for _, flag := range []bool{f.changed("policy"), f.changed("policy-bundle"), len(f.pcrs) > 0 && !oci, f.changed("eif"), oci, f.anyImage} {
		if flag {
			given++
		}
	}
	if given != 1 {
		a.FailAs(settings.Policy, fmt.Errorf("found %d of --policy, --pcr, --eif, --oci and --insecure-any-image, expected exactly one", given)).Hint = settings.HintImages
		return nil
	}
	switch {
	case f.anyImage:
		return nil
	case len(f.pcrs) > 0 && !oci:
		f.addRegisters(a)
		return nil
	case f.changed("policy") && f.voucherFlags.given() == "":
		f.addPolicy(a, std)
		return nil
	}
	// The others measure for minutes, or remember a version.
	a.CheckFreshness()
	if err := a.Mistakes(); err != nil {
		return err
	}
	var policy pcr.Policy
	var err error
	switch {
	case oci:
		a.Origin = settings.Origin{Name: "Container image", Value: f.container.image}
		policy, err = f.policyOfContainer(std)
	case f.changed("eif"):
		a.Origin = settings.Origin{Name: "Image file", Value: f.eif}
		policy, err = f.policyOfImage(std)
	default:
		policy, err = f.policyThatIsSigned(a, std)
	}
	if err != nil {
		a.FailAs(settings.Policy, err)
	}
	a.Policy = policy
	return nil
}

func (f *appraisalFlags) isNitroTPM() bool { return f.kind == string(pcr.NitroTPM) }

// addPolicy reads a policy that nobody signed.
func (f *appraisalFlags) addPolicy(a *settings.Appraisal, std stdio) {
	fail := func(err error) { a.FailAs(settings.Policy, fmt.Errorf("--policy: %s: %w", f.policy, err)) }
	data, err := std.read(f.policy, maxPolicy)
	if err != nil {
		fail(err)
		return
	}
	kind := kindFlag(a.Kind)
	if pcr.Kind(kind).Validate() != nil {
		kind = "" // a mistake of its own
	}
	reading, err := kind.parse(data)
	if err != nil {
		fail(signedHint(data, err))
		return
	}
	warnOfPolicy(f.policy, reading, std)
	a.Policy = reading.Policy
	a.Origin = settings.Origin{Name: "Policy file", Value: f.policy, File: data}
}

// policyThatIsSigned reads a signed policy or a bundle.
func (f *appraisalFlags) policyThatIsSigned(a *settings.Appraisal, std stdio) (pcr.Policy, error) {
	flag, what, name := "policy", "Policy file", f.policy
	if f.changed("policy-bundle") {
		flag, what, name = "policy-bundle", "Policy bundle", f.voucherFlags.bundle
	}
	fail := func(err error) (pcr.Policy, error) {
		return pcr.Policy{}, fmt.Errorf("--%s: %s: %w", flag, name, err)
	}
	data, err := std.read(name, signedpolicy.MaxEnvelope)
	if err != nil {
		return fail(err)
	}
	policy, v, err := f.voucherFlags.read(data, kindFlag(a.Kind), a.Config().Now, std)
	if err != nil {
		return fail(err)
	}
	a.Origin = settings.Origin{Name: what, Value: name, File: data, Voucher: v}
	if !v.NameChecked {
		printWarning(std.err, fmt.Sprintf("--policy-name is not given: the name of the policy, %q, was not checked", v.Name))
	}
	return policy, nil
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

// addRegisters makes one image of all --pcr flags.
func (f *appraisalFlags) addRegisters(a *settings.Appraisal) {
	bank, err := registers("--pcr", f.pcrs)
	if err != nil {
		a.FailAs(settings.Policy, err)
		return
	}
	policy := pcr.Policy{Kind: a.Kind, Images: []pcr.Image{{Name: "--pcr", PCRs: bank}}}
	if a.Kind.Validate() == nil {
		if err := policy.Validate(); err != nil {
			a.FailAs(settings.Policy, ofRegisters(err))
			return
		}
	}
	a.Policy = policy
	a.Origin = settings.Origin{Name: "Registers", Value: strings.Join(f.pcrs, ", ")}
}

// ofRegisters says which --pcr a mistake is in, for the flags have no paths.
func ofRegisters(err error) error {
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) {
		var out listed
		for _, one := range several.Unwrap() {
			out = append(out, ofRegisters(one))
		}
		return out
	}
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
