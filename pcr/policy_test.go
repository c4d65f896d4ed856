package pcr_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
)

// pinned returns a bank with a value in each of the given registers.
func pinned(registers ...int) pcr.Bank {
	bank := pcr.Bank{}
	for _, register := range registers {
		bank[register] = filled(byte(0xa0 + register))
	}
	return bank
}

// Checks 23 and 27.
func TestPoliciesThatPinCodeAreValid(t *testing.T) {
	for name, bank := range map[string]pcr.Bank{
		"image":                        pinned(0),
		"boot and application":         pinned(1, 2),
		"signer":                       pinned(8),
		"all the hypervisor fills":     pinned(0, 1, 2, 3, 4, 8),
		"image and the application's":  pinned(0, 16, 31),
		"signer, role and instance":    pinned(8, 3, 4),
		"image and a register of zero": pinned(0, 5),
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: bank}}}.Validate())
		})
	}
}

const (
	noImage    = "empty: a policy without an image would accept nothing"
	noRegister = "empty: an image without a register would match everything"
	allZero    = "all zero: zero is no measurement and would match an enclave in debug mode or an unused register"
	pinsNoCode = "pins no code: list PCR0, or PCR1 with PCR2, or PCR8"
)

// Check 23: none of these may come to accept an enclave.
func TestPoliciesThatWouldAcceptTooMuchAreInvalid(t *testing.T) {
	withZero := pinned(0, 1)
	withZero[2] = pcr.Value{}
	image := func(bank pcr.Bank) pcr.Policy { return pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: bank}}} }
	after := func(bank pcr.Bank) pcr.Policy {
		return pcr.Policy{Images: []pcr.Image{{Name: "v0", PCRs: pinned(0)}, {Name: "v1", PCRs: bank}}}
	}
	for name, c := range map[string]struct {
		policy        pcr.Policy
		reason        pcr.Reason
		field, detail string
	}{
		"zero policy":            {pcr.Policy{}, pcr.EmptyPolicy, "images", noImage},
		"empty images":           {pcr.Policy{Images: []pcr.Image{}}, pcr.EmptyPolicy, "images", noImage},
		"nil registers":          {image(nil), pcr.EmptyPolicy, "images[0].pcrs", noRegister},
		"no register":            {image(pcr.Bank{}), pcr.EmptyPolicy, "images[0].pcrs", noRegister},
		"second without":         {after(pcr.Bank{}), pcr.EmptyPolicy, "images[1].pcrs", noRegister},
		"only zero":              {image(pcr.Bank{0: {}}), pcr.ZeroRegister, "images[0].pcrs.0", allZero},
		"one zero":               {image(withZero), pcr.ZeroRegister, "images[0].pcrs.2", allZero},
		"second with zero":       {after(withZero), pcr.ZeroRegister, "images[1].pcrs.2", allZero},
		"boot only":              {image(pinned(1)), pcr.PinsNoCode, "images[0].pcrs", pinsNoCode + "; PCR1 is the kernel, which runs any application"},
		"application only":       {image(pinned(2)), pcr.PinsNoCode, "images[0].pcrs", pinsNoCode + "; PCR2 is the application, which any kernel can run and change"},
		"role only":              {image(pinned(3)), pcr.PinsNoCode, "images[0].pcrs", pinsNoCode},
		"instance only":          {image(pinned(4)), pcr.PinsNoCode, "images[0].pcrs", pinsNoCode},
		"application's own only": {image(pinned(16)), pcr.PinsNoCode, "images[0].pcrs", pinsNoCode + "; an application extends register 16 itself, and any application can give it any such value"},
		"all but code":           {image(pinned(1, 3, 4, 16, 31)), pcr.PinsNoCode, "images[0].pcrs", pinsNoCode + "; PCR1 is the kernel, which runs any application"},
		"register 32":            {image(pinned(0, 32)), pcr.InvalidRegister, "images[0].pcrs.32", "found register 32, expected 0 to 31"},
		"register -1":            {image(pinned(0, -1)), pcr.InvalidRegister, "images[0].pcrs", "found register -1, expected 0 to 31"},
		"only register 256":      {image(pinned(256)), pcr.InvalidRegister, "images[0].pcrs.256", "found register 256, expected 0 to 31"},
		"same name": {pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: pinned(0)}, {Name: "", PCRs: pinned(8)}, {Name: "v1", PCRs: pinned(1, 2)}}},
			pcr.DuplicateName, "images[2].name", `"v1" names an earlier image too`},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.policy.Validate()
			require.ErrorIs(t, err, c.reason)
			assert.EqualError(t, err, string(c.reason)+": "+c.field+": "+c.detail)

			// The bank holds whatever the first image lists, so only the policy
			// itself can be the reason.
			got := pcr.Bank{}
			if len(c.policy.Images) > 0 {
				got = c.policy.Images[0].PCRs
			}
			image, matchErr := c.policy.Match(got)
			assert.Equal(t, err, matchErr)
			assert.Zero(t, image)
		})
	}
}

func TestNamesMayBeLeftOutMoreThanOnce(t *testing.T) {
	policy := pcr.Policy{Images: []pcr.Image{{PCRs: pinned(0)}, {PCRs: pinned(8)}}}
	require.NoError(t, policy.Validate())
	image, err := policy.Match(pinned(8))
	require.NoError(t, err)
	assert.Equal(t, pcr.Image{PCRs: pinned(8)}, image)
}
