package redisstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore"
)

// The policy of a server can change after New has asked for it. What it may have
// forgotten since is accepted by nobody, also when it is set back.
func TestAnEpochEndsWithEviction(t *testing.T) {
	s := startServer(t)
	store, lenient := newStore(t, s.clientFor(t)), patient
	lenient.InsecureAllowEviction = true
	first := epochOf(t, store)
	operator := s.clientFor(t)
	require.NoError(t, operator.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err())
	require.Equal(t, first, epochOf(t, store), "without a limit it evicts nothing")

	require.NoError(t, operator.ConfigSet(t.Context(), "maxmemory", "100mb").Err())
	for range 2 {
		_, err := store.Epoch(t.Context())
		require.ErrorContains(t, err, `redisstore: server: found maxmemory "104857600" with maxmemory-policy "allkeys-lru", expected noeviction`)
		_, err = redeemIn(t, store, first, idOf(1))
		require.ErrorIs(t, err, redisstore.ErrOtherEpoch)
	}
	allowed, err := redisstore.New(t.Context(), s.clientFor(t), lenient)
	require.NoError(t, err)
	redeemed, err := redeemIn(t, allowed, epochOf(t, allowed), idOf(1))
	require.NoError(t, err)
	require.True(t, redeemed)

	require.NoError(t, operator.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err())
	second := epochOf(t, store)
	require.NotEqual(t, first, second)
	_, err = redeemIn(t, store, first, idOf(2))
	require.ErrorIs(t, err, redisstore.ErrOtherEpoch)
	redeemed, err = redeemIn(t, store, second, idOf(2))
	require.NoError(t, err)
	require.True(t, redeemed)
}
