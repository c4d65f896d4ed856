package eif_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
)

func TestNitroCLIOutputIsAPolicy(t *testing.T) {
	for _, name := range []string{"aws_unsigned.eif", "aws_signed_es384.eif"} {
		image := mustMeasure(t, testdata(t, name))
		text, err := json.Marshal(image.NitroCLI())
		require.NoError(t, err)
		policy, err := pcr.ReadPolicy(bytes.NewReader(text))
		require.NoError(t, err, string(text))
		require.Len(t, policy.Images, 1)
		assert.Equal(t, image.Measurements, policy.Images[0].PCRs)
		matched, err := policy.Match(image.Measurements)
		require.NoError(t, err)
		assert.Equal(t, policy.Images[0], matched)
	}
}

func TestNitroCLIOutputNamesWhatThereIs(t *testing.T) {
	text, err := json.Marshal(mustMeasure(t, testdata(t, "v4_one_ramdisk.eif")).NitroCLI())
	require.NoError(t, err)
	assert.Equal(t, `{"Measurements":{"HashAlgorithm":"Sha384 { ... }",`+
		`"PCR0":"7b7f8aef048f356190715c0a8db417846de53ccc759a17de401cca686a933904a503ea1c1706a322cd569d6c9d9b53e0",`+
		`"PCR1":"7b7f8aef048f356190715c0a8db417846de53ccc759a17de401cca686a933904a503ea1c1706a322cd569d6c9d9b53e0",`+
		`"PCR2":"21b9efbc184807662e966d34f390821309eeac6802309798826296bf3e8bec7c10edb30948c90ba67310f7b964fc500a"}}`, string(text))
}
