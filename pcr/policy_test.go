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
	noRegister = "empty: an image without a register would match every enclave"
	allZero    = "all zero: zero is no measurement and would match an enclave in debug mode or an unused register"
	outside    = "found a register outside of 0 to 31"
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
		field, detail string
	}{
		"zero policy":            {pcr.Policy{}, "Images", noImage},
		"empty images":           {pcr.Policy{Images: []pcr.Image{}}, "Images", noImage},
		"nil registers":          {image(nil), "Images[0].PCRs", noRegister},
		"no register":            {image(pcr.Bank{}), "Images[0].PCRs", noRegister},
		"second without":         {after(pcr.Bank{}), "Images[1].PCRs", noRegister},
		"only zero":              {image(pcr.Bank{0: {}}), "Images[0].PCRs[0]", allZero},
		"one zero":               {image(withZero), "Images[0].PCRs[2]", allZero},
		"second with zero":       {after(withZero), "Images[1].PCRs[2]", allZero},
		"boot only":              {image(pinned(1)), "Images[0].PCRs", pinsNoCode},
		"application only":       {image(pinned(2)), "Images[0].PCRs", pinsNoCode},
		"role only":              {image(pinned(3)), "Images[0].PCRs", pinsNoCode},
		"instance only":          {image(pinned(4)), "Images[0].PCRs", pinsNoCode},
		"application's own only": {image(pinned(16)), "Images[0].PCRs", pinsNoCode},
		"all but code":           {image(pinned(1, 3, 4, 16, 31)), "Images[0].PCRs", pinsNoCode},
		"register 32":            {image(pinned(0, 32)), "Images[0].PCRs", outside},
		"register -1":            {image(pinned(0, -1)), "Images[0].PCRs", outside},
		"only register 256":      {image(pinned(256)), "Images[0].PCRs", outside},
		"same name": {pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: pinned(0)}, {Name: "", PCRs: pinned(8)}, {Name: "v1", PCRs: pinned(1, 2)}}},
			"Images[2].Name", `"v1" names an earlier image too`},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.policy.Validate()
			var invalid *pcr.PolicyError
			require.ErrorAs(t, err, &invalid)
			assert.Equal(t, pcr.PolicyError{Field: c.field, Detail: c.detail}, *invalid)
			assert.EqualError(t, err, "policy: "+c.field+": "+c.detail)

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
