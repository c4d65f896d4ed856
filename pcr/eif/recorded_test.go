package eif_test

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/eif"
)

// verdicts says of every recorded image what Measure makes of it: the rule it
// is refused for, or "" and the warnings it is measured with.
var verdicts = map[string]struct {
	refused  eif.Reason
	warnings []eif.Reason
}{
	"aws_resigned":                {warnings: []eif.Reason{eif.StaleSignatureSize}},
	"aws_signed_es384":            {},
	"aws_unsigned":                {},
	"bad_crc":                     {refused: eif.BadCRC},
	"gap_64_zero_bytes":           {warnings: []eif.Reason{eif.Gap}},
	"no_kernel":                   {refused: eif.KernelCount},
	"size_overflow":               {refused: eif.SectionOverrun},
	"trailing_ramdisk_hidden":     {refused: eif.WalksDiffer},
	"truncated_header":            {refused: eif.ShortHeader},
	"truncated_last_section":      {refused: eif.SectionOverrun},
	"two_kernels":                 {refused: eif.KernelCount},
	"two_signatures":              {refused: eif.SignatureCount},
	"v2_no_metadata":              {},
	"v3_no_metadata":              {},
	"v4_aarch64":                  {},
	"v4_cmdline_between_ramdisks": {warnings: []eif.Reason{eif.UnusualOrder}},
	"v4_one_ramdisk":              {},
	"v4_signed_es384":             {},
	"v4_signed_wrong_pcr0":        {refused: eif.SignedRegister},
	"v4_three_ramdisks":           {},
	"v4_unsigned":                 {},
}

func TestRecordedImages(t *testing.T) {
	images := recordedImages(t)
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "eif", "*.eif"))
	require.NoError(t, err)
	require.Len(t, images, len(files), "every file is recorded")
	require.Len(t, verdicts, len(files), "every file has a verdict")
	for name, record := range images {
		t.Run(name, func(t *testing.T) {
			data := testdata(t, name+".eif")
			sum := sha256.Sum256(data)
			require.Equal(t, record.SHA256, hex.EncodeToString(sum[:]))
			require.EqualValues(t, record.Size, len(data))
			verdict, ok := verdicts[name]
			require.True(t, ok)
			if verdict.refused != "" {
				requireReason(t, verdict.refused, data)
				return
			}
			image := mustMeasure(t, data)
			assert.Equal(t, verdict.warnings, reasons(image.Warnings))
			// Whoever prints registers for an image that is measured prints these.
			seen := 0
			for reader, walk := range map[string]walked{"by offsets": record.ByOffsets, "describe-eif": record.Describe, "QEMU": record.QEMU} {
				if walk.Error == "" {
					assert.Equal(t, walk.bank(), image.Measurements, reader)
					seen++
				}
			}
			assert.NotZero(t, seen)
		})
	}
}

// The recorded tools find different registers in this file, each of them
// without an error and with a good checksum.
func TestWalksDifferNamesTheDifference(t *testing.T) {
	record := recordedImages(t)["trailing_ramdisk_hidden"]
	require.True(t, *record.Describe.CRCCheck)
	e := requireReason(t, eif.WalksDiffer, testdata(t, "trailing_ramdisk_hidden.eif"))
	assert.Equal(t, record.ByOffsets.bank(), e.Booted)
	assert.Equal(t, record.Describe.bank(), e.Described)
	assert.EqualValues(t, 13017, e.Offset)
	assert.Contains(t, e.Error(), "describe-eif reads a section of type ramdisk with 5 bytes there")
	assert.Contains(t, e.Error(), "PCR0 is "+e.Booted[0].String()+" as booted, "+e.Described[0].String()+" as described")
	assert.Contains(t, e.Error(), "PCR2 is "+e.Booted[2].String())
	assert.NotContains(t, e.Error(), "PCR1", "it is the same in both")
}

func TestImageTellsWhatTheFileHolds(t *testing.T) {
	image := mustMeasure(t, testdata(t, "aws_signed_es384.eif"))
	assert.Equal(t, 4, image.Version)
	assert.Equal(t, eif.X8664, image.Architecture)
	assert.EqualValues(t, 1<<30, image.DefaultMemory)
	assert.EqualValues(t, 2, image.DefaultCPUs)
	assert.Equal(t, string(testdata(t, "in/cmdline")), image.CommandLine)
	assert.Equal(t, []eif.Section{
		{Type: eif.SectionKernel, Offset: 548, Size: 5000},
		{Type: eif.SectionCommandLine, Offset: 5560, Size: 84},
		{Type: eif.SectionMetadata, Offset: 5656, Size: 228},
		{Type: eif.SectionRamdisk, Offset: 5896, Size: 3001},
		{Type: eif.SectionRamdisk, Offset: 8909, Size: 4096},
		{Type: eif.SectionSignature, Offset: 13017, Size: 1619},
	}, image.Sections)
	assert.Equal(t, &eif.Metadata{
		ImageName: "kernel", ImageVersion: "1.0",
		BuildMetadata: eif.BuildMetadata{
			BuildTime: "2024-01-01T00:00:00+00:00", BuildTool: "t", BuildToolVersion: "0",
			OperatingSystem: "OS", KernelVersion: "kernel",
		},
		DockerInfo: []byte("null"), CustomMetadata: []byte("null"),
	}, image.Metadata)
	assert.Len(t, image.MetadataJSON, 228)
	assert.Equal(t, "ES384", image.Signature.Algorithm)
	assert.Equal(t, "eif oracle es384", image.Signature.Certificate.Subject.CommonName)
	assert.Equal(t, pcr.ForCertificate(image.Signature.Certificate.Raw), image.Measurements[8])

	assert.Equal(t, eif.AArch64, mustMeasure(t, testdata(t, "v4_aarch64.eif")).Architecture)
	assert.Equal(t, "ES512", mustMeasure(t, testdata(t, "aws_resigned.eif")).Signature.Algorithm)

	plain := mustMeasure(t, testdata(t, "v3_no_metadata.eif"))
	assert.Equal(t, 3, plain.Version)
	assert.Nil(t, plain.Metadata)
	assert.Nil(t, plain.MetadataJSON)
	assert.Nil(t, plain.Signature)
	assert.NotContains(t, plain.Measurements, pcr.RegisterCertificate, "unsigned: not there, not zero")
}
