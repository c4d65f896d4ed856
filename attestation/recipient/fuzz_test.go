package recipient_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/recipient"
)

// requireVerdict asserts what holds for every input: a plaintext or an *Error
// of a reason that opening can have, and never both.
func requireVerdict(t *testing.T, opened []byte, err error) {
	if err == nil {
		require.NotNil(t, opened)
		return
	}
	require.Nil(t, opened)
	var typed *recipient.Error
	require.True(t, errors.As(err, &typed))
	require.Contains(t, []recipient.Reason{
		recipient.MalformedEnvelope, recipient.UnsupportedAlgorithm, recipient.WrongRecipient,
		recipient.DecryptionFailed, recipient.TooLarge, recipient.UnsupportedForm,
	}, typed.Reason)
}

func FuzzOpen(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(data, "synthetic", "*.ber"))
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, file := range files {
		f.Add(readFile(f, filepath.Join("synthetic", filepath.Base(file))))
	}
	f.Add(readFile(f, "edgebit_datakey.ber"))
	key, recordedKey := rsa2048(f), readKey(f, "edgebit_datakey.key.pem")
	f.Fuzz(func(t *testing.T, envelope []byte) {
		opened, err := recipient.Open(envelope, key)
		requireVerdict(t, opened, err)
		opened, err = recipient.Open(envelope, recordedKey)
		requireVerdict(t, opened, err)

		_, _, iv, ciphertext, err := recipient.Fields(envelope)
		if err == nil {
			require.Len(t, iv, 16)
			require.NotEmpty(t, ciphertext)
			require.Zero(t, len(ciphertext)%16)
			require.Less(t, len(ciphertext), len(envelope))
		}
	})
}
