package eif_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr/eif"
)

func put16(offset int, value uint16) func([]byte) []byte {
	return func(data []byte) []byte {
		binary.BigEndian.PutUint16(data[offset:], value)
		return data
	}
}

func put64(value uint64, offsets ...int) func([]byte) []byte {
	return func(data []byte) []byte {
		for _, offset := range offsets {
			binary.BigEndian.PutUint64(data[offset:], value)
		}
		return data
	}
}

// Places in aws_unsigned.eif: kernel at 548, command line at 5560, metadata at
// 5656, ramdisks at 5896 and 8909, end at 13017.
const (
	unsigned  = "aws_unsigned.eif"
	offsetsAt = 0x1c
	sizesAt   = 0x11c
)

// Every image here differs in one thing from one that is measured, and its
// checksum is right.
func TestBrokenRules(t *testing.T) {
	for name, c := range map[string]struct {
		data   []byte
		reason eif.Reason
		offset int64
		detail string
	}{
		"empty":                   {nil, eif.ShortHeader, 0, "found 0 bytes, expected at least 548"},
		"magic in capitals":       {patched(t, unsigned, func(d []byte) []byte { d[1] = 'E'; return d }), eif.BadMagic, 0, `found ".Eif"`},
		"version 0":               {patched(t, unsigned, put16(4, 0)), eif.UnsupportedVersion, 4, "found 0, expected 2 to 4"},
		"version 1":               {patched(t, unsigned, put16(4, 1)), eif.UnsupportedVersion, 4, "found 1"},
		"version 5":               {patched(t, unsigned, put16(4, 5)), eif.UnsupportedVersion, 4, "found 5"},
		"reserved header flag":    {patched(t, unsigned, put16(6, 2)), eif.UnknownFlags, 6, "found 0x0002"},
		"no sections":             {patched(t, unsigned, put16(0x1a, 0)), eif.SectionCount, 0x1a, "found 0, expected 2 to 32"},
		"one section":             {patched(t, unsigned, put16(0x1a, 1)), eif.SectionCount, 0x1a, "found 1"},
		"33 sections":             {patched(t, unsigned, put16(0x1a, 33)), eif.SectionCount, 0x1a, "found 33"},
		"65535 sections":          {patched(t, unsigned, put16(0x1a, math.MaxUint16)), eif.SectionCount, 0x1a, "found 65535"},
		"header only":             {patched(t, unsigned, func(d []byte) []byte { return d[:headerSize] }), eif.OffsetOutOfRange, offsetsAt, "expected 548 to 536"},
		"offset 0":                {patched(t, unsigned, put64(0, offsetsAt)), eif.OffsetOutOfRange, offsetsAt, "found 0, expected 548 to 13005"},
		"offset into the header":  {patched(t, unsigned, put64(547, offsetsAt)), eif.OffsetOutOfRange, offsetsAt, "found 547"},
		"offset near the end":     {patched(t, unsigned, put64(13006, offsetsAt+32)), eif.OffsetOutOfRange, offsetsAt + 32, "found 13006"},
		"offset beyond int64":     {patched(t, unsigned, put64(1<<63, offsetsAt+32)), eif.OffsetOutOfRange, offsetsAt + 32, "found 9223372036854775808"},
		"offset of all ones":      {patched(t, unsigned, put64(math.MaxUint64, offsetsAt+32)), eif.OffsetOutOfRange, offsetsAt + 32, "found 18446744073709551615"},
		"offset twice":            {patched(t, unsigned, put64(5896, offsetsAt+32)), eif.SectionOrder, offsetsAt + 32, "found 5896, expected more than offsets[3], which is 5896"},
		"offsets swapped":         {patched(t, unsigned, swapSections(3, 4)), eif.SectionOrder, offsetsAt + 32, "found 5896, expected more than offsets[3], which is 8909"},
		"offset into a section":   {patched(t, unsigned, put64(8908, offsetsAt+32)), eif.SectionOverlap, offsetsAt + 32, "found 8908, expected at least 8909, where section 3 (ramdisk) ends"},
		"section type 0":          {patched(t, unsigned, put16(8909, 0)), eif.UnknownSection, 8909, "found section type 0, expected 1 to 5"},
		"section type 6":          {patched(t, unsigned, put16(8909, 6)), eif.UnknownSection, 8909, "found section type 6"},
		"section flags":           {patched(t, unsigned, put16(8911, 1)), eif.UnknownFlags, 8909, "flags: found 0x0001, expected 0"},
		"size one too many":       {patched(t, unsigned, put64(4097, sizesAt+32, 8913)), eif.SectionOverrun, 8909, "found 4097 bytes, expected at most 4096"},
		"size 2^62":               {patched(t, unsigned, put64(1<<62, sizesAt+32, 8913)), eif.SectionOverrun, 8909, "found 4611686018427387904 bytes"},
		"size 2^63 - 1":           {patched(t, unsigned, put64(1<<63-1, sizesAt+32, 8913)), eif.SectionOverrun, 8909, "found 9223372036854775807 bytes"},
		"size wraps to the next":  {patched(t, unsigned, put64(math.MaxUint64-11, sizesAt, 552)), eif.SectionOverrun, 548, "found 18446744073709551604 bytes"},
		"size of header larger":   {patched(t, unsigned, put64(4097, sizesAt+32)), eif.SizeMismatch, 8909, "found 4096 bytes, expected sizes[4] of the header, which is 4097"},
		"size of header smaller":  {patched(t, unsigned, put64(4095, sizesAt+32)), eif.SizeMismatch, 8909, "which is 4095"},
		"size of header 2^64 - 1": {patched(t, unsigned, put64(math.MaxUint64, sizesAt+32)), eif.SizeMismatch, 8909, "which is 18446744073709551615"},
		"no kernel":               {assemble(3, cmdline, boot), eif.KernelCount, offsetsAt, "found 0 of type kernel, expected exactly one"},
		"two kernels":             {assemble(3, kernel, kernel, cmdline, boot), eif.KernelCount, offsetsAt, "found 2 of type kernel"},
		"no command line":         {assemble(3, kernel, boot), eif.CommandLineCount, offsetsAt, "found 0 of type cmdline"},
		"two command lines":       {assemble(3, kernel, cmdline, cmdline, boot), eif.CommandLineCount, offsetsAt, "found 2 of type cmdline"},
		"no metadata":             {assemble(4, kernel, cmdline, boot), eif.MetadataCount, offsetsAt, "found 0 of type metadata, expected one in version 4"},
		"two metadata":            {assemble(4, kernel, cmdline, boot, metadata, metadata), eif.MetadataCount, offsetsAt, "found 2 of type metadata, expected at most one"},
		"ramdisk first":           {assemble(3, boot, kernel, cmdline), eif.RamdiskOrder, 548, "found before the kernel, expected after it"},
		"signature in version 2":  {patched(t, "aws_signed_es384.eif", put16(4, 2)), eif.SectionVersion, 13017, "found a signature in version 2"},
		"long command line":       {assemble(3, kernel, part{kind: 2, data: make([]byte, eif.MaxCommandLine+1)}), eif.SectionTooLarge, 568, "found 65537 bytes, expected at most 65536"},
		"long metadata":           {assemble(4, kernel, cmdline, part{kind: 5, data: make([]byte, eif.MaxMetadata+1)}), eif.SectionTooLarge, 593, "found 1048577 bytes, expected at most 1048576"},
		"long signature":          {assemble(4, kernel, cmdline, metadata, part{kind: 4, data: make([]byte, eif.MaxSignature+1)}), eif.SectionTooLarge, 593 + 12 + int64(len(metadata.data)), "found 32769 bytes, expected at most 32768"},
	} {
		t.Run(name, func(t *testing.T) {
			e := requireReason(t, c.reason, c.data)
			assert.Equal(t, c.reason, e.Reason)
			assert.Equal(t, c.offset, e.Offset)
			assert.Contains(t, e.Error(), c.detail)
			assert.Nil(t, e.Booted)
			assert.Nil(t, e.Described)
		})
	}
}

// swapSections exchanges two entries of the header and leaves the file alone.
func swapSections(i, j int) func([]byte) []byte {
	return func(data []byte) []byte {
		for _, base := range []int{offsetsAt, sizesAt} {
			a, b := data[base+8*i:][:8], data[base+8*j:][:8]
			kept := bytes.Clone(a)
			copy(a, b)
			copy(b, kept)
		}
		return data
	}
}

func TestNegativeSize(t *testing.T) {
	_, err := eif.Measure(bytes.NewReader(nil), -1)
	assert.ErrorIs(t, err, eif.ShortHeader)
}

// A flipped bit in anything that is not looked at by itself is found by the
// checksum.
func TestChecksum(t *testing.T) {
	for _, offset := range []int{0x08, 0x10, crcOffset + 3, 560, 5572, 5908, 13016} {
		data := testdata(t, unsigned)
		data[offset] ^= 0x10
		e := requireReason(t, eif.BadCRC, data)
		assert.Contains(t, e.Error(), "crc32 at offset 544: found 0x")
	}
}

func TestLongestMeasuredContents(t *testing.T) {
	long := part{kind: 2, data: bytes.Repeat([]byte("x"), eif.MaxCommandLine)}
	padded := part{kind: 5, data: append(bytes.Clone(metadata.data), bytes.Repeat([]byte(" "), eif.MaxMetadata-len(metadata.data))...)}
	image := mustMeasure(t, assemble(4, kernel, long, padded, boot))
	assert.Empty(t, image.Warnings)
	assert.Equal(t, string(long.data), image.CommandLine)
	assert.Len(t, image.MetadataJSON, eif.MaxMetadata)
	assert.Equal(t, register(kernel.data, long.data, boot.data), image.Measurements[0])
}

// The number of sections has no off-by-one at either end.
func TestFewestAndMostSections(t *testing.T) {
	image := mustMeasure(t, assemble(3, kernel, cmdline))
	assert.Equal(t, []eif.Reason{eif.NoRamdisk}, reasons(image.Warnings))
	assert.Equal(t, register(kernel.data, cmdline.data), image.Measurements[0])
	assert.Equal(t, image.Measurements[0], image.Measurements[1])
	assert.Equal(t, register(), image.Measurements[2])

	parts := []part{kernel, cmdline, boot}
	contents := [][]byte{}
	for len(parts) < 32 {
		data := []byte{byte(len(parts))}
		parts, contents = append(parts, part{kind: 3, data: data}), append(contents, data)
	}
	image = mustMeasure(t, assemble(3, parts...))
	assert.Len(t, image.Sections, 32)
	assert.Equal(t, register(append([][]byte{kernel.data, cmdline.data, boot.data}, contents...)...), image.Measurements[0])
	assert.Equal(t, register(kernel.data, cmdline.data, boot.data), image.Measurements[1])
	assert.Equal(t, register(contents...), image.Measurements[2])
}

// PCR1 is what comes in file order, wherever the command line stands.
func TestOrderOfMeasurement(t *testing.T) {
	third := part{kind: 3, data: []byte("a third ramdisk")}
	empty := part{kind: 3}
	for name, c := range map[string]struct {
		parts           []part
		warnings        []eif.Reason
		image, boot, of [][]byte
	}{
		"command line first": {
			[]part{cmdline, kernel, boot, app}, []eif.Reason{eif.UnusualOrder},
			[][]byte{cmdline.data, kernel.data, boot.data, app.data}, [][]byte{cmdline.data, kernel.data, boot.data}, [][]byte{app.data},
		},
		"command line last": {
			[]part{kernel, boot, app, third, cmdline}, []eif.Reason{eif.UnusualOrder},
			[][]byte{kernel.data, boot.data, app.data, third.data, cmdline.data}, [][]byte{kernel.data, boot.data, cmdline.data}, [][]byte{app.data, third.data},
		},
		"empty boot ramdisk": {
			[]part{kernel, cmdline, empty, app}, []eif.Reason{eif.EmptyRamdisk},
			[][]byte{kernel.data, cmdline.data, app.data}, [][]byte{kernel.data, cmdline.data}, [][]byte{app.data},
		},
		"empty application": {
			[]part{kernel, cmdline, boot, empty}, nil,
			[][]byte{kernel.data, cmdline.data, boot.data}, [][]byte{kernel.data, cmdline.data, boot.data}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			image := mustMeasure(t, assemble(3, c.parts...))
			assert.Equal(t, c.warnings, reasons(image.Warnings))
			assert.Equal(t, register(c.image...), image.Measurements[0])
			assert.Equal(t, register(c.boot...), image.Measurements[1])
			assert.Equal(t, register(c.of...), image.Measurements[2])
		})
	}
}

func TestRulesAndWarningsHaveText(t *testing.T) {
	assert.Equal(t, "walks-differ", eif.WalksDiffer.Error())
	assert.Equal(t, "gap: 64 bytes", eif.Warning{Reason: eif.Gap, Detail: "64 bytes"}.String())
	assert.Equal(t, "type 9", eif.SectionType(9).String())
	require.NotErrorIs(t, &eif.Error{Reason: eif.BadCRC}, eif.BadMagic)
}
