package challenge_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge"
)

// What it refuses, Redeem refuses with the same words, and neither asks the store.
func TestRefuseEarlySaysWhatRedeemWouldSay(t *testing.T) {
	t.Parallel()
	clock := newClock()
	issuer, store := scriptedIssuer(t, clock)
	nonce := issue(t, issuer, session)
	forged := bytes.Clone(nonce)
	forged[len(forged)-1] ^= 1
	for name, c := range map[string]struct {
		nonce, context []byte
		at             time.Duration // since it was issued
		want           challenge.Reason
	}{
		"none":               {nil, session, 0, challenge.Malformed},
		"too short":          {nonce[:challenge.NonceSize-1], session, 0, challenge.Malformed},
		"forged":             {forged, session, 0, challenge.Unknown},
		"another context":    {nonce, []byte("session 43"), 0, challenge.Unknown},
		"no context":         {nonce, nil, 0, challenge.Unknown},
		"expired":            {nonce, session, challenge.DefaultLifetime, challenge.Expired},
		"from the future":    {nonce, session, -2 * time.Hour, challenge.ExpiryOutOfRange},
		"the last moment":    {nonce, session, challenge.DefaultLifetime - 1, ""},
		"forged and expired": {forged, session, challenge.DefaultLifetime, challenge.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			clock.set(start.Add(c.at))
			early := issuer.RefuseEarly(c.nonce, c.context)
			assert.Empty(t, store.asked)
			if c.want == "" {
				require.NoError(t, early)
				return
			}
			requireReason(t, c.want, early)
			require.EqualError(t, issuer.Redeem(t.Context(), c.nonce, c.context), early.Error())
			assert.Empty(t, store.asked)
		})
	}
	require.EqualError(t, issuer.RefuseEarly(nonce, []byte{}), "challenge: context: empty: it has at least one byte; nil means that there is none")
}

func TestRefuseEarlyUsesNothingUpAndMissesWhatWasRedeemed(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, challenge.Config{Store: newMemory(t, 10)})
	nonce := issue(t, issuer, nil)
	for range 3 {
		require.NoError(t, issuer.RefuseEarly(nonce, nil))
	}
	require.NoError(t, issuer.Redeem(t.Context(), nonce, nil))
	require.NoError(t, issuer.RefuseEarly(nonce, nil), "only the store knows")
	requireReason(t, challenge.AlreadyRedeemed, issuer.Redeem(t.Context(), nonce, nil))
}
