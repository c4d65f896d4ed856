package pcr_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
)

// Whatever is read can be used, means the same when written and read again,
// and accepts nothing by omission.
func FuzzReadPolicy(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(evidenceDir, "policies", "*"))
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(data)
	}
	for _, text := range []string{
		keyPolicy, `[{"EnclaveName": "e", "Measurements": ` + measurements + `}, {"EnclaveName": "e", "Measurements": {"PCR8": "<a8>"}}]`,
		`{"StringEquals": {"kms:RecipientAttestation:PCR1": ["<a1>", "<b1>"], "kms:RecipientAttestation:PCR2": ["<a2>", "<b2>"]}}`,
		`{"images": [{"name": "v1", "pcrs": {"0": "<a0>", "PCR0": "<a0>"}}]}`, `{"images": [{"name": "v1", "pcrs": {"0": "<00>"}}]}`,
		`{"images": [{"name": "v1", "pcrs": {"0": "<a0>", "17": "<b0>"}, "exchange": [16, 18, 31]}]}`, `{"images": [{"name": "v1", "pcrs": {"0": "<a0>"}, "exchange": [16, 16]}]}`,
	} {
		f.Add([]byte(expand(text)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		policy, err := pcr.ReadPolicy(bytes.NewReader(data))
		if err != nil {
			require.Zero(t, policy)
			return
		}
		require.NoError(t, policy.Validate())
		for _, empty := range []pcr.Bank{nil, {}} {
			_, err = policy.Match(empty)
			var mismatch *pcr.MismatchError
			require.ErrorAs(t, err, &mismatch)
		}
		for _, image := range policy.Images {
			_, err := policy.Match(image.PCRs)
			require.NoError(t, err)
		}

		written, err := json.Marshal(policy)
		require.NoError(t, err)
		if len(written) > 1<<20 {
			return // a condition with many alternatives is larger written out
		}
		again, err := pcr.ReadPolicy(bytes.NewReader(written))
		require.NoError(t, err)
		require.Equal(t, policy, again)
	})
}
