package eif_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/eif"
)

func TestUnusualImagesAreMeasuredWithAWarning(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reasons []eif.Reason
		text    string
		signed  bool
	}{
		"cmdline_first":    {[]eif.Reason{eif.UnusualOrder}, "found cmdline, kernel, ramdisk", false},
		"signed_expired":   {[]eif.Reason{eif.ExpiredCertificate}, "nitro-cli run-enclave refuses the image", true},
		"signed_negserial": {[]eif.Reason{eif.UnusualCertificate}, "only the key and the period of the signing certificate were read", true},
	} {
		image := mustMeasure(t, testdata(t, "unusual/"+name+".eif"))
		assert.Equal(t, c.reasons, reasons(image.Warnings), name)
		assert.Contains(t, image.Warnings[0].Detail, c.text, name)
		assert.Equal(t, c.signed, image.Signature != nil, name)
		if c.signed {
			assert.Equal(t, pcr.ForCertificate(image.Signature.Certificate.Raw), image.Measurements[pcr.RegisterCertificate], name)
		}
	}
}

// A certificate that only its key is read of signs no other image, either.
func TestTheSignatureOfAnUnusualCertificateIsVerified(t *testing.T) {
	t.Parallel()
	data := testdata(t, "unusual/signed_negserial.eif")
	image := mustMeasure(t, data)
	for _, s := range image.Sections {
		if s.Type == eif.SectionRamdisk {
			data[s.Offset+12] ^= 1
			break
		}
	}
	requireReason(t, eif.SignedRegister, fixCRC(data))
}

func TestBottlerocketIsNamed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"twoliter_0x240", "twoliter_0x241_arm"} {
		e := requireReason(t, eif.UnknownFlags, testdata(t, "unusual/"+name+".eif"))
		assert.Contains(t, e.Detail, "those of Bottlerocket's builder", name)
	}
}

// Registers have no borders: three images that boot with different command lines
// and have the same registers. Two of them look unusual.
func TestMovedBytesChangeNoRegister(t *testing.T) {
	t.Parallel()
	const drop, keep = "lockdown=confidentiality ", "reboot=k panic=30"
	bz := bzImage(5000)
	build := func(kernel, cmdline, first string) *eif.Image {
		var b bytes.Buffer
		require.NoError(t, eif.Write(&b, eif.Spec{Architecture: eif.X8664, Kernel: strings.NewReader(kernel), CommandLine: cmdline,
			Ramdisks: []eif.Content{strings.NewReader(first), strings.NewReader("application")}}))
		return mustMeasure(t, b.Bytes())
	}
	usual := build(bz, drop+keep, "boot")
	assert.Empty(t, usual.Warnings)
	for name, c := range map[string]struct {
		image *eif.Image
		want  []eif.Reason
	}{
		"part of the command line in the kernel":  {build(bz+drop, keep, "boot"), []eif.Reason{eif.LongKernel}},
		"all of it, and the ramdisk":              {build(bz+drop+keep+"boot", "", ""), []eif.Reason{eif.LongKernel, eif.EmptyCommandLine, eif.EmptyRamdisk}},
		"all of it in the ramdisk":                {build(bz, "", drop+keep+"boot"), []eif.Reason{eif.EmptyCommandLine}},
		"part of it in the ramdisk, which is odd": {build(bz, drop, keep+"boot"), nil},
	} {
		assert.Equal(t, usual.Measurements, c.image.Measurements, name)
		assert.Equal(t, c.want, reasons(c.image.Warnings), name)
	}
}

// bzImage has the fields of the boot protocol that say how long it is.
func bzImage(blocks uint32) string {
	kernel := bytes.Repeat([]byte{0x90}, 2*512+int(blocks)*16)
	kernel[0x1f1] = 1
	binary.LittleEndian.PutUint32(kernel[0x1f4:], blocks)
	copy(kernel[0x202:], "HdrS")
	return string(kernel)
}

func TestKernelsSayHowLongTheyAre(t *testing.T) {
	t.Parallel()
	four := []byte(bzImage(200))
	four[0x1f1] = 0 // stands for 4 sectors, three more than the one of bzImage
	arm := bytes.Repeat([]byte{1}, 4096)
	copy(arm[0x38:], "ARM\x64")
	binary.LittleEndian.PutUint64(arm[0x10:], 4096)
	open := bytes.Clone(arm)
	binary.LittleEndian.PutUint64(open[0x10:], 0) // before Linux 3.17
	for name, c := range map[string]struct {
		kernel string
		warns  bool
	}{
		"x86_64":                 {bzImage(200), false},
		"x86_64 and a byte":      {bzImage(200) + "x", true},
		"x86_64, setup_sects 0":  {string(four) + strings.Repeat("x", 3*512), false},
		"the same and a byte":    {string(four) + strings.Repeat("x", 3*512+1), true},
		"aarch64":                {string(arm), false},
		"aarch64 and a byte":     {string(arm) + "x", true},
		"aarch64 without a size": {string(open) + "x", false},
		"neither":                {strings.Repeat("K", 5000), false},
		"short":                  {"K", false},
	} {
		var b bytes.Buffer
		require.NoError(t, eif.Write(&b, eif.Spec{Architecture: eif.X8664, Kernel: strings.NewReader(c.kernel), CommandLine: "quiet",
			Ramdisks: []eif.Content{strings.NewReader("boot")}}))
		image := mustMeasure(t, b.Bytes())
		assert.Equal(t, c.warns, len(image.Warnings) == 1 && image.Warnings[0].Reason == eif.LongKernel, name)
	}
}
