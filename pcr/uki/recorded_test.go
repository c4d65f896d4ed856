package uki_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/uki"
)

// The firmware is edk2's, and measured into a TPM of swtpm.
func TestMeasureAgreesWithFirmware(t *testing.T) {
	on := uki.Options{SecureBoot: secureBoot(t)}
	for _, c := range []struct {
		image, log     string
		options        uki.Options
		kernelMeasured bool
		warnings       int
	}{
		{"standard.efi", "standard.log", uki.Options{}, true, 0},
		{"gap.efi", "gap.log", uki.Options{}, true, 1},
		{"signed.efi", "signed.log", on, false, 0},
	} {
		t.Run(c.image, func(t *testing.T) {
			booted := recordedBoot(t, c.log)
			got := mustMeasure(t, testdata(t, c.image), c.options)
			assert.Equal(t, booted.measurements(), got.Measurements)
			assert.Equal(t, booted.events, withoutDetail(got.Events))
			assert.Equal(t, "systemd-stub 252", got.Stub)
			assert.Equal(t, c.kernelMeasured, got.KernelMeasured)
			assert.Len(t, got.Warnings, c.warnings)
		})
	}
}

// Whether the firmware measured the kernel behind real stubs, by the event of
// its digest.
func TestKernelIsMeasuredAsRealStubsHaveIt(t *testing.T) {
	digest, err := uki.Authenticode(openTestdata(t, "kernel.efi"))
	require.NoError(t, err)
	for stub, magic := range map[string]string{
		"252": "systemd-stub 252.39-1~deb12u2",
		"257": "systemd-stub 257.13-1~deb13u1",
		"262": "systemd-stub 262-1",
	} {
		for log, options := range map[string]uki.Options{
			"systemd-" + stub + ".log":        {},
			"systemd-" + stub + ".signed.log": {SecureBoot: &uki.SecureBoot{PK: list(certX509, owner, "a"), DB: list(certX509, owner, "b"), Authority: []byte("b")}},
		} {
			t.Run(log, func(t *testing.T) {
				measured := false
				for _, e := range recordedBoot(t, log).events {
					measured = measured || e.Digest == digest
				}
				image := mustMeasure(t, unified("#### LoaderInfo: "+magic+" ####\x00").bytes(), options)
				assert.Equal(t, magic, image.Stub)
				assert.Equal(t, measured, image.KernelMeasured)
			})
		}
	}
}

// The value that EC2 instances without Secure Boot attest to.
func TestSecureBootOffHasOneRegister7(t *testing.T) {
	image := mustMeasure(t, unified(magic252).bytes(), uki.Options{})
	assert.Equal(t,
		"98441c7f7625d10058c47683aec486ce311c633235eb555593a7ee791121e3578ae72d04ecef661f272d59058b77af35",
		image.Measurements[pcr.RegisterSecureBoot].String())
}

func TestEventsSayWhatTheyAreOf(t *testing.T) {
	image := mustMeasure(t, testdata(t, "signed.efi"), uki.Options{SecureBoot: secureBoot(t), Kernel: uki.KernelMeasured})
	var details []string
	for _, e := range image.Events {
		details = append(details, string(e.Type)+" "+e.Detail)
	}
	assert.Equal(t, []string{
		"EV_EFI_ACTION Calling EFI Application from Boot Option",
		"EV_SEPARATOR ",
		"EV_EFI_BOOT_SERVICES_APPLICATION image",
		"EV_EFI_BOOT_SERVICES_APPLICATION kernel",
		"EV_EFI_VARIABLE_DRIVER_CONFIG SecureBoot",
		"EV_EFI_VARIABLE_DRIVER_CONFIG PK",
		"EV_EFI_VARIABLE_DRIVER_CONFIG KEK",
		"EV_EFI_VARIABLE_DRIVER_CONFIG db",
		"EV_EFI_VARIABLE_DRIVER_CONFIG dbx",
		"EV_SEPARATOR ",
		"EV_EFI_VARIABLE_AUTHORITY db", // once, although it verifies image and kernel
	}, details)
}
