package pcr

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Image is a named set of reference values: what the registers of an enclave
// hold when it runs one particular image. Every listed register must match;
// registers that are not listed are not looked at. The name may be empty.
type Image struct {
	Name string `json:"name"`
	PCRs Bank   `json:"pcrs"`
}

// Policy says which images are acceptable. A bank of registers satisfies it
// when it matches any one image as a whole, never a mix of several.
//
// Its JSON form is what [ReadPolicy] describes. The zero Policy accepts
// nothing.
type Policy struct {
	// Kind is the kind of documents that the policy is for; it says what the
	// registers mean, and so which of them pin code. Zero: Enclave. A policy that
	// is read has the zero Kind when it is for enclaves.
	Kind   Kind
	Images []Image
}

// MarshalJSON implements [encoding/json.Marshaler] with the form that
// [ReadPolicy] describes: {"kind": "nitrotpm", "images": [...]}, without kind
// for enclaves.
func (p Policy) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Kind   Kind    `json:"kind,omitempty"`
		Images []Image `json:"images"`
	}{p.Kind.canonical(), p.Images})
}

// PolicyError says which part of a policy cannot be used and why.
type PolicyError struct {
	Field  string // "Images", "Images[1].Name", "Images[1].PCRs[8]"
	Detail string
}

func (e *PolicyError) Error() string { return "policy: " + e.Field + ": " + e.Detail }

// Validate reports whether p can serve as the policy for documents of its
// kind. It returns a *[PolicyError] unless the kind is known, there is at least
// one image, and every image has a name that no other image has, or none.
//
// An image for enclaves
//
//   - lists only registers 0 to 31, none of them with a zero value, for zero
//     is what an unused register and a debugged enclave hold;
//   - pins code: PCR0, or PCR1 with PCR2, or PCR8.
//
// An image for EC2 instances with NitroTPM
//
//   - lists only registers 0 to 23 without PCR16 and PCR23, which the instance
//     can reset; only PCR12 and PCR13 may be zero;
//   - pins what boots: PCR4 with PCR12, or PCR7. PCR7 pins who may sign what
//     boots, not what boots, and that only where Secure Boot is on: by the value
//     that it has otherwise, it does not count.
func (p Policy) Validate() error {
	if err := p.Kind.Validate(); err != nil {
		return &PolicyError{"Kind", err.Error()}
	}
	on := p.Kind.platform()
	if len(p.Images) == 0 {
		return errNoImage
	}
	seen := make(map[string]bool, len(p.Images))
	for i, image := range p.Images {
		if image.Name != "" && seen[image.Name] {
			return &PolicyError{fmt.Sprintf("Images[%d].Name", i), fmt.Sprintf("%q names an earlier image too", image.Name)}
		}
		seen[image.Name] = true
		if err := image.validate(on, i); err != nil {
			return err
		}
	}
	return nil
}

var errNoImage = &PolicyError{"Images", "empty: a policy without an image would accept nothing"}

// validate takes the place of the image in the policy, for errors.
func (i Image) validate(on *platform, place int) error {
	refuse := func(register, detail string) error {
		return &PolicyError{fmt.Sprintf("Images[%d].PCRs%s", place, register), detail}
	}
	if len(i.PCRs) == 0 {
		return refuse("", "empty: an image without a register would match every enclave")
	}
	known := 0
	for register := range on.registers {
		value, ok := i.PCRs[register]
		if !ok {
			continue
		}
		known++
		if detail := on.refusesRegister(register, value); detail != "" {
			return refuse(fmt.Sprintf("[%d]", register), detail)
		}
	}
	if known != len(i.PCRs) {
		return refuse("", fmt.Sprintf("found a register outside of 0 to %d", on.registers-1))
	}
	if !slices.ContainsFunc(on.pins, func(set []int) bool { return i.pins(on, set) }) {
		return refuse("", "pins no code: list "+on.pinsText)
	}
	return nil
}

// pins reports whether all the given registers are in the image, with values
// that say something.
func (i Image) pins(on *platform, registers []int) bool {
	for _, register := range registers {
		value, ok := i.PCRs[register]
		if nothing, known := on.provesNothing[register]; !ok || known && value == nothing {
			return false
		}
	}
	return true
}

// Match returns the first image of p that got satisfies. It returns a
// *[MismatchError] when there is none, and a *[PolicyError] when p is not
// valid; an Image is returned only without an error.
//
// Match compares measurements and nothing else: whether the registers come
// from a genuine document, or from an enclave in debug mode, is for package
// attestation to say.
func (p Policy) Match(got Bank) (Image, error) {
	if err := p.Validate(); err != nil {
		return Image{}, err
	}
	for _, image := range p.Images {
		if image.matches(got) {
			return image.clone(), nil
		}
	}
	mismatch := &MismatchError{Images: make([]ImageMismatch, len(p.Images))}
	for i, image := range p.Images {
		mismatch.Images[i] = image.compare(p.Kind, got)
	}
	return Image{}, mismatch
}

// matches loops over the registers of the image, never those found: a document
// that leaves one out must not escape the comparison.
func (i Image) matches(got Bank) bool {
	for register, want := range i.PCRs {
		if value, ok := got[register]; !ok || value != want {
			return false
		}
	}
	return true
}

// Clone returns a copy of p that shares no memory with it.
func (p Policy) Clone() Policy {
	images := make([]Image, len(p.Images))
	for i, image := range p.Images {
		images[i] = image.clone()
	}
	return Policy{p.Kind, images}
}

func (i Image) clone() Image { return Image{i.Name, maps.Clone(i.PCRs)} }

// UnmarshalJSON implements [encoding/json.Unmarshaler] with the strictness of
// [ReadPolicy], for policies that are part of a larger file. Only the policy
// form itself is read, not the other forms that ReadPolicy knows.
func (p *Policy) UnmarshalJSON(data []byte) error {
	n, err := parseJSON(data)
	if err != nil {
		return err
	}
	policy, err := reader{}.policyForm(n)
	if err != nil {
		return err
	}
	if err := policy.Validate(); err != nil {
		return err
	}
	*p = policy
	return nil
}

// errNoPolicy is what ReadPolicy says of JSON in none of its forms.
var errNoPolicy = errors.New("expected a policy {\"images\": [...]}, the output of nitro-cli build-enclave, describe-eif or describe-enclaves, or a condition of an AWS KMS key policy")
