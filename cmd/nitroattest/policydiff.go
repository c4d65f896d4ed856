package main

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/pcr"
)

func newPolicyDiff(std stdio) *cobra.Command {
	var asJSON bool
	var kind kindFlag
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Show in what two policies differ",
		Long: `Diff compares two policies in any form that verify --policy takes, image by image
as they are named: which images only one of them has, which registers of an image
have other values, and what is said of its source and its exchange. An image with
the same registers and another name is renamed, not another image. The order of
the images means nothing. - is standard input.

Exit status: 0 no difference; 1 some difference; 2 misuse, or a policy could not
be read.`,
		Example: `  nitroattest policy diff policy.json policy.new.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("found %d arguments, expected two policies, A and B", len(args))
			}
			if args[0] == "-" && args[1] == "-" {
				return fmt.Errorf("found - twice, expected standard input for one policy at most")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if err := kind.check(); err != nil {
				return err
			}
			var policies [2]pcr.Policy
			for i, name := range args {
				reading, err := kind.read(name, std)
				if err != nil {
					return err
				}
				policies[i] = reading.Policy
			}
			d := diffPolicies(policies[0], policies[1])
			var err error
			if asJSON {
				err = printJSON(std.out, d)
			} else {
				var out bytes.Buffer
				d.write(&out, args, policies[0].Kind)
				err = printOut(std.out, out.Bytes())
			}
			if err == nil && !d.Equal {
				return exitError(exitDiffers)
			}
			return err
		},
	}
	kind.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object with all differences")
	return cmd
}

// policyDiff is what policy diff prints. A is the first policy, B the second.
type policyDiff struct {
	Equal   bool           `json:"equal"`
	Kind    *change        `json:"kind,omitempty"`
	OnlyA   []pcr.Image    `json:"onlyA"`
	OnlyB   []pcr.Image    `json:"onlyB"`
	Renamed []change       `json:"renamed"`
	Changed []imageChanges `json:"changed"`
}

type change struct {
	A string `json:"a"`
	B string `json:"b"`
}

// imageChanges are those of one image that both policies have.
type imageChanges struct {
	Image     string           `json:"image"`
	Registers []registerChange `json:"registers"`
	Exchange  *exchangeChange  `json:"exchange,omitempty"`
	Source    *change          `json:"source,omitempty"`
}

type registerChange struct {
	Register int        `json:"register"`
	A        *pcr.Value `json:"a"` // nil: not listed
	B        *pcr.Value `json:"b"`
}

type exchangeChange struct {
	A []int `json:"a"`
	B []int `json:"b"`
}

func diffPolicies(a, b pcr.Policy) policyDiff {
	d := policyDiff{OnlyA: []pcr.Image{}, OnlyB: []pcr.Image{}, Renamed: []change{}, Changed: []imageChanges{}}
	if !a.Kind.Is(b.Kind) {
		d.Kind = &change{kindName(a.Kind), kindName(b.Kind)}
	}
	named := func(p pcr.Policy, name string) int {
		return slices.IndexFunc(p.Images, func(i pcr.Image) bool { return i.Name == name })
	}
	taken := make([]bool, len(b.Images)) // of b: has its counterpart
	for _, image := range a.Images {
		at := named(b, image.Name)
		if at < 0 {
			at = slices.IndexFunc(b.Images, func(i pcr.Image) bool {
				return named(a, i.Name) < 0 && len(registerChanges(image.PCRs, i.PCRs)) == 0
			})
			if at < 0 || taken[at] {
				d.OnlyA = append(d.OnlyA, image)
				continue
			}
			d.Renamed = append(d.Renamed, change{image.Name, b.Images[at].Name})
		}
		taken[at] = true
		if c := changesOf(image, b.Images[at]); c != nil {
			d.Changed = append(d.Changed, *c)
		}
	}
	for i, image := range b.Images {
		if !taken[i] {
			d.OnlyB = append(d.OnlyB, image)
		}
	}
	d.Equal = d.Kind == nil && len(d.OnlyA)+len(d.OnlyB)+len(d.Renamed)+len(d.Changed) == 0
	return d
}

// changesOf returns nil where nothing differs.
func changesOf(a, b pcr.Image) *imageChanges {
	c := &imageChanges{Image: a.Name, Registers: registerChanges(a.PCRs, b.PCRs)}
	first, second := slices.Sorted(slices.Values(a.Exchange)), slices.Sorted(slices.Values(b.Exchange))
	if !slices.Equal(first, second) {
		c.Exchange = &exchangeChange{append([]int{}, first...), append([]int{}, second...)}
	}
	if a.Source != b.Source {
		c.Source = &change{a.Source, b.Source}
	}
	if len(c.Registers) == 0 && c.Exchange == nil && c.Source == nil {
		return nil
	}
	return c
}

func registerChanges(a, b pcr.Bank) []registerChange {
	out := []registerChange{}
	for register := range pcr.MaxRegisters {
		first, inA := a[register]
		second, inB := b[register]
		if inA == inB && first == second {
			continue
		}
		c := registerChange{Register: register}
		if inA {
			c.A = &first
		}
		if inB {
			c.B = &second
		}
		out = append(out, c)
	}
	return out
}

func kindName(k pcr.Kind) string {
	if k == "" {
		k = pcr.Enclave
	}
	return string(k)
}

func (d policyDiff) write(b *bytes.Buffer, names []string, kind pcr.Kind) {
	if d.Equal {
		fmt.Fprintf(b, "EQUAL  %s and %s accept the same images\n", printable(names[0]), printable(names[1]))
		return
	}
	fmt.Fprintf(b, "DIFFERENT  %s (-) and %s (+)\n", printable(names[0]), printable(names[1]))
	if d.Kind != nil {
		line(b, "kind", fmt.Sprintf("- %s  + %s", d.Kind.A, d.Kind.B))
	}
	for _, side := range []struct {
		sign   string
		images []pcr.Image
	}{{"-", d.OnlyA}, {"+", d.OnlyB}} {
		for _, image := range side.images {
			line(b, "image", side.sign+" "+image.Name)
			writeRegisters(b, image.PCRs, kind.Describe)
		}
	}
	for _, c := range d.Renamed {
		line(b, "renamed", fmt.Sprintf("- %s  + %s", c.A, c.B))
	}
	for _, c := range d.Changed {
		line(b, "image", "~ "+c.Image)
		for _, r := range c.Registers {
			name := fmt.Sprintf("PCR%d", r.Register)
			for _, side := range []struct {
				sign  string
				value *pcr.Value
			}{{"-", r.A}, {"+", r.B}} {
				text := "not listed"
				if side.value != nil {
					text = side.value.String()
				}
				line(b, name, side.sign+" "+text)
			}
		}
		if c.Exchange != nil {
			line(b, "exchange", fmt.Sprintf("- %v  + %v", c.Exchange.A, c.Exchange.B))
		}
		if c.Source != nil {
			line(b, "source", fmt.Sprintf("- %s  + %s", c.Source.A, c.Source.B))
		}
	}
}
