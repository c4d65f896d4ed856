package challenge_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge"
)

func TestAThousandRedemptionsAtOnceHaveOneWinner(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, challenge.Config{Store: newMemory(t, 2000)})
	nonce := issue(t, issuer, nil)
	winners := 0
	for _, err := range together(1000, func(int) error { return issuer.Redeem(t.Context(), nonce, nil) }) {
		if err == nil {
			winners++
			continue
		}
		requireReason(t, challenge.AlreadyRedeemed, err)
	}
	assert.Equal(t, 1, winners)
}

func TestNewMemoryRefusesACapacityBelowOne(t *testing.T) {
	t.Parallel()
	for _, capacity := range []int{0, -1} {
		memory, err := challenge.NewMemory(capacity)
		require.ErrorContains(t, err, "expected a positive number")
		assert.Nil(t, memory)
	}
}

// The zero value has no capacity.
func TestAZeroMemoryRefuses(t *testing.T) {
	t.Parallel()
	first, err := new(challenge.Memory).Redeem(t.Context(), challenge.ID{}, start, start.Add(time.Hour))
	require.ErrorIs(t, err, challenge.StoreFull)
	assert.False(t, first)
}

func TestAFullMemoryRefusesAndForgetsNothingEarly(t *testing.T) {
	t.Parallel()
	clock := newClock()
	memory := newMemory(t, 3)
	issuer := newIssuer(t, challenge.Config{Store: memory, Now: clock.read})
	var redeemed []challenge.Nonce
	for range 3 {
		nonce := issue(t, issuer, nil)
		require.NoError(t, issuer.Redeem(t.Context(), nonce, nil))
		redeemed = append(redeemed, nonce)
		clock.advance(time.Second)
	}
	waiting := issue(t, issuer, nil)
	for range 10 {
		requireReason(t, challenge.StoreFull, issuer.Redeem(t.Context(), waiting, nil))
		for _, nonce := range redeemed {
			requireReason(t, challenge.AlreadyRedeemed, issuer.Redeem(t.Context(), nonce, nil))
		}
	}
	assert.Equal(t, 3, memory.Len())

	// The first entry is kept until its nonce and the skew have expired. The
	// nonce that found no room has expired by then, another one takes its place.
	clock.set(start.Add(challenge.DefaultLifetime + challenge.DefaultClockSkew - time.Millisecond))
	requireReason(t, challenge.StoreFull, issuer.Redeem(t.Context(), issue(t, issuer, nil), nil))
	clock.advance(time.Millisecond)
	require.NoError(t, issuer.Redeem(t.Context(), issue(t, issuer, nil), nil))
	requireReason(t, challenge.StoreFull, issuer.Redeem(t.Context(), issue(t, issuer, nil), nil))
	assert.Equal(t, 3, memory.Len())
}

// id returns one of many different IDs.
func id(n int) (id challenge.ID) {
	binary.BigEndian.PutUint64(id[:], uint64(n))
	return id
}

// Entries arrive in no particular order of expiry, and no call drops more than
// two. Even so there are never many expired ones around.
func TestExpiredEntriesAreDroppedAFewAtATime(t *testing.T) {
	t.Parallel()
	const count = 1000
	memory := newMemory(t, 2*count)
	redeem := func(n int, now, until time.Time) bool {
		first, err := memory.Redeem(t.Context(), id(n), now, until)
		require.NoError(t, err)
		return first
	}
	for n := range count {
		until := start.Add(time.Hour + time.Duration(n*7919%count)*time.Millisecond)
		require.True(t, redeem(n, start, until))
	}
	require.Equal(t, count, memory.Len())

	later := start.Add(2 * time.Hour) // all of them have expired
	for n := range count {
		require.True(t, redeem(count+n, later, later.Add(time.Hour)))
		require.Equal(t, max(2*count-count-(n+1), n+1), memory.Len())
	}
	for n := range count {
		require.False(t, redeem(count+n, later, later.Add(time.Hour)), "what has not expired is remembered")
	}
}

// A clock that goes back makes nonces good again whose redemption was dropped.
func TestAClockThatGoesBackAllowsNothingTwice(t *testing.T) {
	t.Parallel()
	clock := newClock()
	memory := newMemory(t, 100)
	issuer := newIssuer(t, challenge.Config{Store: memory, Now: clock.read})
	early := issue(t, issuer, nil)
	clock.advance(time.Second)
	redeemed, late := issue(t, issuer, nil), issue(t, issuer, nil)
	require.NoError(t, issuer.Redeem(t.Context(), redeemed, nil))

	clock.set(start.Add(time.Hour))
	require.NoError(t, issuer.Redeem(t.Context(), issue(t, issuer, nil), nil))
	require.Equal(t, 1, memory.Len(), "the first redemption was dropped")

	clock.set(start.Add(time.Second))
	requireReason(t, challenge.AlreadyRedeemed, issuer.Redeem(t.Context(), redeemed, nil))
	requireReason(t, challenge.AlreadyRedeemed, issuer.Redeem(t.Context(), early, nil))
	// It expires with the one that was dropped, and might be it.
	requireReason(t, challenge.AlreadyRedeemed, issuer.Redeem(t.Context(), late, nil))
	clock.advance(time.Millisecond)
	require.NoError(t, issuer.Redeem(t.Context(), issue(t, issuer, nil), nil), "what expires later cannot have been dropped")
}
