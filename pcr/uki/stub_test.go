package uki_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/uki"
)

func loaderInfo(text string) string { return "#### LoaderInfo: " + text + " ####\x00" }

func TestStubDecidesOnTheKernel(t *testing.T) {
	on := withDB(list(certX509, owner, "db"))
	on.SecureBoot.Authority = []byte("db")
	for stub, want := range map[string]struct{ off, on bool }{
		"systemd-stub 252":              {true, false},
		"systemd-stub 252.39-1~deb12u2": {true, false},
		"systemd-stub 257~rc2-3":        {true, false},
		"systemd-stub 258":              {false, false},
		"systemd-stub 258~rc1":          {false, false},
		"systemd-stub 1000":             {false, false},
	} {
		t.Run(stub, func(t *testing.T) {
			image := unified(loaderInfo(stub)).bytes()
			off, on := mustMeasure(t, image, uki.Options{}), mustMeasure(t, image, on)
			assert.Equal(t, want.off, off.KernelMeasured)
			assert.Equal(t, want.on, on.KernelMeasured)
			assert.Equal(t, stub, off.Stub)
		})
	}
}

func TestKernelThatMayOrMayNotBeMeasuredIsRefused(t *testing.T) {
	for name, image := range map[string]image{
		"no .sdmagic":        unified(""),
		"other text":         unified("#### SomethingElse: systemd-stub 252 ####"),
		"text cut off":       unified("#### LoaderInfo: systemd-stub 252"),
		"another stub":       unified(loaderInfo("ubuntu-stub 252")),
		"no version":         unified(loaderInfo("systemd-stub ")),
		"version of letters": unified(loaderInfo("systemd-stub v252")),
		"version too long":   unified(loaderInfo("systemd-stub 99999999999999999999")),
		"before 252":         unified(loaderInfo("systemd-stub 251.4")),
		"in change":          unified(loaderInfo("systemd-stub 258~devel")),
		"old kernel": func() image {
			i := unified(magic252)
			i.parts[3].data = image{parts: twoParts}.bytes()
			return i
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			data := image.bytes()
			e := requireReason(t, uki.KernelUnknown, data, uki.Options{})

			// The registers of either case are what a caller gets who knows.
			measured := mustMeasure(t, data, uki.Options{Kernel: uki.KernelMeasured})
			assert.True(t, measured.KernelMeasured)
			assert.Equal(t, measured.Measurements, e.Measured)
			notMeasured := mustMeasure(t, data, uki.Options{Kernel: uki.KernelNotMeasured})
			assert.False(t, notMeasured.KernelMeasured)
			assert.Equal(t, notMeasured.Measurements, e.NotMeasured)
			assert.NotEqual(t, e.Measured, e.NotMeasured)
			for _, value := range []string{e.Measured[pcr.RegisterBootLoader].String(), e.NotMeasured[pcr.RegisterBootLoader].String()} {
				assert.Contains(t, e.Error(), value)
			}
		})
	}
}

// Under Secure Boot a kernel is often not signed for the firmware.
func TestKernelThatMayOrMayNotBeMeasuredNeedNotBeSigned(t *testing.T) {
	a := certificate(t, 1)
	i := unified("")
	i.certificates = winCertificate(2, signedData(a))
	o := withDB(list(certX509, owner, a))
	e := requireReason(t, uki.KernelUnknown, i.bytes(), o)
	assert.Nil(t, e.Measured)
	assert.ErrorIs(t, e, uki.AuthorityUnknown)
	o.Kernel = uki.KernelNotMeasured
	assert.Equal(t, mustMeasure(t, i.bytes(), o).Measurements, e.NotMeasured)

	// What is wrong with the image itself, or else with the kernel, comes first.
	o.Kernel = uki.KernelByStub
	requireReason(t, uki.AuthorityUnknown, unified("").bytes(), o)
	i.parts[2].data = image{parts: twoParts, certificates: winCertificate(2, []byte("signature"))}.bytes()
	requireReason(t, uki.MalformedSignature, i.bytes(), o)
}

// What the caller says counts, also against what the image says: distributions
// change their stubs without changing the version.
func TestCallerDecidesOnTheKernel(t *testing.T) {
	old, new := unified(loaderInfo("systemd-stub 252")).bytes(), unified(loaderInfo("systemd-stub 258")).bytes()
	assert.False(t, mustMeasure(t, old, uki.Options{Kernel: uki.KernelNotMeasured}).KernelMeasured)
	assert.True(t, mustMeasure(t, new, uki.Options{Kernel: uki.KernelMeasured}).KernelMeasured)
	e := requireReason(t, uki.InvalidOption, old, uki.Options{Kernel: "perhaps"})
	assert.Equal(t, "options", e.Where)
}

func TestStubSectionHasOneReading(t *testing.T) {
	requireReason(t, uki.SectionSize, unified(loaderInfo("systemd-stub 252"+strings.Repeat(" ", 256))).bytes(), uki.Options{})
	longer := unified(magic252)
	longer.parts[1].memory = alignment + 1
	requireReason(t, uki.SectionSize, longer.bytes(), uki.Options{})
	twice := unified(magic252)
	twice.parts = append(twice.parts, twice.parts[1])
	requireReason(t, uki.DuplicateSection, twice.bytes(), uki.Options{})
}

// A kernel that is not measured is not looked at: the image's own digest covers
// it, and a UKI of several profiles may have several.
func TestKernelIsReadOnlyIfItIsMeasured(t *testing.T) {
	for name, c := range map[string]struct {
		reason uki.Reason
		change func(*image)
	}{
		"two kernels":                       {uki.DuplicateSection, func(i *image) { i.parts = append(i.parts, i.parts[3]) }},
		"no PE file":                        {uki.ShortHeader, func(i *image) { i.parts[3].data = []byte("a kernel") }},
		"larger in memory than in the file": {uki.SectionSize, func(i *image) { i.parts[3].memory = align(len(kernel)) + 1 }},
		"zeros after the certificates": {uki.CertificateTable, func(i *image) {
			i.parts[3].data = image{imageVersion: 1, certificates: winCertificate(2, nil)}.bytes()
			i.parts[3].memory = len(i.parts[3].data) + 1
		}},
	} {
		t.Run(name, func(t *testing.T) {
			i := unified(magic252)
			c.change(&i)
			requireReason(t, c.reason, i.bytes(), uki.Options{})
			assert.False(t, mustMeasure(t, i.bytes(), uki.Options{Kernel: uki.KernelNotMeasured}).KernelMeasured)
		})
	}
}

func TestImageWithoutKernelIsRefused(t *testing.T) {
	for _, o := range []uki.Options{{}, {Kernel: uki.KernelMeasured}, {Kernel: uki.KernelNotMeasured}} {
		requireReason(t, uki.NoKernel, image{parts: twoParts}.bytes(), o)
	}
}
