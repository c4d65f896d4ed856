package main

import (
	"bytes"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/rootfs"
)

func newDiff(std stdio) *cobra.Command {
	var flags containerFlags
	var asJSON bool
	var most int
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Show in what two images differ, and which registers that touches",
		Long: `Diff answers why two registers differ. A and B are each an enclave image file, a
container image (an OCI image layout or what docker save wrote) or a ramdisk, of
one kind or of two. What both have is compared: kernel, command line, boot
ramdisk, application ramdisk, signing certificate; in a ramdisk every entry, by
content, mode, owner, time, link target, type, device and order.

A container image has an application ramdisk, the one that nitro-cli would make
of it; --blobs gives it a kernel, command line and boot ramdisk.

Ramdisks may come from anywhere: they are read once, and nothing in them is
written anywhere or followed.

Exit status: 0 no difference in what was compared; 1 some difference; 2 misuse,
or something could not be read.`,
		Example: `  nitroattest diff theirs.eif image.tar
  nitroattest diff --blobs /usr/share/nitro_enclaves/blobs theirs.eif image.tar
  nitroattest diff --json v1.eif v2.eif`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("found %d arguments, expected two images, A and B", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if most < 0 {
				return fmt.Errorf("--limit: found %d, expected 0 or more", most)
			}
			result, err := compareFiles(args, &flags, std)
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(std.out, result)
			} else {
				var out bytes.Buffer
				result.write(&out, newPalette(std.out), most)
				err = printOut(std.out, out.Bytes())
			}
			if err == nil && !result.Equal {
				return exitError(exitDiffers)
			}
			return err
		},
	}
	flags.registerChoice(cmd.Flags())
	cmd.Flags().IntVar(&most, "limit", 100, "print at most `N` differences of a ramdisk; 0 for all")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object with all differences")
	return cmd
}

// exitDiffers is the status of diff(1).
const exitDiffers = 1

// comparison is what diff prints.
type comparison struct {
	Equal       bool             `json:"equal"`
	First       string           `json:"first"`
	Second      string           `json:"second"`
	Parts       []partComparison `json:"parts"`
	NotCompared []string         `json:"not_compared"` // what only one of them has
	Registers   []int            `json:"registers"`    // that the differences touch
}

type partComparison struct {
	Part        string       `json:"part"`
	Equal       bool         `json:"equal"`
	Registers   []int        `json:"registers"` // that cover it
	First       string       `json:"first"`
	Second      string       `json:"second"`
	Differences []difference `json:"differences"`
}

type difference struct {
	Aspect string `json:"aspect"`
	Name   string `json:"name"`
	First  string `json:"first"`
	Second string `json:"second"`
}

func compareFiles(args []string, flags *containerFlags, std stdio) (result *comparison, err error) {
	result = &comparison{Equal: true, First: args[0], Second: args[1], Parts: []partComparison{}, NotCompared: []string{}, Registers: []int{}}
	var sides [2]*side
	for i, name := range args {
		s, err := openSide(name, flags, std)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		sides[i] = s
	}
	for _, name := range flags.unused(sides) {
		return nil, fmt.Errorf("--%s: given, and neither %s nor %s is a container image", name, args[0], args[1])
	}
	common := false
	for _, kind := range partKinds {
		a, b := sides[0].parts[kind.name], sides[1].parts[kind.name]
		switch {
		case a == nil && b == nil:
			continue
		case a == nil && sides[0].knows(kind.name), b == nil && sides[1].knows(kind.name):
			result.add(&partComparison{Part: kind.name, Registers: kind.registers, First: sides[0].presence(kind.name), Second: sides[1].presence(kind.name), Differences: []difference{}})
			common = true
			continue
		case a == nil || b == nil:
			result.NotCompared = append(result.NotCompared, kind.name)
			continue
		}
		common = true
		p, err := compareParts(kind, a, b, args, std)
		if err != nil {
			return nil, err
		}
		result.add(p)
	}
	if !common {
		return nil, hintf(fmt.Errorf("%s and %s have nothing that could be compared: %s, and %s", args[0], args[1], sides[0].describe(), sides[1].describe()),
			"--blobs gives a container image a kernel and a boot ramdisk")
	}
	return result, nil
}

func (c *comparison) add(p *partComparison) {
	c.Parts = append(c.Parts, *p)
	if p.Equal {
		return
	}
	c.Equal = false
	c.Registers = append(c.Registers, p.Registers...)
	slices.Sort(c.Registers)
	c.Registers = slices.Compact(c.Registers)
}

// compareParts compares by digest first; a ramdisk is listed only if that
// differs.
func compareParts(kind partKind, a, b *part, args []string, std stdio) (*partComparison, error) {
	p := newProgressOfOne(std)
	defer p.clear()
	var sums [2]pcr.Value
	for i, one := range []*part{a, b} {
		p.show("%s: %s", printable(args[i]), kind.name)
		h := sha512.New384()
		if _, err := io.Copy(h, one.reader()); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", args[i], kind.name, err)
		}
		sums[i] = pcr.Value(h.Sum(nil))
	}
	result := &partComparison{Part: kind.name, Equal: sums[0] == sums[1], Registers: kind.registers,
		First: a.describe(sums[0]), Second: b.describe(sums[1]), Differences: []difference{}}
	if result.Equal || !kind.ramdisk {
		return result, nil
	}
	var lists [2]*rootfs.Listing
	for i, one := range []*part{a, b} {
		p.show("%s: listing the %s", printable(args[i]), kind.name)
		list, err := rootfs.List(one.reader())
		if err != nil {
			p.clear()
			printWarning(std.err, fmt.Sprintf("%s: %s: the entries cannot be compared: %v", args[i], kind.name, err))
			return result, nil
		}
		lists[i] = list
	}
	for _, d := range lists[0].Compare(lists[1]) {
		result.Differences = append(result.Differences, difference{string(d.Aspect), d.Name, d.First, d.Second})
	}
	return result, nil
}

func (c *comparison) write(b *bytes.Buffer, colour palette, most int) {
	word := colour.good("EQUAL")
	if !c.Equal {
		word = colour.bad("DIFFERENT")
	}
	fmt.Fprintf(b, "%s  %s  %s\n", word, printable(c.First), printable(c.Second))
	for _, p := range c.Parts {
		if p.Equal {
			line(b, "equal", p.Part+"  "+colour.dim(p.First))
			continue
		}
		fmt.Fprintf(b, "  %s  %s  %s\n", colour.bad("differs   "), p.Part, colour.dim("measured into "+registerNames(p.Registers)))
		fmt.Fprintf(b, "    A %s\n    B %s\n", printable(p.First), printable(p.Second))
		for i, d := range p.Differences {
			if most > 0 && i == most {
				fmt.Fprintf(b, "    and %d more; --limit 0 prints all\n", len(p.Differences)-most)
				break
			}
			d.write(b)
		}
	}
	if len(c.NotCompared) > 0 {
		line(b, "not seen", "only one of them has: "+strings.Join(c.NotCompared, ", "))
	}
	if !c.Equal {
		verb := " differ"
		if len(c.Registers) == 1 {
			verb = " differs"
		}
		line(b, "registers", registerNames(c.Registers)+verb)
	}
}

func (d *difference) write(b *bytes.Buffer) {
	name := d.Name
	if name == "" {
		name = "the archive"
	}
	switch rootfs.Aspect(d.Aspect) {
	case rootfs.OnlyFirst:
		fmt.Fprintf(b, "    only in A  %s  %s\n", printable(name), printable(d.First))
	case rootfs.OnlySecond:
		fmt.Fprintf(b, "    only in B  %s  %s\n", printable(name), printable(d.Second))
	default:
		fmt.Fprintf(b, "    %-9s  %s\n      A %s\n      B %s\n", d.Aspect, printable(name), printable(d.First), printable(d.Second))
	}
}

func registerNames(registers []int) string {
	var names []string
	for _, r := range registers {
		names = append(names, fmt.Sprintf("PCR%d", r))
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}
