package uki_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr/uki"
)

func TestMalformedImagesAreRefused(t *testing.T) {
	i := unified(magic252)
	good := i.bytes()
	mustMeasure(t, good, uki.Options{})
	table := i.sectionTable()
	raw := func(section int) (size, pointer int) { return table + 40*section + 16, table + 40*section + 20 }
	size0, pointer0 := raw(0)
	_, pointer1 := raw(1)
	size3, _ := raw(3)
	s := unified(magic252)
	s.certificates = winCertificate(2, []byte("signature"))
	signed := s.bytes()
	directory := i.dataDirectories() + 4*8

	for name, c := range map[string]struct {
		reason uki.Reason
		offset int
		data   []byte
	}{
		"empty":                         {uki.ShortHeader, 0, nil},
		"DOS header cut off":            {uki.ShortHeader, 0, good[:63]},
		"PE header cut off":             {uki.ShortHeader, coffAt, good[:coffAt+23]},
		"PE header beyond the file":     {uki.ShortHeader, 1<<31 - 1, put(good, 0x3c, 4, 1<<31-1)},
		"optional header cut off":       {uki.ShortHeader, optionalAt, good[:table-1]},
		"no MZ":                         {uki.NotPE, 0, put(good, 0, 2, 0)},
		"PE header inside DOS header":   {uki.NotPE, 0, put(good, 0x3c, 4, 63)},
		"no PE":                         {uki.NotPE, coffAt, put(good, coffAt, 4, 'P'|'E'<<8|1<<16)},
		"unknown magic":                 {uki.OptionalHeader, optionalAt, put(good, optionalAt, 2, 0x107)},
		"4 directories":                 {uki.OptionalHeader, i.dataDirectories() - 4, put(good, i.dataDirectories()-4, 4, 4)},
		"17 directories":                {uki.OptionalHeader, i.dataDirectories() - 4, put(good, i.dataDirectories()-4, 4, 17)},
		"directories of another size":   {uki.OptionalHeader, optionalAt, put(good, i.dataDirectories()-4, 4, 15)},
		"optional header of no size":    {uki.OptionalHeader, optionalAt, put(good, coffAt+20, 2, 0)},
		"headers inside section table":  {uki.HeaderSize, optionalAt + 60, put(good, optionalAt+60, 4, uint64(table+4*40-1))},
		"headers beyond the file":       {uki.HeaderSize, optionalAt + 60, put(good, optionalAt+60, 4, uint64(len(good)+1))},
		"more sections than headers":    {uki.HeaderSize, optionalAt + 60, put(good, coffAt+6, 2, 0xffff)},
		"section in the headers":        {uki.SectionOverlap, alignment - 1, put(good, pointer0, 4, alignment-1)},
		"section in another":            {uki.SectionOverlap, 2*alignment - 1, put(good, pointer1, 4, 2*alignment-1)},
		"section that reaches another":  {uki.SectionOverlap, 2 * alignment, put(good, size0, 4, alignment+1)},
		"section beyond the file":       {uki.SectionOverrun, 4 * alignment, put(good, size3, 4, uint64(len(good)-4*alignment+1))},
		"section of 4 GiB":              {uki.SectionOverrun, 4 * alignment, put(good, size3, 4, 1<<32-1)},
		"certificates in a section":     {uki.CertificateTable, directory, put(put(signed, directory, 4, uint64(len(good)-8)), directory+4, 4, uint64(len(signed)-len(good)+8))},
		"certificates before the end":   {uki.CertificateTable, directory, append(bytes.Clone(signed), 0)},
		"certificates beyond the end":   {uki.CertificateTable, directory, signed[:len(signed)-1]},
		"certificates at an offset off": {uki.CertificateTable, directory, put(signed, directory, 4, uint64(len(good)+8))},
	} {
		t.Run(name, func(t *testing.T) {
			e := requireReason(t, c.reason, c.data, uki.Options{})
			assert.Equal(t, "image", e.Where)
			assert.EqualValues(t, c.offset, e.Offset)

			// The kernel is held to the same rules, and found at offsets of its own.
			outer := unified(magic252)
			if len(c.data) == 0 {
				return // refused as a section
			}
			outer.parts[3].data = c.data
			e = requireReason(t, c.reason, outer.bytes(), uki.Options{})
			assert.Equal(t, "kernel", e.Where)
			assert.EqualValues(t, c.offset, e.Offset)

			_, err := authenticode(c.data)
			require.ErrorIs(t, err, c.reason)
		})
	}
}

// A size of 0 is no certificate table, whatever its offset.
func TestCertificateTableMayBeAbsent(t *testing.T) {
	i := unified(magic252)
	data := i.bytes()
	_, err := measure(put(data, i.dataDirectories()+4*8, 4, 1), uki.Options{})
	require.NoError(t, err)
}

func TestGapIsAWarning(t *testing.T) {
	i := unified(magic252)
	i.parts = append([]part{{data: []byte("before")}}, i.parts...)
	i.parts[4].data = image{imageVersion: 1, parts: append([]part{{data: []byte("gap")}, {data: []byte("gap")}}, twoParts...)}.bytes()
	data := i.bytes()
	got := mustMeasure(t, data, uki.Options{})
	require.Len(t, got.Warnings, 2)
	assert.Equal(t, uki.Gap, got.Warnings[0].Reason)
	assert.Contains(t, got.Warnings[0].String(), "gap: 512 bytes of the image")
	assert.Contains(t, got.Warnings[1].String(), "gap: 1024 bytes of the kernel")

	digest, err := authenticode(data)
	require.NoError(t, err)
	changed := bytes.Clone(data)
	changed[alignment] ^= 1
	same, err := authenticode(changed)
	require.NoError(t, err)
	assert.Equal(t, digest, same, "what lies in a gap is not measured")
}

func TestErrorsSayWhereAndWhy(t *testing.T) {
	e := &uki.Error{Reason: uki.NotPE, Where: "kernel", Offset: 7, Detail: "found nothing", Err: io.ErrUnexpectedEOF}
	assert.EqualError(t, e, "not-pe: kernel at offset 7: found nothing: unexpected EOF")
	assert.ErrorIs(t, e, uki.NotPE)
	assert.NotErrorIs(t, e, uki.Unreadable)
	assert.ErrorIs(t, e, io.ErrUnexpectedEOF)
	assert.Equal(t, "not-pe", uki.NotPE.Error())
	assert.NoError(t, errors.Unwrap(&uki.Error{}))
}
