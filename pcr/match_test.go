package pcr_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
)

func requireMismatch(t *testing.T, policy pcr.Policy, got pcr.Bank) *pcr.MismatchError {
	t.Helper()
	image, err := policy.Match(got)
	var mismatch *pcr.MismatchError
	require.ErrorAs(t, err, &mismatch)
	require.Zero(t, image)
	require.Len(t, mismatch.Images, len(policy.Images), "every image is listed")
	return mismatch
}

func ptr(v pcr.Value) *pcr.Value { return &v }

func TestMatchReturnsTheFirstImageThatMatches(t *testing.T) {
	policy := pcr.Policy{Images: []pcr.Image{
		{Name: "other", PCRs: pcr.Bank{0: filled(0xff)}},
		{Name: "first", PCRs: pinned(0)},
		{Name: "second", PCRs: pinned(1, 2)},
	}}
	image, err := policy.Match(pinned(0, 1, 2, 3, 4))
	require.NoError(t, err)
	assert.Equal(t, policy.Images[1], image)
}

func TestMatchLooksAtListedRegistersOnly(t *testing.T) {
	got := pinned(0, 1, 2)
	got[3], got[40] = pcr.Value{}, filled(1)
	image, err := pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: pinned(1, 2)}}}.Match(got)
	require.NoError(t, err)
	assert.Equal(t, "v1", image.Name)
}

// Check 25: leaving a register out of a document must not escape a policy.
func TestMatchRefusesADocumentThatLacksAListedRegister(t *testing.T) {
	policy := pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: pinned(0, 8, 16)}}}
	for _, lacking := range []int{0, 8, 16} {
		got := pinned(0, 8, 16)
		delete(got, lacking)
		mismatch := requireMismatch(t, policy, got)
		require.Len(t, mismatch.Images[0].Registers, 3)
		assert.Equal(t, []pcr.Comparison{{Register: lacking, Want: filled(byte(0xa0 + lacking))}}, mismatch.Images[0].Differing())
	}
	for name, got := range map[string]pcr.Bank{"nil": nil, "empty": {}} {
		t.Run(name, func(t *testing.T) {
			mismatch := requireMismatch(t, policy, got)
			assert.EqualError(t, mismatch, `the registers match no image of the policy: image "v1": PCR0 absent, PCR8 absent, PCR16 absent`)
		})
	}
}

// An absent register is not a zero one, and the other way round.
func TestMatchRefusesAZeroRegister(t *testing.T) {
	mismatch := requireMismatch(t, pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: pinned(0)}}}, pcr.Bank{0: {}})
	assert.Equal(t, []pcr.Comparison{{Register: 0, Want: filled(0xa0), Got: ptr(pcr.Value{})}}, mismatch.Images[0].Registers)
	assert.EqualError(t, mismatch, `the registers match no image of the policy: image "v1": PCR0 differs`)
}

func TestMatchComparesEveryByte(t *testing.T) {
	policy := pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: pinned(0)}}}
	for i := range pcr.Size {
		value := filled(0xa0)
		value[i] ^= 1
		requireMismatch(t, policy, pcr.Bank{0: value})
	}
}

// Check 26: one register of each image is not an image.
func TestMatchTakesNoMixOfImages(t *testing.T) {
	policy := pcr.Policy{Images: []pcr.Image{
		{Name: "v1", PCRs: pcr.Bank{0: filled(0x10), 8: filled(0x18)}},
		{Name: "v2", PCRs: pcr.Bank{0: filled(0x20), 8: filled(0x28), 16: filled(0x2f)}},
	}}
	mismatch := requireMismatch(t, policy, pcr.Bank{0: filled(0x10), 8: filled(0x28)})
	assert.Equal(t, []pcr.ImageMismatch{
		{Image: "v1", Registers: []pcr.Comparison{
			{Register: 0, Want: filled(0x10), Got: ptr(filled(0x10))},
			{Register: 8, Want: filled(0x18), Got: ptr(filled(0x28))},
		}},
		{Image: "v2", Registers: []pcr.Comparison{
			{Register: 0, Want: filled(0x20), Got: ptr(filled(0x10))},
			{Register: 8, Want: filled(0x28), Got: ptr(filled(0x28))},
			{Register: 16, Want: filled(0x2f)},
		}},
	}, mismatch.Images)
	assert.EqualError(t, mismatch, `the registers match no image of the policy: image "v1": PCR8 differs; image "v2": PCR0 differs, PCR16 absent`)

	data, err := json.Marshal(mismatch)
	require.NoError(t, err)
	assert.JSONEq(t, expand(`{"images": [
		{"image": "v1", "registers": [
			{"register": 0, "want": "<10>", "got": "<10>", "equal": true},
			{"register": 8, "want": "<18>", "got": "<28>", "equal": false}],
			"explanation": ["PCR8 differs: the image is signed with another certificate; a renewed certificate of the same key counts as another."]},
		{"image": "v2", "registers": [
			{"register": 0, "want": "<20>", "got": "<10>", "equal": false},
			{"register": 8, "want": "<28>", "got": "<28>", "equal": true},
			{"register": 16, "want": "<2f>", "got": null, "equal": false}],
			"explanation": ["PCR0 differs: another image; reference values for PCR1 and PCR2 would tell its kernel and its application apart.",
				"PCR16 is absent: a document lists registers from 16 up only once the application has extended or locked them."]}]}`), string(data))
}

func TestMatchSharesNothingWithItsArguments(t *testing.T) {
	policy := pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: pinned(0)}}}
	got := pinned(0)
	image, err := policy.Match(got)
	require.NoError(t, err)
	clear(image.PCRs)
	assert.Equal(t, pinned(0), policy.Images[0].PCRs)
	assert.Equal(t, pinned(0), got)

	other := pcr.Bank{0: filled(1)}
	mismatch := requireMismatch(t, policy, other)
	other[0] = filled(2)
	assert.Equal(t, ptr(filled(1)), mismatch.Images[0].Registers[0].Got)
}

func TestCloneSharesNothing(t *testing.T) {
	policy := pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: pinned(0)}}}
	clone := policy.Clone()
	assert.Equal(t, policy, clone)
	policy.Images[0].PCRs[0] = filled(0xff)
	policy.Images[0].Name = "v2"
	assert.Equal(t, pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: pinned(0)}}}, clone)
	assert.Empty(t, pcr.Policy{}.Clone().Images)
}
