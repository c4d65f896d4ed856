package page

import (
	"fmt"
	"strings"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/pcr"
)

// registerView is one register of the document beside what was expected of it.
type registerView struct {
	Register string // "PCR0"
	Meaning  string
	Found    string // hex, or "absent"
	Expected string // hex where it differs
	Result   string // "match", "MISMATCH", "not compared"
	Class    string
}

// newRegisterView compares one register.
func newRegisterView(c pcr.Comparison, describe func(int) string) registerView {
	row := registerView{
		Register: fmt.Sprintf("PCR%d", c.Register),
		Meaning:  describe(c.Register),
		Found:    "absent",
		Result:   "match",
		Class:    "good",
	}
	if c.Got != nil {
		row.Found = c.Got.String()
	}
	if !c.Equal() {
		row.Expected, row.Result, row.Class = c.Want.String(), "MISMATCH", "bad"
	}
	return row
}

// imageView is how the document differs from one image of the policy.
type imageView struct {
	Name        string
	Registers   []registerView
	Explanation []string
}

func (v *documentView) addRegisters(d attestation.Document, r *attestation.Report) {
	describe := d.Kind.Describe
	if r.Mismatch != nil {
		for _, image := range r.Mismatch.Images {
			v.Mismatches = append(v.Mismatches, newImageView(image, describe))
		}
	}
	compared := map[int]bool{}
	if r.Mismatch != nil {
		for _, image := range r.Mismatch.Images {
			for _, c := range image.Registers {
				compared[c.Register] = true
			}
		}
	}
	for _, c := range r.Registers {
		v.Exchange = append(v.Exchange, newRegisterView(c, describe))
		compared[c.Register] = true
	}
	var zeros []string
	for _, register := range d.PCRs.Registers() {
		row := registerView{
			Register: fmt.Sprintf("PCR%d", register),
			Meaning:  describe(register),
			Found:    d.PCRs[register].String(),
			Result:   "not compared",
		}
		listed := false
		if r.Image != nil {
			_, listed = r.Image.PCRs[register]
		}
		switch {
		case compared[register]:
			continue
		case listed:
			row.Result, row.Class = "match", "good"
		case d.PCRs[register].IsZero():
			zeros = append(zeros, row.Register)
			continue
		}
		v.Registers = append(v.Registers, row)
	}
	v.Zero = strings.Join(zeros, ", ")
}

func newImageView(m pcr.ImageMismatch, describe func(int) string) imageView {
	v := imageView{Name: m.Image, Explanation: m.Explain()}
	for _, c := range m.Registers {
		v.Registers = append(v.Registers, newRegisterView(c, describe))
	}
	return v
}
