package pcr_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/pcr"
)

func readRecordedPolicy(t testing.TB, file string) pcr.Policy {
	t.Helper()
	f, err := os.Open(filepath.Join(evidenceDir, "policies", file))
	require.NoError(t, err)
	defer f.Close()
	policy, err := pcr.ReadPolicy(f)
	require.NoError(t, err)
	return policy
}

// Every recorded policy accepts the documents it was made for, under the name
// it gives them, and no other of the recorded documents.
func TestRecordedPoliciesMatchTheirDocumentsOnly(t *testing.T) {
	matches := map[string]map[string]string{ // policy to document to image
		"nautilus-weather.json": {"nautilus-weather-7e9164.cbor": "nautilus-weather"},
		"noauth-signed.json":    {"noauth-README-b8a24f.cbor": "noauth-enclaved"},
		"yawn-nitro-cli.json":   {"yawn-attestation-19b717.cbor": "image"},
		"fastcrypto-pcr16.json": {"fastcrypto-nitro-attestation-tests-8e5652.cbor": "fastcrypto"},
		"turnkey.json": {
			"tk-rust-turnkey-attestation-1269f0.cbor":        "turnkey 2024-07",
			"tk-rust-valid-provisioning-details-277e23.cbor": "turnkey 2026-06",
		},
		"kms-condition.json": {
			"occ-page-779b22.cbor":                 "image",
			"dstack-nitro-attestation-54ae0f.cbor": "image 2",
		},
	}
	files, err := filepath.Glob(filepath.Join(evidenceDir, "policies", "*"))
	require.NoError(t, err)
	require.Len(t, files, len(matches), "every policy has an entry")
	index := loadIndex(t)
	for file, want := range matches {
		t.Run(file, func(t *testing.T) {
			policy := readRecordedPolicy(t, file)
			got := map[string]string{}
			for _, document := range index {
				image, err := policy.Match(document.PCRs)
				if err == nil {
					got[document.File] = image.Name
					continue
				}
				var mismatch *pcr.MismatchError
				require.ErrorAs(t, err, &mismatch)
			}
			assert.Equal(t, want, got)
		})
	}
}

// One digit changed in any register of any image has to be enough.
func TestRecordedPoliciesWithOneDigitChangedMatchNothing(t *testing.T) {
	policy := readRecordedPolicy(t, "noauth-signed.json")
	require.Len(t, policy.Images[0].PCRs, 4)
	var document recordedDocument
	for _, d := range loadIndex(t) {
		if d.File == "noauth-README-b8a24f.cbor" {
			document = d
		}
	}
	for _, register := range policy.Images[0].PCRs.Registers() {
		changed := policy.Clone()
		value := changed.Images[0].PCRs[register]
		value[47] ^= 0x01
		changed.Images[0].PCRs[register] = value
		differing := requireMismatch(t, changed, document.PCRs).Images[0].Differing()
		require.Len(t, differing, 1)
		assert.Equal(t, pcr.Comparison{Register: register, Want: value, Got: ptr(document.PCRs[register])}, differing[0])
	}
}

// A verifier keeps its own copy: what happens to the maps of a policy after
// it was built changes no verdict.
func TestVerifierSharesNothingWithThePolicy(t *testing.T) {
	evidence, err := os.ReadFile(filepath.Join(evidenceDir, "nautilus-weather-7e9164.cbor"))
	require.NoError(t, err)
	policy := readRecordedPolicy(t, "nautilus-weather.json")
	verifier, err := attestation.NewVerifier(attestation.Config{Policy: policy, Recorded: true})
	require.NoError(t, err)

	policy.Images[0].PCRs[0] = filled(0xff)
	result, err := verifier.Verify(evidence, attestation.Expect{})
	require.NoError(t, err)
	clear(result.Image.PCRs)
	result, err = verifier.Verify(evidence, attestation.Expect{})
	require.NoError(t, err)
	assert.Len(t, result.Image.PCRs, 3)
}
