package pcr

import (
	"encoding/json"
	"fmt"
	"strings"
)

// MismatchError says that a bank of registers satisfies no image of a policy.
// It holds every image with every register that the image lists, so that
// whoever reads it can see how near each image was.
type MismatchError struct {
	Images []ImageMismatch `json:"images"`
}

// ImageMismatch compares one image with the registers found.
type ImageMismatch struct {
	Image     string       `json:"image"` // the name of the image
	Registers []Comparison `json:"registers"`

	kind Kind // what the registers mean; zero for enclaves
}

// Comparison is one register as an image wants it and as it was found.
type Comparison struct {
	Register int
	Want     Value
	Got      *Value // nil: the bank lacks the register
}

// MarshalJSON implements [json.Marshaler]:
// {"register": 0, "want": "<hex>", "got": "<hex>" or null, "equal": false}.
func (c Comparison) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Register int    `json:"register"`
		Want     Value  `json:"want"`
		Got      *Value `json:"got"`
		Equal    bool   `json:"equal"`
	}{c.Register, c.Want, c.Got, c.Equal()})
}

// Equal reports whether the register was found with the wanted value.
func (c Comparison) Equal() bool { return c.Got != nil && *c.Got == c.Want }

// mismatch compares every image with the registers found. However many there
// are, it takes a handful of allocations.
func (p Policy) mismatch(got Bank) *MismatchError {
	total := 0
	for _, image := range p.Images {
		total += len(image.PCRs)
	}
	all := make([]Comparison, 0, total)
	found := make(map[int]*Value, len(got))
	for register, value := range got {
		found[register] = &value
	}
	e := &MismatchError{Images: make([]ImageMismatch, len(p.Images))}
	for i, image := range p.Images {
		start := len(all)
		for _, register := range image.PCRs.Registers() {
			all = append(all, Comparison{Register: register, Want: image.PCRs[register], Got: found[register]})
		}
		e.Images[i] = ImageMismatch{Image: image.Name, Registers: all[start:len(all):len(all)], kind: p.Kind.canonical()}
	}
	return e
}

// Differing returns the registers that do not match, in ascending order.
func (m ImageMismatch) Differing() []Comparison {
	var out []Comparison
	for _, c := range m.Registers {
		if !c.Equal() {
			out = append(out, c)
		}
	}
	return out
}

// Error names, for every image, the registers that differ. The values
// themselves are in the fields.
func (e *MismatchError) Error() string {
	var b strings.Builder
	b.WriteString("the registers match no image of the policy: ")
	for i, image := range e.Images {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "image %q: ", image.Image)
		for j, c := range image.Differing() {
			if j > 0 {
				b.WriteString(", ")
			}
			if c.Got == nil {
				fmt.Fprintf(&b, "PCR%d absent", c.Register)
			} else {
				fmt.Fprintf(&b, "PCR%d differs", c.Register)
			}
		}
	}
	return b.String()
}
