package eif_test

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/nitroattest/nitroattest/pcr/eif"
)

func gapOf(data ...byte) part { return part{data: data} }

// hidden is a section that the header does not list.
func hidden(kind uint16, data string) part {
	out := binary.BigEndian.AppendUint16(nil, kind)
	out = binary.BigEndian.AppendUint16(out, 0)
	out = binary.BigEndian.AppendUint64(out, uint64(len(data)))
	return part{data: append(out, data...)}
}

// An enclave boots all of these; describe-eif refuses them or, of the last,
// says that the checksum is wrong.
func TestGapsAreMeasuredAsTheHypervisorDoes(t *testing.T) {
	whole := mustMeasure(t, assemble(4, kernel, cmdline, metadata, boot, app))
	tooLarge := hidden(3, "")
	tooLarge.data[4] = 0x40
	for name, c := range map[string]struct {
		parts    []part
		warnings []string
	}{
		"zeros before the kernel": {
			[]part{gapOf(make([]byte, 64)...), kernel, cmdline, metadata, boot, app},
			[]string{"64 bytes at offset 548, all zero, are in no section; describe-eif refuses the image, for it reads a section of type 0 there"},
		},
		"one byte between sections": {
			[]part{kernel, cmdline, metadata, boot, gapOf(0), app},
			[]string{"1 bytes at offset 824, all zero, are in no section; describe-eif refuses the image, for it reads a section of type 0 there"},
		},
		"text between sections": {
			[]part{kernel, cmdline, gapOf([]byte("something else")...), metadata, boot, app},
			[]string{"14 bytes at offset 593, not all zero, are in no section; describe-eif refuses the image, for it reads a section of type 29551 there"},
		},
		"a section that cannot be": {
			[]part{kernel, cmdline, metadata, boot, app, tooLarge},
			[]string{"12 bytes at offset 851, not all zero, are in no section; describe-eif fails, for it reads a section of 4611686018427387904 bytes there and 0 are left"},
		},
		"two gaps": {
			[]part{gapOf(0, 0), kernel, cmdline, metadata, boot, gapOf(0, 7), app},
			[]string{
				"2 bytes at offset 548, all zero, are in no section; describe-eif refuses the image, for it reads a section of type 0 there",
				"2 bytes at offset 826, not all zero, are in no section",
			},
		},
		"a few bytes at the end": {
			[]part{kernel, cmdline, metadata, boot, app, gapOf(0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0)},
			[]string{"11 bytes at offset 851, not all zero, are in no section; describe-eif stops there without a word, and leaves these bytes out of its checksum"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			image := mustMeasure(t, assemble(4, c.parts...))
			assert.Equal(t, whole.Measurements, image.Measurements)
			var details []string
			for _, w := range image.Warnings {
				assert.Equal(t, eif.Gap, w.Reason)
				details = append(details, w.Detail)
			}
			assert.Equal(t, c.warnings, details)
		})
	}
}

// What describe-eif reads in a gap is refused, whether it changes a register
// or not: the two see different images.
func TestHiddenSections(t *testing.T) {
	base := []part{kernel, cmdline, metadata, boot, app}
	booted := mustMeasure(t, assemble(4, base...)).Measurements
	at := func(i int, p part) []part {
		return append(append(append([]part{}, base[:i]...), p), base[i:]...)
	}
	many := part{}
	for range 100 {
		many.data = append(many.data, hidden(5, "").data...)
	}
	for name, c := range map[string]struct {
		parts    []part
		detail   string
		complete bool
		differ   []int
	}{
		"kernel at the end":         {at(5, hidden(1, "k")), "type kernel with 1 bytes", true, []int{0, 1}},
		"command line at the end":   {at(5, hidden(2, "init=/bin/sh")), "type cmdline with 12 bytes", true, []int{0, 1}},
		"ramdisk at the end":        {at(5, hidden(3, "r")), "type ramdisk with 1 bytes", true, []int{0, 2}},
		"ramdisk before the boot":   {at(3, hidden(3, "r")), "type ramdisk with 1 bytes", true, []int{0, 1, 2}},
		"ramdisk before the kernel": {at(0, hidden(3, "r")), "type ramdisk with 1 bytes", true, []int{0, 1, 2}},
		"empty ramdisk in between":  {at(4, hidden(3, "")), "type ramdisk with 0 bytes", true, nil},
		"signature":                 {at(5, hidden(4, "s")), "type signature with 1 bytes", true, nil},
		"metadata":                  {at(5, hidden(5, "{}")), "type metadata with 2 bytes", true, nil},
		"one that swallows others":  {at(3, hidden(5, "")), "type metadata with 0 bytes", true, nil},
		"followed by nonsense":      {append(at(5, hidden(3, "r")), gapOf(make([]byte, 12)...)), "further on it refuses the image, for it reads a section of type 0 there", false, nil},
		"more than can be":          {at(5, many), "further on it reads more than 64 sections", false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			e := requireReason(t, eif.WalksDiffer, assemble(4, c.parts...))
			assert.Contains(t, e.Error(), c.detail)
			assert.Equal(t, booted, e.Booted)
			if !c.complete {
				assert.Nil(t, e.Described)
				return
			}
			var differ []int
			for _, register := range e.Booted.Registers() {
				if e.Booted[register] != e.Described[register] {
					differ = append(differ, register)
				}
			}
			assert.Equal(t, c.differ, differ)
		})
	}
}

// The reverse of a hidden section: the header lists one that a section of the
// sequential walk covers.
func TestSectionHiddenFromDescribe(t *testing.T) {
	inner := hidden(3, "only the hypervisor sees this")
	cover := hidden(5, string(inner.data))
	data := assemble(4, kernel, cmdline, metadata, boot, cover)
	// List the inner ramdisk at the end of the file.
	offset := len(data) - len(inner.data)
	binary.BigEndian.PutUint64(data[offsetsAt+8*4:], uint64(offset))
	binary.BigEndian.PutUint64(data[sizesAt+8*4:], uint64(len(inner.data)-sectionHeaderSize))
	binary.BigEndian.PutUint16(data[0x1a:], 5)
	e := requireReason(t, eif.WalksDiffer, fixCRC(data))
	assert.Equal(t, register(kernel.data, cmdline.data, boot.data, []byte("only the hypervisor sees this")), e.Booted[0])
	assert.Equal(t, register(kernel.data, cmdline.data, boot.data), e.Described[0])
}

func TestWarningsAboutFieldsThatNobodyReads(t *testing.T) {
	for name, c := range map[string]struct {
		data    []byte
		warning string
	}{
		"reserved":             {patched(t, unsigned, put16(0x18, 7)), "reserved-field: reserved: found 7, expected 0"},
		"unused":               {patched(t, unsigned, put16(0x21e, 7)), "reserved-field: unused: found 7, expected 0"},
		"offset beyond":        {patched(t, unsigned, put64(548, offsetsAt+8*5)), "reserved-field: offsets[5] beyond num_sections: found 548, expected 0"},
		"size beyond":          {patched(t, unsigned, put64(1<<63, sizesAt+8*31)), "reserved-field: sizes[31] beyond num_sections: found 9223372036854775808, expected 0"},
		"metadata, version 3":  {patched(t, unsigned, put16(4, 3)), "metadata-version: found metadata in version 3, expected it in version 4 only"},
		"signature size stale": {testdata(t, "aws_resigned.eif"), "stale-signature-size: section 5 (signature): the header says 1622 bytes, the section 1891"},
	} {
		t.Run(name, func(t *testing.T) {
			image := mustMeasure(t, c.data)
			if assert.Len(t, image.Warnings, 1) {
				assert.Equal(t, c.warning, image.Warnings[0].String())
			}
			assert.Equal(t, mustMeasure(t, testdata(t, unsigned)).Measurements[0], image.Measurements[0])
		})
	}
}
