package pcr

import (
	"fmt"
	"slices"
)

// Validate reports whether p can serve as the policy for documents of its
// kind. It returns an *[Error], or a list of them, unless the kind is known,
// there is at least one image, no two images have the same name, and no image
// is redundant: where one accepts all that another does, the other says nothing,
// or something else than was meant.
//
// An image for enclaves
//
//   - lists only registers 0 to 31, none of them with a zero value, for zero
//     is what an unused register and a debugged enclave hold;
//   - pins code: PCR0, or PCR1 with PCR2, or PCR8.
//
// An image for EC2 instances with NitroTPM
//
//   - lists only registers 0 to 23, without PCR16, and PCR23 only as zero, for
//     the instance can reset both; PCR11 to PCR14 may be zero, too;
//   - pins what boots: PCR4 with PCR12 and PCR13, or PCR7 with PCR13. PCR7 pins
//     who may sign what boots, not what boots, and that only where Secure Boot is
//     on: by the value that it has otherwise, it does not count. PCR13 has to be
//     zero, or to be pinned, for systemd's stub adds system extensions from
//     outside of the image and says so there alone.
//
// Exchange lists only registers that are the application's own, each once, and
// none that the image pins.
func (p Policy) Validate() error {
	var wrong mistakes
	for _, f := range p.findings() {
		wrong.add(&Error{Reason: f.reason, Field: f.path(), Detail: f.detail})
	}
	return wrong.err()
}

// fault is something wrong with a policy.
type fault struct {
	reason   Reason
	image    int    // none: the policy itself
	part     string // the key: "kind", "images", "name", "pcrs" or "exchange"
	register int    // none: all of the part
	detail   string
}

const none = -1

// path is where the fault is in the policy's own JSON.
func (f fault) path() string {
	switch {
	case f.image == none:
		return f.part
	case f.register == none:
		return fmt.Sprintf("images[%d].%s", f.image, f.part)
	}
	return fmt.Sprintf("images[%d].%s.%d", f.image, f.part, f.register)
}

func (p Policy) findings() []fault {
	if p.Kind.Validate() != nil {
		return []fault{{WrongKind, none, "kind", none, fmt.Sprintf("found %q, expected %q or %q", string(p.Kind), Enclave, NitroTPM)}}
	}
	if len(p.Images) == 0 {
		return []fault{{EmptyPolicy, none, "images", none, "empty: a policy without an image would accept nothing"}}
	}
	on := p.Kind.platform()
	var out []fault
	names := make(map[string]bool, len(p.Images))
	for i, image := range p.Images {
		if image.Name != "" && names[image.Name] {
			out = append(out, fault{DuplicateName, i, "name", none, fmt.Sprintf("%q names an earlier image too", image.Name)})
		}
		names[image.Name] = true
		out = append(out, image.findings(on, i)...)
	}
	if len(out) > 0 {
		return out
	}
	index := newIndex(p.Images)
	for i, image := range p.Images {
		if by := index.covering(image.PCRs, i); by != none {
			out = append(out, fault{RedundantImage, i, "pcrs", none, fmt.Sprintf("images[%d] (%q) accepts all that this one does; take one of them out", by, p.Images[by].Name)})
		}
	}
	return out
}

// findings takes the place of the image in the policy.
func (i Image) findings(on *platform, place int) []fault {
	var out []fault
	refuse := func(reason Reason, part string, register int, detail string) {
		out = append(out, fault{reason, place, part, register, detail})
	}
	if len(i.PCRs) == 0 {
		refuse(EmptyPolicy, "pcrs", none, "empty: an image without a register would match everything")
		return out
	}
	for _, register := range i.PCRs.Registers() {
		if register < 0 || register >= on.kind.Registers() {
			refuse(InvalidRegister, "pcrs", register, fmt.Sprintf("found register %d, expected 0 to %d", register, on.kind.Registers()-1))
		} else if reason, detail := on.refusesRegister(register, i.PCRs[register]); detail != "" {
			refuse(reason, "pcrs", register, detail)
		}
	}
	if detail := on.refusesSet(i.PCRs); detail != "" && len(out) == 0 {
		refuse(PinsNoCode, "pcrs", none, detail)
	}
	for at, register := range i.Exchange {
		switch {
		case !on.kind.Application(register):
			refuse(InvalidExchange, "exchange", none, fmt.Sprintf("found register %d, expected registers that an application extends: %s", register, on.applicationText()))
		case i.PCRs.has(register):
			refuse(InvalidExchange, "exchange", none, fmt.Sprintf("register %d has a value in pcrs, expected one or the other", register))
		case slices.Contains(i.Exchange[:at], register):
			refuse(InvalidExchange, "exchange", none, fmt.Sprintf("register %d is given twice", register))
		}
	}
	return out
}

func (on *platform) applicationText() string {
	if on.kind == NitroTPM {
		return "8 to 16 and 23"
	}
	return fmt.Sprintf("%d to %d", RegisterUser, MaxRegisters-1)
}
