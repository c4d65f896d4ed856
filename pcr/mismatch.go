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

func (i Image) compare(kind Kind, got Bank) ImageMismatch {
	m := ImageMismatch{Image: i.Name, Registers: make([]Comparison, 0, len(i.PCRs)), kind: kind.canonical()}
	for _, register := range i.PCRs.Registers() {
		c := Comparison{Register: register, Want: i.PCRs[register]}
		if value, ok := got[register]; ok {
			c.Got = &value
		}
		m.Registers = append(m.Registers, c)
	}
	return m
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
