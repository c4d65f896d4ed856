package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/internal/settings"
	"github.com/nitroattest/nitroattest/pcr"
)

// appraisalFlags are the flags that say what a document has to be.
type appraisalFlags struct {
	policy                  string
	pcrs                    []string
	eif                     string
	container               containerFlags
	anyImage                bool
	allowDebug              bool
	anyModuleID             bool
	nonce                   string
	maxAge                  time.Duration
	recorded                bool
	at                      string
	kind                    string
	userData                string
	publicKey               string
	expectPCRs              []string
	noUserData, noPublicKey bool
	root                    string
	partition               string
	crls                    []string
	missingCRL              string
	signatures              string

	changed      func(name string) bool
	voucherFlags voucherFlags
}

func (f *appraisalFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.policy, "policy", "", "`FILE` with the acceptable images: policy JSON, nitro-cli output or a KMS condition")
	flags.StringArrayVar(&f.pcrs, "pcr", nil, "register that has to match, as `N=HEX`; repeat for more, all of them have to match")
	flags.StringVar(&f.eif, "eif", "", "enclave image file `IMAGE` that the enclave has to run; it is measured")
	f.container.register(flags)
	flags.BoolVar(&f.anyImage, "insecure-any-image", false, "accept any code: authenticity and freshness only")
	flags.BoolVar(&f.allowDebug, "insecure-allow-debug", false, "accept enclaves in debug mode, whose console the parent can read")
	flags.BoolVar(&f.anyModuleID, "insecure-any-module-id", false, "accept module IDs of a form that nobody has seen")
	flags.StringVar(&f.nonce, "nonce", "", "the challenge, as `HEX`")
	flags.DurationVar(&f.maxAge, "max-age", 0, "the largest age of the document, 5m for example")
	flags.BoolVar(&f.recorded, "recorded", false, "appraise as of the document's own timestamp; says nothing of freshness")
	flags.StringVar(&f.at, "at", "", "verification time in place of now, as `RFC3339`")
	flags.StringVar(&f.kind, "kind", "", "`KIND` of document: enclave or nitrotpm; without it that of the policy, or enclave")
	flags.StringVar(&f.userData, "user-data", "", "what user_data has to be, as `HEX`; \"\" for present and empty")
	flags.StringVar(&f.publicKey, "public-key", "", "what public_key has to be, as `HEX`; \"\" for present and empty")
	flags.BoolVar(&f.noUserData, "no-user-data", false, "user_data has to be null")
	flags.BoolVar(&f.noPublicKey, "no-public-key", false, "public_key has to be null")
	flags.StringArrayVar(&f.expectPCRs, "expect-pcr", nil, "register that this exchange requires beside the image, as `N=HEX`, of those that an application extends: 16 to 31; repeat for more")
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

// files are those that flags name.
func (f *appraisalFlags) files() []string {
	return slices.Concat([]string{f.policy, f.voucherFlags.bundle, f.eif, f.container.image, f.root}, f.crls, f.voucherFlags.keys)
}

// flagNames are the settings whose flag has another name than their key in JSON.
var flagNames = map[string]string{settings.PCRs: "--expect-pcr", settings.Roots: "--root", settings.CRLs: "--crl"}

// flagName is what a user of the command calls a setting.
func flagName(setting string) string {
	if name, ok := flagNames[setting]; ok {
		return name
	}
	return "--" + strings.ReplaceAll(setting, "_", "-")
}

// appraisal returns what the flags demand, or all that is wrong with them. Files
// that take long are read only once everything else is right.
func (f *appraisalFlags) appraisal(std stdio) (*settings.Appraisal, error) {
	a := &settings.Appraisal{
		Words:       flagName,
		AnyImage:    f.anyImage,
		AllowDebug:  f.allowDebug,
		AnyModuleID: f.anyModuleID,
		Recorded:    f.recorded,
		MaxAge:      f.maxAge,
		NoUserData:  f.noUserData,
		NoPublicKey: f.noPublicKey,
	}
	f.addKind(a)
	f.addTimes(a)
	f.addBinding(a)
	f.addTrust(a, std)
	if err := f.addImages(a, std); err != nil {
		return nil, err
	}
	if err := a.Check(); err != nil {
		return nil, err
	}
	return a, nil
}

func (f *appraisalFlags) addKind(a *settings.Appraisal) {
	if !f.changed("kind") {
		return
	}
	if a.Kind = pcr.Kind(f.kind); f.kind == "" {
		a.FailAs(settings.Kind, kindFlag("?").check())
	}
}

func (f *appraisalFlags) addTimes(a *settings.Appraisal) {
	if f.changed("max-age") && f.maxAge <= 0 {
		a.Fail(settings.MaxAge, "found %s, expected a positive duration", f.maxAge)
	}
	if f.changed("at") {
		at, err := time.Parse(time.RFC3339, f.at)
		if err != nil {
			a.Fail(settings.At, "found %q, expected a time like 2025-04-15T02:25:23Z", f.at)
		}
		a.At = at
	}
}

func (f *appraisalFlags) addBinding(a *settings.Appraisal) {
	for _, field := range []struct {
		setting, flag, digits string
		value                 *[]byte
	}{
		{settings.Nonce, "nonce", f.nonce, &a.Nonce},
		{settings.UserData, "user-data", f.userData, &a.UserData},
		{settings.PublicKey, "public-key", f.publicKey, &a.PublicKey},
	} {
		if !f.changed(field.flag) {
			continue
		}
		value, err := hex.DecodeString(strings.TrimPrefix(field.digits, "0x"))
		if err != nil {
			a.Fail(field.setting, "found %q, expected hex digits", field.digits)
			continue
		}
		*field.value = value
	}
	if len(f.expectPCRs) > 0 {
		var err error
		if a.PCRs, err = registers("--expect-pcr", f.expectPCRs); err != nil {
			a.FailAs(settings.PCRs, err)
		}
	}
}

func (f *appraisalFlags) addTrust(a *settings.Appraisal, std stdio) {
	trust := f.trust(std)
	if f.changed("root") {
		if roots, err := trust.Roots(); err != nil {
			a.FailAs(settings.Roots, err)
		} else {
			a.Roots, a.RootsName = roots, f.root
		}
	} else if f.changed("partition") {
		if a.Partition = f.partition; f.partition == "" {
			a.Fail(settings.Partition, "found \"\", expected %q or %q", settings.PartitionAWS, settings.PartitionGovCloud)
		}
	}
	revocations, err := trust.Revocations()
	if err != nil {
		a.FailAs(settings.CRLs, err)
	}
	a.Revocations, a.Lists, a.Unknown = revocations, f.crls, certs.UnknownStatus(f.missingCRL)
	signatures, err := f.signatureVerifier()
	if err != nil {
		a.FailAs("signatures", err)
	}
	a.Signatures = signatures
}

// registers reads the values of a flag that names registers, and tells all that
// is wrong with them.
func registers(flag string, values []string) (pcr.Bank, error) {
	bank := pcr.Bank{}
	var wrong []error
	for _, value := range values {
		name, digits, ok := strings.Cut(value, "=")
		if !ok {
			wrong = append(wrong, fmt.Errorf("%s: found %q, expected N=HEX, 0=<96 hex digits> for example", flag, value))
			continue
		}
		register, err := pcr.ParseRegister(name)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", flag, err))
			continue
		}
		if _, ok := bank[register]; ok {
			wrong = append(wrong, fmt.Errorf("%s: register %d is given twice", flag, register))
			continue
		}
		if bank[register], err = pcr.ParseValue(strings.TrimPrefix(digits, "0x")); err != nil {
			wrong = append(wrong, fmt.Errorf("%s %s: %w", flag, name, err))
		}
	}
	if wrong != nil {
		return nil, listed(wrong)
	}
	return bank, nil
}

// listed are errors that are told one by one.
type listed []error

// Error implements error.
func (l listed) Error() string { return errors.Join(l...).Error() }

// Unwrap makes errors.Is and errors.As look at each.
func (l listed) Unwrap() []error { return l }
