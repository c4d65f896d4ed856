package pcr

import (
	"encoding/json"
	"maps"
	"slices"
)

// Image is a named set of reference values: what the registers hold when one
// particular image runs. Every listed register must match; registers that are
// not listed are not looked at. The name may be empty.
type Image struct {
	Name string `json:"name"`
	PCRs Bank   `json:"pcrs"`
	// Exchange lists registers of the application's own (see [Kind.Application])
	// whose value belongs to an exchange and not to the image. A verdict needs an
	// expectation for each of them, so that forgetting one is not accepting it.
	Exchange []int `json:"exchange,omitempty"`
	// Source says in free text where the values come from. Nothing depends on it.
	Source string `json:"source,omitempty"`
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

// UnmarshalJSON implements [encoding/json.Unmarshaler] with the strictness of
// [ReadPolicy], for policies that are part of a larger file. Only the policy
// form itself is read, not the other forms that ReadPolicy knows.
func (p *Policy) UnmarshalJSON(data []byte) error {
	n, err := parseJSON(&document{text: data}, 0)
	if err != nil {
		return err
	}
	r := &reader{}
	if kind, ok := n.member("kind"); ok && kind.value == string(NitroTPM) {
		r.kind = NitroTPM
	}
	policy, err := r.finish(r.policyForm(n))
	if err != nil {
		return err
	}
	*p = policy
	return nil
}

// Match returns the first image of p, in the order of the policy, that got
// satisfies. It returns a *[MismatchError] when there is none, and what
// [Policy.Validate] returns when p is not valid; an Image is returned only
// without an error. Whoever matches more than once makes a [Matcher].
//
// Match compares measurements and nothing else: whether the registers come
// from a genuine document, or from an enclave in debug mode, is for package
// attestation to say, and so are the registers of Image.Exchange.
func (p Policy) Match(got Bank) (Image, error) {
	if err := p.Validate(); err != nil {
		return Image{}, err
	}
	for _, image := range p.Images {
		if image.matches(got) {
			return image.clone(), nil
		}
	}
	return Image{}, p.mismatch(got)
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

func (i Image) clone() Image {
	i.PCRs, i.Exchange = maps.Clone(i.PCRs), slices.Clone(i.Exchange)
	return i
}
