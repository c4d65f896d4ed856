package uki_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/uki"
)

func TestNitroTPMOutputIsAPolicy(t *testing.T) {
	for name, o := range map[string]uki.Options{"standard.efi": {}, "signed.efi": {SecureBoot: secureBoot(t)}} {
		image := mustMeasure(t, testdata(t, name), o)
		text, err := json.Marshal(image.NitroTPM())
		require.NoError(t, err)
		policy, err := pcr.ReadPolicy(bytes.NewReader(text))
		require.NoError(t, err)
		require.Len(t, policy.Images, 1)
		assert.Equal(t, image.Measurements, policy.Images[0].PCRs)
		require.NoError(t, policy.Validate())
		_, err = policy.Match(image.Measurements)
		require.NoError(t, err)
	}
}

// The output of AWS's tool, byte for byte, but for PCR13.
func TestNitroTPMOutputIsThatOfAWS(t *testing.T) {
	recorded := strings.TrimSpace(string(testdata(t, "nitro-tpm-pcr-compute.json")))
	value, err := pcr.ParseValue("c4b56f291c0923f99dc915dbe97c2cfebf71554766b74cdd65c882f5d6559f65d11ebc11c541c10313b51f25f4c59bcd")
	require.NoError(t, err)
	image := mustMeasure(t, testdata(t, "standard.efi"), uki.Options{})
	image.Measurements[pcr.RegisterBootLoader] = value // of an image that is not ours; PCR7 and PCR12 are alike
	text, err := json.MarshalIndent(image.NitroTPM(), "", "  ")
	require.NoError(t, err)
	extensions := ",\n    \"PCR13\": \"" + pcr.Value{}.String() + "\""
	require.Contains(t, string(text), extensions)
	assert.Equal(t, recorded, strings.Replace(string(text), extensions, "", 1))
}
