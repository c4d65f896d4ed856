package uki_test

import (
	"bytes"
	"debug/pe"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/uki"
)

// What is measured agrees with a second reading of the file and what is not is
// refused with a rule; nothing panics.
func FuzzMeasure(f *testing.F) {
	db := testdata(f, "db.esl")
	for _, name := range []string{"kernel.efi", "standard.efi", "signed.efi", "gap.efi"} {
		f.Add(testdata(f, name), db, true)
		f.Add(testdata(f, name), []byte(nil), false)
	}
	for _, i := range []image{unified(magic252), unified(""), {pe32: true, parts: twoParts}} {
		f.Add(i.bytes(), []byte(nil), false)
	}
	f.Add(signed(signedData("0\x00")), list(certX509, owner, "0\x00"), true)

	f.Fuzz(func(t *testing.T, data, db []byte, measured bool) {
		o := uki.Options{}
		if len(db) > 0 {
			o.SecureBoot = &uki.SecureBoot{PK: db, DB: db}
		}
		if measured {
			o.Kernel = uki.KernelMeasured
		}
		digest, err := authenticode(data)
		if err != nil {
			requireTyped(t, err)
		} else {
			require.Equal(t, authenticodeByTheBook(data), digest)
			checkSections(t, data)
		}
		image, err := measure(data, o)
		if err != nil {
			assert.Nil(t, image)
			requireTyped(t, err)
			return
		}
		require.Equal(t, digest, image.Events[2].Digest)
		replayed := pcr.Bank{pcr.RegisterCommandLine: {}, pcr.RegisterSystemExtensions: {}}
		for _, e := range image.Events {
			replayed[e.Register] = replayed[e.Register].Extend(e.Digest[:])
		}
		require.Equal(t, replayed, image.Measurements)
	})
}

func requireTyped(t *testing.T, err error) {
	t.Helper()
	var e *uki.Error
	require.ErrorAs(t, err, &e)
	require.NotEmpty(t, e.Reason)
	require.NotEmpty(t, e.Detail)
	require.Equal(t, e.Reason == uki.KernelUnknown, e.NotMeasured != nil)
	require.Equal(t, e.Reason == uki.KernelUnknown && e.Err == nil, e.Measured != nil)
}

// checkSections asserts that the standard library, where it reads the file,
// finds no section outside of it.
func checkSections(t *testing.T, data []byte) {
	t.Helper()
	file, err := pe.NewFile(bytes.NewReader(data))
	if err != nil {
		return
	}
	for _, s := range file.Sections {
		if s.Size > 0 {
			require.LessOrEqual(t, uint64(s.Offset)+uint64(s.Size), uint64(len(data)))
		}
	}
}
