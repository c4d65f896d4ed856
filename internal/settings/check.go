package settings

import (
	"errors"
	"fmt"

	"github.com/nitroattest/nitroattest/pcr"
)

// Check returns Mistakes: what Fail noted, what is missing, and what contradicts
// itself. Nothing is called missing that was given and could not be used.
func (a *Appraisal) Check() error {
	if a.Kind.Validate() != nil {
		a.Fail(Kind, "found %q, expected %q or %q", a.Kind, pcr.Enclave, pcr.NitroTPM)
	}
	a.checkImages()
	if a.AnyModuleID && a.kind() == pcr.NitroTPM {
		a.Fail(InsecureAnyModuleID, "set for documents of the kind %q, expected %q", pcr.NitroTPM, pcr.Enclave)
	}
	a.CheckFreshness()
	a.noteExchange()
	a.checkTrust()
	return a.Mistakes()
}

func (a *Appraisal) checkImages() {
	if a.broken(Policy, PolicyKeys, PolicyThreshold, PolicyName, InsecureAnyImage) {
		return
	}
	given := len(a.Policy.Images) > 0
	if !given && a.Origin.File != nil && len(a.mistakes) > 0 {
		return // it was given, and another mistake kept it from being read
	}
	switch {
	case given && a.AnyImage:
		a.Fail(InsecureAnyImage, "set beside %s, whose images would not be looked at; expected one of them", a.name(Policy))
	case !given && !a.AnyImage:
		a.Fail(Policy, "missing, expected it or %s", a.name(InsecureAnyImage)).Hint = HintImages
	case given:
		if a.Kind != "" && !a.Kind.Is(a.Policy.Kind) {
			a.Fail(Policy, "found a policy of the kind %q, expected %q; %s says which", kindName(a.Policy.Kind), a.Kind, a.name(Kind))
		} else if err := a.Policy.Validate(); err != nil {
			a.FailFor(Policy, err)
		}
	}
}

// HintImages says what the settings about images are for.
const HintImages = "they say which code is acceptable; without it every enclave would be"

func kindName(k pcr.Kind) pcr.Kind {
	if k == "" {
		return pcr.Enclave
	}
	return k
}

// CheckFreshness is the part of Check that needs no file to be read, for callers
// who would read large ones in vain. Calling it again adds nothing.
func (a *Appraisal) CheckFreshness() {
	if a.broken(Nonce, MaxAge, Recorded, At) {
		return
	}
	switch {
	case a.Nonce != nil && len(a.Nonce) == 0:
		a.Fail(Nonce, "empty, expected at least one byte")
	case a.MaxAge < 0:
		a.Fail(MaxAge, "found %s, expected a positive duration", a.MaxAge)
	case a.Nonce == nil && a.MaxAge == 0 && !a.Recorded:
		m := a.FailAs(Recorded, fmt.Errorf("nothing states freshness, expected %s, %s or %s", a.name(Nonce), a.name(MaxAge), a.name(Recorded)))
		m.Hint = fmt.Sprintf("%s is for the answer to your challenge, %s for a recent document, %s for one of the past, as of its own timestamp", a.name(Nonce), a.name(MaxAge), a.name(Recorded))
	}
	if a.Recorded && a.MaxAge > 0 {
		a.Fail(MaxAge, "given beside %s, by whose clock every document is new", a.name(Recorded))
	}
	if a.Recorded && !a.At.IsZero() {
		a.Fail(At, "given beside %s, which takes the time from the document", a.name(Recorded))
	}
}

// CheckExchange is the part of Check about the fields and the registers that one
// exchange expects, for callers whose policy was checked before.
func (a *Appraisal) CheckExchange() error {
	a.noteExchange()
	return a.Mistakes()
}

func (a *Appraisal) noteExchange() {
	a.checkBinding()
	a.checkRegisters()
}

func (a *Appraisal) checkBinding() {
	for _, field := range []struct {
		value    []byte
		null     bool
		no, name string
	}{{a.UserData, a.NoUserData, NoUserData, UserData}, {a.PublicKey, a.NoPublicKey, NoPublicKey, PublicKey}} {
		if field.null && (field.value != nil || a.broken(field.name)) {
			a.Fail(field.no, "set beside %s, expected one of them", a.name(field.name))
		}
	}
}

func (a *Appraisal) checkRegisters() {
	if a.PCRs != nil && len(a.PCRs) == 0 && !a.broken(PCRs) {
		a.Fail(PCRs, "empty, expected at least one register")
	}
	kind := a.kind()
	expected := "16 to 31"
	if kind == pcr.NitroTPM {
		expected = "8 to 16 or 23"
	}
	for _, register := range a.PCRs.Registers() {
		if !kind.Application(register) {
			a.add(&Mistake{Setting: PCRs, Path: a.path(register), Detail: fmt.Sprintf(
				"%s, which belongs into an image of the policy; expected registers %s, which change after boot", kind.Describe(register), expected)})
		}
	}
}

// path is that of a register. Flags have no paths, but a number after them.
func (a *Appraisal) path(register int) string {
	if a.Words != nil {
		return fmt.Sprintf(" %d", register)
	}
	return fmt.Sprintf(".%d", register)
}

func (a *Appraisal) checkTrust() {
	if a.Roots != nil && a.Partition != "" {
		a.Fail(Partition, "given beside %s, expected one of them", a.name(Roots))
	}
	if a.Partition != "" && a.Partition != PartitionAWS && a.Partition != PartitionGovCloud {
		a.Fail(Partition, "found %q, expected %q or %q", a.Partition, PartitionAWS, PartitionGovCloud)
	}
	if a.Revocations == nil && len(a.Lists)+len(a.Denied) > 0 && !a.broken(CRLs, MissingCRL, Denied) {
		a.FailFor(CRLs, errors.New("named and not read"))
	}
}
