package challenge_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge"
)

// scriptedIssuer has a store that says yes to everything, so that whatever is
// refused was refused before it.
func scriptedIssuer(t *testing.T, clock *clock) (*challenge.Issuer, *scripted) {
	t.Helper()
	store := &scripted{first: true}
	return newIssuer(t, challenge.Config{Keys: [][]byte{fixedKey()}, Store: store, Now: clock.read}), store
}

func TestTheStoreIsAskedForTheRandomPartUntilTheSkewIsOver(t *testing.T) {
	t.Parallel()
	clock := newClock()
	issuer, store := scriptedIssuer(t, clock)
	nonce := issue(t, issuer, nil)
	clock.advance(time.Second)
	require.NoError(t, issuer.Redeem(t.Context(), nonce, nil))
	assert.Equal(t, []question{{
		id:    challenge.ID(nonce[9:25]),
		now:   start.Add(time.Second),
		until: start.Add(challenge.DefaultLifetime + challenge.DefaultClockSkew),
	}}, store.asked)
}

func TestEveryFlippedBitIsRefusedBeforeTheStore(t *testing.T) {
	t.Parallel()
	issuer, store := scriptedIssuer(t, newClock())
	nonce := issue(t, issuer, []byte("session"))
	for bit := range 8 * len(nonce) {
		flipped := bytes.Clone(nonce)
		flipped[bit/8] ^= 1 << (bit % 8)
		want := challenge.Unknown
		if bit < 8 {
			want = challenge.Malformed // the version
		}
		requireReason(t, want, issuer.Redeem(t.Context(), flipped, []byte("session")))
	}
	assert.Empty(t, store.asked)
	require.NoError(t, issuer.Redeem(t.Context(), nonce, []byte("session")))
}

func TestOtherLengthsAndVersionsAreMalformed(t *testing.T) {
	t.Parallel()
	issuer, store := scriptedIssuer(t, newClock())
	nonce := issue(t, issuer, nil)
	for length := range len(nonce) {
		requireReason(t, challenge.Malformed, issuer.Redeem(t.Context(), nonce[:length], nil))
	}
	err := issuer.Redeem(t.Context(), append(bytes.Clone(nonce), 0), nil)
	requireReason(t, challenge.Malformed, err)
	require.EqualError(t, err, "malformed-nonce: found 58 bytes, expected 57")
	requireReason(t, challenge.Malformed, issuer.Redeem(t.Context(), nil, nil))
	nonce[0] = 2
	require.EqualError(t, issuer.Redeem(t.Context(), nonce, nil), "malformed-nonce: version: found 2, expected 1")
	assert.Empty(t, store.asked)
}

func TestANonceIsForOneContext(t *testing.T) {
	t.Parallel()
	issuer, store := scriptedIssuer(t, newClock())
	bound, unbound := issue(t, issuer, []byte("session 1")), issue(t, issuer, nil)
	for _, c := range []struct {
		nonce   []byte
		context []byte
	}{
		{bound, nil},
		{bound, []byte("session 2")},
		{bound, []byte("session ")},
		{bound, []byte("session 1\x00")},
		{unbound, []byte("session 1")},
	} {
		err := issuer.Redeem(t.Context(), c.nonce, c.context)
		requireReason(t, challenge.Unknown, err)
		require.EqualError(t, err, "unknown-nonce: the tag is not that of any key of this issuer for this context")
	}
	for _, nonce := range [][]byte{bound, unbound} {
		require.EqualError(t, issuer.Redeem(t.Context(), nonce, []byte{}), "challenge: context: empty: it has at least one byte; nil means that there is none")
	}
	assert.Empty(t, store.asked)
	require.NoError(t, issuer.Redeem(t.Context(), bound, []byte("session 1")))
	require.NoError(t, issuer.Redeem(t.Context(), unbound, nil))
}

func TestANonceExpires(t *testing.T) {
	t.Parallel()
	clock := newClock()
	issuer, store := scriptedIssuer(t, clock)
	nonce := issue(t, issuer, nil)
	for _, late := range []time.Duration{0, time.Millisecond, time.Hour} {
		clock.set(start.Add(challenge.DefaultLifetime + late))
		err := issuer.Redeem(t.Context(), nonce, nil)
		requireReason(t, challenge.Expired, err)
		require.EqualError(t, err, fmt.Sprintf("nonce-expired: found expiry 2026-01-02T03:06:05.678Z, which is %s ago", late))
	}
	assert.Empty(t, store.asked)
	clock.set(start.Add(challenge.DefaultLifetime - 1))
	require.NoError(t, issuer.Redeem(t.Context(), nonce, nil))
}

// An issuer whose clock was ahead has made nonces that would be good for longer
// than any may be.
func TestANonceFromTheFutureIsRefused(t *testing.T) {
	t.Parallel()
	clock := newClock()
	issuer, store := scriptedIssuer(t, clock)
	nonce := issue(t, issuer, nil)
	limit := start.Add(challenge.DefaultLifetime - challenge.MaxLifetime - challenge.DefaultClockSkew)
	clock.set(limit.Add(-time.Millisecond))
	err := issuer.Redeem(t.Context(), nonce, nil)
	requireReason(t, challenge.ExpiryOutOfRange, err)
	require.EqualError(t, err, "nonce-expiry-out-of-range: found expiry 2026-01-02T03:06:05.678Z, which is 1h1m0.001s ahead, expected at most 1h1m0s")
	assert.Empty(t, store.asked)
	clock.set(limit)
	require.NoError(t, issuer.Redeem(t.Context(), nonce, nil))
}

// The steps of the package documentation: at no point does a replica refuse what
// another one issued.
func TestKeysAreReplacedWithoutRefusals(t *testing.T) {
	t.Parallel()
	store := newShared(t)
	replica := func(keys ...[]byte) *challenge.Issuer {
		return newIssuer(t, challenge.Config{Keys: keys, Store: store})
	}
	old, grown := replica(fixedKey()), replica(fixedKey(), otherKey())
	moved, done := replica(otherKey(), fixedKey()), replica(otherKey())
	for _, step := range [][2]*challenge.Issuer{{old, grown}, {grown, moved}, {moved, done}} {
		for _, pair := range [][2]*challenge.Issuer{step, {step[1], step[0]}} {
			if pair[0] == moved && pair[1] == old || pair[0] == grown && pair[1] == done {
				continue
			}
			nonce := issue(t, pair[0], nil)
			require.NoError(t, pair[1].Redeem(t.Context(), nonce, nil))
			requireReason(t, challenge.AlreadyRedeemed, pair[0].Redeem(t.Context(), nonce, nil))
		}
	}
	requireReason(t, challenge.Unknown, old.Redeem(t.Context(), issue(t, done, nil), nil))
	requireReason(t, challenge.Unknown, done.Redeem(t.Context(), issue(t, old, nil), nil))
}

func TestOnlyAPlainYesOfTheStoreAccepts(t *testing.T) {
	t.Parallel()
	down := errors.New("connection refused")
	for name, c := range map[string]struct {
		store  scripted
		reason challenge.Reason
		text   string
	}{
		"no":                 {scripted{first: false}, challenge.AlreadyRedeemed, "nonce-already-redeemed: nonce 101112131415161718191a1b1c1d1e1f can be redeemed once"},
		"an error":           {scripted{err: down}, challenge.StoreUnavailable, "store-unavailable: it is not known whether this is the first redemption: connection refused"},
		"yes and an error":   {scripted{first: true, err: down}, challenge.StoreUnavailable, "store-unavailable: it is not known whether this is the first redemption: connection refused"},
		"full":               {scripted{err: fmt.Errorf("disk: %w", challenge.StoreFull)}, challenge.StoreFull, "store-full: the redemption was not recorded: disk: store-full"},
		"yes and full":       {scripted{first: true, err: challenge.StoreFull}, challenge.StoreFull, "store-full: the redemption was not recorded: store-full"},
		"another own reason": {scripted{first: true, err: challenge.Expired}, challenge.StoreUnavailable, "store-unavailable: it is not known whether this is the first redemption: nonce-expired"},
		"yes":                {scripted{first: true}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			issuer := newIssuer(t, challenge.Config{Keys: [][]byte{fixedKey()}, Store: &c.store, Now: func() time.Time { return start.Add(-1) }})
			err := issuer.Redeem(t.Context(), fromHex(t, knownNonce), nil)
			if c.reason == "" {
				require.NoError(t, err)
				return
			}
			refused := requireReason(t, c.reason, err)
			require.EqualError(t, err, c.text)
			assert.Equal(t, c.store.err, refused.Err)
			if c.store.err != nil {
				assert.ErrorIs(t, err, c.store.err)
			}
		})
	}
}

func TestInsecureReuseRedeemsUntilTheExpiry(t *testing.T) {
	t.Parallel()
	clock := newClock()
	issuer := newIssuer(t, challenge.Config{Keys: [][]byte{fixedKey()}, InsecureReuse: true, Now: clock.read})
	nonce := issue(t, issuer, nil)
	for range 3 {
		require.NoError(t, issuer.Redeem(t.Context(), nonce, nil))
	}
	requireReason(t, challenge.Unknown, issuer.Redeem(t.Context(), nonce, []byte("other")))
	clock.advance(challenge.DefaultLifetime)
	requireReason(t, challenge.Expired, issuer.Redeem(t.Context(), nonce, nil))
}

func TestReasonsAreTheirOwnText(t *testing.T) {
	t.Parallel()
	for reason, text := range map[challenge.Reason]string{
		challenge.Malformed:        "malformed-nonce",
		challenge.Unknown:          "unknown-nonce",
		challenge.Expired:          "nonce-expired",
		challenge.ExpiryOutOfRange: "nonce-expiry-out-of-range",
		challenge.AlreadyRedeemed:  "nonce-already-redeemed",
		challenge.StoreUnavailable: "store-unavailable",
		challenge.StoreFull:        "store-full",
	} {
		assert.Equal(t, text, reason.Error())
	}
}
