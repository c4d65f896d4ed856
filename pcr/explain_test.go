package pcr_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
)

// found writes a bank in words: "0=same 8=zero 16=other"; a register that is
// not named is absent.
func found(text string) pcr.Bank {
	bank := pcr.Bank{}
	for word := range strings.FieldsSeq(text) {
		name, what, _ := strings.Cut(word, "=")
		register := map[string]int{"0": 0, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "7": 7, "8": 8, "11": 11, "12": 12, "13": 13, "16": 16}[name]
		bank[register] = map[string]pcr.Value{"same": filled(byte(0xa0 + register)), "zero": {}, "other": filled(1)}[what]
	}
	return bank
}

const (
	otherApplication = "another application on the same kernel, command line and boot ramdisk; compare what was built into the image."
	otherKernel      = "the same application with another kernel, command line or boot ramdisk; compare the versions of nitro-cli and of its kernel."
	hardlyOneImage   = "PCR0 is equal, and it covers everything that PCR1 and PCR2 do: the reference values are hardly all of one image."
)

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		name   string
		listed []int
		found  string
		want   []string
	}{
		{"another application", []int{0, 1, 2}, "0=other 1=same 2=other",
			[]string{"PCR2 differs and PCR1 is equal: " + otherApplication}},
		{"another application, by PCR0 and PCR1", []int{0, 1}, "0=other 1=same",
			[]string{"PCR0 differs and PCR1 is equal: " + otherApplication}},
		{"another kernel", []int{0, 1, 2}, "0=other 1=other 2=same",
			[]string{"PCR1 differs and PCR2 is equal: " + otherKernel}},
		{"another kernel, by PCR0 and PCR2", []int{0, 2}, "0=other 2=same",
			[]string{"PCR0 differs and PCR2 is equal: " + otherKernel}},
		{"another build", []int{0, 1, 2}, "0=other 1=other 2=other",
			[]string{"PCR1 and PCR2 differ: another application and another kernel, command line or boot ramdisk; compare the whole build, its tools included."}},
		{"another image", []int{0}, "0=other 1=other 2=other",
			[]string{"PCR0 differs: another image; reference values for PCR1 and PCR2 would tell its kernel and its application apart."}},
		{"kernel alone", []int{0, 1}, "0=other 1=other",
			[]string{"PCR1 differs: another kernel, command line or boot ramdisk; compare the versions of nitro-cli and of its kernel."}},
		{"application alone", []int{0, 2}, "0=other 2=other",
			[]string{"PCR2 differs: another application; compare what was built into the image."}},
		{"another order of parts", []int{0, 1, 2}, "0=other 1=same 2=same",
			[]string{"PCR0 differs, but PCR1 and PCR2 are equal: the same parts in another order, or reference values that are not all of one image."}},
		{"reference values of two images", []int{0, 1, 2}, "0=same 1=same 2=other",
			[]string{"PCR2 differs and PCR1 is equal: " + otherApplication, hardlyOneImage}},
		{"reference values of two images, kernel", []int{0, 1, 2}, "0=same 1=other 2=same",
			[]string{"PCR1 differs and PCR2 is equal: " + otherKernel, hardlyOneImage}},
		{"debug mode", []int{0, 1, 2}, "0=zero 1=zero 2=zero",
			[]string{"PCR0, PCR1 and PCR2 are zero: the enclave runs in debug mode, which hides what it measured; start it without --debug-mode."}},
		{"debug mode, two listed", []int{0, 2}, "0=zero 1=zero 2=zero",
			[]string{"PCR0 and PCR2 are zero: the enclave runs in debug mode, which hides what it measured; start it without --debug-mode."}},
		{"debug mode, one listed", []int{0}, "0=zero",
			[]string{"PCR0 is zero: the enclave runs in debug mode, which hides what it measured; start it without --debug-mode."}},
		{"another role", []int{0, 3}, "0=same 3=other",
			[]string{"PCR3 differs: the parent instance has another IAM role; compare the ARN, its path included."}},
		{"no role", []int{0, 3}, "0=same 3=zero",
			[]string{"PCR3 is zero: the parent instance has no IAM role."}},
		{"another instance", []int{0, 4}, "0=same 4=other",
			[]string{"PCR4 differs: the enclave runs on another parent instance."}},
		{"no instance", []int{0, 4}, "0=same 4=zero",
			[]string{"PCR4 is zero: the hypervisor measured no instance ID."}},
		{"another certificate", []int{8}, "8=other",
			[]string{"PCR8 differs: the image is signed with another certificate; a renewed certificate of the same key counts as another."}},
		{"unsigned", []int{8}, "8=zero",
			[]string{"PCR8 is zero: the image is not signed."}},
		{"extended otherwise", []int{0, 16}, "0=same 16=other",
			[]string{"PCR16 differs: the application extended it with something else, or with the same in another order."}},
		{"not extended", []int{0, 16}, "0=same 16=zero",
			[]string{"PCR16 is zero: the application has not extended it."}},
		{"absent", []int{0, 16}, "0=same",
			[]string{"PCR16 is absent: a document lists registers from 16 up only once the application has extended or locked them."}},
		{"absent role", []int{0, 3}, "0=same",
			[]string{"PCR3 (IAM role of the parent instance) is absent from the document, so nothing is known of it."}},
		{"absent image", []int{0}, "1=same",
			[]string{"PCR0 (enclave image) is absent from the document, so nothing is known of it."}},
		{"reserved", []int{0, 5}, "0=same 5=other",
			[]string{"PCR5 differs: it is reserved; take it out of the reference values."}},
		{"reserved and zero", []int{0, 5}, "0=same 5=zero",
			[]string{"PCR5 is zero: it is reserved, and zero in every enclave."}},
		{"in the order of the registers", []int{0, 1, 2, 3, 4, 8}, "0=other 1=same 2=other 3=zero 4=other 8=zero",
			[]string{
				"PCR2 differs and PCR1 is equal: " + otherApplication,
				"PCR3 is zero: the parent instance has no IAM role.",
				"PCR4 differs: the enclave runs on another parent instance.",
				"PCR8 is zero: the image is not signed.",
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy := pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: pinned(c.listed...)}}}
			assert.Equal(t, c.want, requireMismatch(t, policy, found(c.found)).Images[0].Explain())
		})
	}
}

// PCR2 over nothing is the same for every application: the recorded documents
// of two projects, whose images have one ramdisk, share it.
func TestExplainOfImagesWithOneRamdisk(t *testing.T) {
	nothing, err := pcr.ParseValue("21b9efbc184807662e966d34f390821309eeac6802309798826296bf3e8bec7c10edb30948c90ba67310f7b964fc500a")
	require.NoError(t, err)
	const rest = " differs, and PCR2 is that of an image with one ramdisk, which holds the application too: another kernel, command line or ramdisk; compare the whole build."
	want := pcr.Bank{0: filled(1), 1: filled(1), 2: nothing}
	got := pcr.Bank{0: filled(2), 1: filled(2), 2: nothing}
	mismatch := requireMismatch(t, pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: want}}}, got)
	assert.Equal(t, []string{"PCR1" + rest}, mismatch.Images[0].Explain())
	delete(want, 1)
	mismatch = requireMismatch(t, pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: want}}}, got)
	assert.Equal(t, []string{"PCR0" + rest}, mismatch.Images[0].Explain())
	want[4], got[4] = filled(4), filled(4) // registers after PCR2 change nothing
	mismatch = requireMismatch(t, pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: want}}}, got)
	assert.Equal(t, []string{"PCR0" + rest}, mismatch.Images[0].Explain())
}

// The registers of a NitroTPM stand for other things.
func TestExplainNitroTPM(t *testing.T) {
	policy := pcr.Policy{Kind: pcr.NitroTPM, Images: []pcr.Image{{Name: "v1", PCRs: pinned(0, 4, 7, 11, 12, 13)}}}
	for text, want := range map[string][]string{
		"0=same 4=other 7=same 11=same 12=same 13=same":  {"PCR4 differs: boot loader and kernel; compare the machine image."},
		"0=same 4=same 7=other 11=same 12=same 13=same":  {"PCR7 differs: Secure Boot is off, or has other keys."},
		"0=same 4=same 7=same 11=same 12=zero 13=same":   {"PCR12 is zero: nothing was measured into it (kernel command line; it is measured only where it overrides the built-in one)."},
		"0=other 4=same 7=same 11=other 12=same 13=same": {"PCR0 differs: firmware.", "PCR11 differs: operating system."},
		"0=same 7=same 11=same 12=same 13=same":          {"PCR4 (boot loader and kernel) is absent from the document, so nothing is known of it."},
	} {
		_, err := policy.Match(found(text))
		var mismatch *pcr.MismatchError
		require.ErrorAs(t, err, &mismatch)
		assert.Equal(t, want, mismatch.Images[0].Explain(), text)
	}
}

// Whatever differs, there is something to say, and nothing otherwise.
func TestExplainSaysSomethingExactlyWhenARegisterDiffers(t *testing.T) {
	var all pcr.ImageMismatch
	for register := range pcr.MaxRegisters {
		for _, got := range []*pcr.Value{nil, ptr(pcr.Value{}), ptr(filled(1)), ptr(filled(2))} {
			m := pcr.ImageMismatch{Registers: []pcr.Comparison{{Register: register, Want: filled(2), Got: got}}}
			all.Registers = append(all.Registers[:register:register], m.Registers...)
			if m.Registers[0].Equal() {
				assert.Nil(t, m.Explain())
				continue
			}
			require.Len(t, m.Explain(), 1)
			assert.True(t, strings.HasPrefix(m.Explain()[0], "PCR"))
			assert.True(t, strings.HasSuffix(m.Explain()[0], "."))
		}
	}
	assert.Nil(t, all.Explain())
	data, err := json.Marshal(pcr.ImageMismatch{Image: "v1"})
	require.NoError(t, err)
	assert.JSONEq(t, `{"image": "v1", "registers": null, "explanation": []}`, string(data))
}
