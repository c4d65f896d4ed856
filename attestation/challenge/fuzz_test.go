package challenge_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge"
)

// Of all inputs, an issuer accepts the known nonces in their context, and nobody
// can find another one without the key.
func FuzzRedeem(f *testing.F) {
	plain, bound := fromHex(f, knownNonce), fromHex(f, knownInBound)
	f.Add(plain, []byte(nil))
	f.Add(plain, []byte(knownContext))
	f.Add(bound, []byte(knownContext))
	f.Add(bound, []byte(nil))
	f.Add(plain[:25], []byte(nil))
	f.Add(append([]byte{2}, plain[1:]...), []byte(nil))
	issuer, err := challenge.New(challenge.Config{
		Keys: [][]byte{otherKey(), fixedKey()}, InsecureReuse: true, Now: func() time.Time { return start.Add(-time.Second) },
	})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, nonce, context []byte) {
		if len(context) == 0 {
			context = nil
		}
		err := issuer.Redeem(t.Context(), nonce, context)
		genuine := string(nonce) == string(plain) && context == nil ||
			string(nonce) == string(bound) && string(context) == knownContext
		if genuine {
			require.NoError(t, err)
			return
		}
		var refused *challenge.Error
		require.True(t, errors.As(err, &refused), "%v", err)
		require.Contains(t, []challenge.Reason{challenge.Malformed, challenge.Unknown}, refused.Reason)
	})
}

// A nonce has one text form.
func FuzzParseNonce(f *testing.F) {
	f.Add(challenge.Nonce(fromHex(f, knownNonce)).String())
	f.Add("")
	f.Add("AZ98\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		nonce, err := challenge.ParseNonce(text)
		if err != nil {
			requireReason(t, challenge.Malformed, err)
			require.Nil(t, nonce)
			return
		}
		require.Len(t, nonce, challenge.NonceSize)
		require.Equal(t, text, nonce.String())
	})
}
