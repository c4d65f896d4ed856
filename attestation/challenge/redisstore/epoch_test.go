package redisstore_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore"
)

func idOf(b byte) (id challenge.ID) {
	for i := range id {
		id[i] = b
	}
	return id
}

func redeemIn(t *testing.T, s *redisstore.Store, e redisstore.Epoch, id challenge.ID) (bool, error) {
	t.Helper()
	return s.RedeemIn(t.Context(), e, id, time.Now(), time.Now().Add(time.Hour))
}

func epochOf(t *testing.T, s *redisstore.Store) redisstore.Epoch {
	t.Helper()
	e, err := s.Epoch(t.Context())
	require.NoError(t, err)
	return e
}

func TestAnEpochIsTheSameForAllAndEndsWithAFlush(t *testing.T) {
	s := startServer(t)
	one, other := newStore(t, s.clientFor(t)), newStore(t, s.clientFor(t))
	first := epochOf(t, one)
	require.Equal(t, first, epochOf(t, other))
	for b := range 16 {
		id := idOf(byte(b<<4 | b))
		for _, expected := range []bool{true, false} {
			redeemed, err := redeemIn(t, one, first, id)
			require.NoError(t, err)
			require.Equal(t, expected, redeemed)
		}
		redeemed, err := redeemIn(t, other, first, id)
		require.NoError(t, err)
		require.False(t, redeemed)
	}
	assert.NotEqual(t, first.Bind(nil), first.Bind([]byte("context")))
	assert.Len(t, first.Bind(nil), 32)

	require.NoError(t, s.clientFor(t).FlushAll(t.Context()).Err())
	_, err := redeemIn(t, one, first, idOf(1))
	require.ErrorIs(t, err, redisstore.ErrOtherEpoch)
	second := epochOf(t, other)
	assert.NotEqual(t, first.Bind(nil), second.Bind(nil))
	_, err = redeemIn(t, one, first, idOf(1))
	require.ErrorIs(t, err, redisstore.ErrOtherEpoch)
	redeemed, err := redeemIn(t, one, second, idOf(1))
	require.NoError(t, err)
	require.True(t, redeemed)
	_, err = redeemIn(t, one, redisstore.Epoch{}, idOf(2))
	require.ErrorIs(t, err, redisstore.ErrOtherEpoch)
}

// Whether the server has kept its data or not, it was another process.
func TestAnEpochEndsWithTheProcess(t *testing.T) {
	for name, arguments := range map[string][]string{
		"forgets":    nil,
		"remembers":  {"--appendonly", "yes", "--appendfsync", "always"},
		"a second":   {"--appendonly", "yes"},
		"everything": {"--save", "1 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, arguments...)
			store := newStore(t, s.clientFor(t))
			first := epochOf(t, store)
			redeemed, err := redeemIn(t, store, first, idOf(1))
			require.NoError(t, err)
			require.True(t, redeemed)
			s.Kill()
			s.Start()
			for _, id := range []byte{1, 2} {
				_, err = redeemIn(t, store, first, idOf(id))
				require.ErrorIs(t, err, redisstore.ErrOtherEpoch)
			}
			require.NotEqual(t, first, epochOf(t, store))
		})
	}
}

// A replica that takes over has the keys of its master, and perhaps not all.
func TestAnEpochEndsWithAFailover(t *testing.T) {
	port := freePort(t)
	master := startServer(t, "--port", port, "--repl-diskless-sync-delay", "0")
	replica := startServer(t, "--replicaof", "127.0.0.1 "+port)
	store := newStore(t, master.clientFor(t))
	first := epochOf(t, store)
	waitForKeys(t, replica.clientFor(t), 16)
	taken := newStore(t, replica.clientFor(t))

	require.ErrorIs(t, taken.Probe(t.Context(), first), redisstore.ErrOtherEpoch)
	_, err := taken.Epoch(t.Context())
	require.ErrorContains(t, err, "READONLY")
	require.NoError(t, replica.clientFor(t).Do(t.Context(), "REPLICAOF", "NO", "ONE").Err())
	_, err = redeemIn(t, taken, first, idOf(1))
	require.ErrorIs(t, err, redisstore.ErrOtherEpoch)
	second := epochOf(t, taken)
	require.NotEqual(t, first, second)

	// The old master does not know yet. Each takes the nonces of its own epoch.
	for store, epochs := range map[*redisstore.Store][2]redisstore.Epoch{store: {first, second}, taken: {second, first}} {
		redeemed, err := redeemIn(t, store, epochs[0], idOf(3))
		require.NoError(t, err)
		require.True(t, redeemed)
		_, err = redeemIn(t, store, epochs[1], idOf(4))
		require.ErrorIs(t, err, redisstore.ErrOtherEpoch)
	}
}

// A master that follows another for a moment loses what that does not have, and is
// the same process afterwards.
func TestAnEpochEndsWhenAServerFollowsAnother(t *testing.T) {
	ports := []string{freePort(t), freePort(t)}
	master := startServer(t, "--port", ports[0], "--repl-diskless-sync-delay", "0")
	other := startServer(t, "--port", ports[1], "--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1 "+ports[0])
	store := newStore(t, master.clientFor(t))
	waitForLink(t, other.clientFor(t))
	first := epochOf(t, store)
	waitForKeys(t, other.clientFor(t), 16)
	follow := func(s *server, host, port string) {
		t.Helper()
		require.NoError(t, s.clientFor(t).Do(t.Context(), "REPLICAOF", host, port).Err())
	}
	follow(other, "NO", "ONE")
	redeemed, err := redeemIn(t, store, first, idOf(1))
	require.NoError(t, err)
	require.True(t, redeemed)

	follow(master, "127.0.0.1", ports[1])
	waitForLink(t, master.clientFor(t))
	waitForKeys(t, master.clientFor(t), 16) // the redemption is gone
	follow(master, "NO", "ONE")
	_, err = redeemIn(t, store, first, idOf(1))
	require.ErrorIs(t, err, redisstore.ErrOtherEpoch)
	require.NotEqual(t, first, epochOf(t, store))
}

func waitForLink(t *testing.T, client *redis.Client) {
	t.Helper()
	for {
		info, err := client.Info(t.Context(), "replication").Result()
		require.NoError(t, err)
		if strings.Contains(info, "master_link_status:up") {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func waitForKeys(t *testing.T, client *redis.Client, n int64) {
	t.Helper()
	for {
		size, err := client.DBSize(t.Context()).Result()
		if err == nil && size == n {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestAProbeFailsAsARedemptionDoes(t *testing.T) {
	s := startServer(t, "--maxmemory-policy", "noeviction")
	store, client := newStore(t, s.clientFor(t)), s.clientFor(t)
	e := epochOf(t, store)
	require.NoError(t, store.Probe(t.Context(), e))
	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "1").Err())
	require.ErrorIs(t, store.Probe(t.Context(), e), challenge.StoreFull)
	_, err := redeemIn(t, store, e, idOf(1))
	require.ErrorIs(t, err, challenge.StoreFull)
	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "0").Err())
	require.NoError(t, store.Probe(t.Context(), e))

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, store.Probe(ended, e))
}

func TestAClusterHasOneEpoch(t *testing.T) {
	one, other := startServer(t), startServer(t)
	store := newStore(t, newCluster(t, one, other))
	first := epochOf(t, store)
	require.Equal(t, first, epochOf(t, store))
	accepted := 0
	for b := range 16 {
		redeemed, err := redeemIn(t, store, first, idOf(byte(b<<4)))
		require.NoError(t, err)
		if redeemed {
			accepted++
		}
	}
	require.Equal(t, 16, accepted)
	for _, s := range []*server{one, other} {
		size, err := s.clientFor(t).DBSize(t.Context()).Result()
		require.NoError(t, err)
		require.Positive(t, size)
	}
	other.Kill()
	other.Start()
	require.NotEqual(t, first, epochOf(t, store), "all parts are of one epoch")
}

func TestAccessThatEpochsNeed(t *testing.T) {
	s := startServer(t)
	require.NoError(t, s.clientFor(t).Do(t.Context(), "ACL", "SETUSER", "service", "on", ">secret", "~attested:*", "+eval", "+get", "+set", "+info").Err())
	options := s.clientOptions()
	options.Username, options.Password = "service", "secret"
	client := redis.NewClient(options)
	defer client.Close()
	mine := patient
	mine.Prefix = "attested:"
	store, err := redisstore.New(t.Context(), client, mine)
	require.NoError(t, err)
	require.NoError(t, store.Probe(t.Context(), epochOf(t, store)))
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return port
}
