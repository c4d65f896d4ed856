package redisstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore"
)

func TestAThousandRedemptionsOnTwoReplicasHaveOneWinner(t *testing.T) {
	s := startServer(t)
	replicas := []*challenge.Issuer{newReplica(t, s), newReplica(t, s)}
	nonce := issue(t, replicas[0])
	winners := 0
	for _, err := range together(1000, func(i int) error {
		return replicas[i%2].Redeem(t.Context(), nonce, nil)
	}) {
		if err == nil {
			winners++
			continue
		}
		require.ErrorIs(t, err, challenge.AlreadyRedeemed)
	}
	assert.Equal(t, 1, winners)
}

func TestAThousandNoncesAreAllRedeemed(t *testing.T) {
	s := startServer(t)
	replicas := []*challenge.Issuer{newReplica(t, s), newReplica(t, s)}
	for _, err := range together(1000, func(i int) error {
		nonce, err := replicas[i%2].Issue(nil)
		if err != nil {
			return err
		}
		return replicas[(i+1)%2].Redeem(t.Context(), nonce, nil) // on the other replica
	}) {
		require.NoError(t, err)
	}
	keys, err := s.clientFor(t).DBSize(t.Context()).Result()
	require.NoError(t, err)
	assert.EqualValues(t, 1000, keys)
}

// Each of many nonces is redeemed on both replicas while the server dies. What
// was accepted before is not accepted afterwards, nor is anything accepted
// while the server is down.
func TestAKilledServerRefusesAndForgetsNothing(t *testing.T) {
	s := startServer(t, "--appendonly", "yes", "--appendfsync", "always")
	replicas := []*challenge.Issuer{newReplica(t, s), newReplica(t, s)}
	const count = 400
	nonces := make([]challenge.Nonce, count)
	for i := range nonces {
		nonces[i] = issue(t, replicas[0])
	}
	redeemAll := func(after func(i int)) []error {
		return together(2*count, func(i int) error {
			err := replicas[i%2].Redeem(t.Context(), nonces[i/2], nil)
			after(i)
			return err
		})
	}
	accepted := make([]int, count)
	tally := func(errs []error, reasons ...challenge.Reason) {
		t.Helper()
		for i, err := range errs {
			if err == nil {
				accepted[i/2]++
				continue
			}
			var refused *challenge.Error
			require.ErrorAs(t, err, &refused)
			require.Contains(t, reasons, refused.Reason, err)
		}
	}

	// The server dies as soon as the first calls have returned. How many are
	// accepted until then differs from run to run.
	returned := make(chan struct{}, 2*count)
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		for range 50 {
			<-returned
		}
		s.Kill()
	}()
	tally(redeemAll(func(int) { returned <- struct{}{} }), challenge.AlreadyRedeemed, challenge.StoreUnavailable)
	<-killed
	before := sum(accepted)
	assert.Positive(t, before)

	tally(redeemAll(func(int) {}), challenge.StoreUnavailable)
	assert.Equal(t, before, sum(accepted), "nothing is accepted while the server is down")

	s.Start()
	for _, replica := range replicas {
		awaitStore(t, replica)
	}
	tally(redeemAll(func(int) {}), challenge.AlreadyRedeemed)
	for i, n := range accepted {
		assert.LessOrEqual(t, n, 1, "nonce %d", i)
	}
	tally(redeemAll(func(int) {}), challenge.AlreadyRedeemed)
	assert.LessOrEqual(t, sum(accepted), count)
}

// awaitStore returns once a replica has noticed that its server is back: go-redis
// looks once a second.
func awaitStore(t *testing.T, replica *challenge.Issuer) {
	t.Helper()
	for {
		err := replica.Redeem(t.Context(), issue(t, replica), nil)
		if err == nil {
			return
		}
		require.ErrorIs(t, err, challenge.StoreUnavailable)
	}
}

func sum(numbers []int) (total int) {
	for _, n := range numbers {
		total += n
	}
	return total
}

// Why the documentation asks for the append-only file: without it, this is what
// a restart does.
func TestAServerWithoutPersistenceForgets(t *testing.T) {
	s := startServer(t, "--appendonly", "no")
	issuer := newReplica(t, s)
	nonce := issue(t, issuer)
	require.NoError(t, issuer.Redeem(t.Context(), nonce, nil))
	require.ErrorIs(t, issuer.Redeem(t.Context(), nonce, nil), challenge.AlreadyRedeemed)
	s.Kill()
	s.Start()
	awaitStore(t, issuer)
	require.NoError(t, issuer.Redeem(t.Context(), nonce, nil))
}

func TestAClusterKeepsEachNonceOnOneShard(t *testing.T) {
	shards := []*server{startServer(t), startServer(t)}
	issuer := newIssuer(t, newStore(t, newCluster(t, shards...)), nil)
	nonces := make([]challenge.Nonce, 100)
	for i := range nonces {
		nonces[i] = issue(t, issuer)
		require.NoError(t, issuer.Redeem(t.Context(), nonces[i], nil))
	}
	for _, nonce := range nonces {
		require.ErrorIs(t, issuer.Redeem(t.Context(), nonce, nil), challenge.AlreadyRedeemed)
	}
	total := int64(0)
	for _, shard := range shards {
		keys, err := shard.clientFor(t).DBSize(t.Context()).Result()
		require.NoError(t, err)
		assert.Positive(t, keys)
		total += keys
	}
	assert.EqualValues(t, len(nonces), total)
}

// The server's clock is the real one. The issuer's may show anything, since
// only the difference of two of its times is sent.
func TestTheServerNeedNotAgreeOnTheTime(t *testing.T) {
	s := startServer(t)
	client := s.clientFor(t)
	for _, now := range []time.Time{time.Now().Add(-1000 * time.Hour), time.Now().Add(1000 * time.Hour)} {
		issuer := newIssuer(t, newStore(t, client), func() time.Time { return now })
		nonce := issue(t, issuer)
		require.NoError(t, issuer.Redeem(t.Context(), nonce, nil))
		require.ErrorIs(t, issuer.Redeem(t.Context(), nonce, nil), challenge.AlreadyRedeemed)
		now = now.Add(challenge.MaxLifetime)
		require.ErrorIs(t, issuer.Redeem(t.Context(), nonce, nil), challenge.Expired)
	}
}

func TestARedemptionIsOneCommand(t *testing.T) {
	s := startServer(t)
	client := s.clientFor(t)
	sent := new(recorder)
	client.AddHook(sent)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	issuer := newIssuer(t, newStore(t, client), func() time.Time { return now })
	nonce := issue(t, issuer)
	id := challenge.ID(nonce[9:25])
	require.NoError(t, issuer.Redeem(t.Context(), nonce, nil))
	seconds := int64((challenge.MaxLifetime + challenge.DefaultClockSkew) / time.Second)
	assert.Equal(t, []any{"set", redisstore.DefaultPrefix + id.String(), 1, "ex", seconds, "nx"}, sent.last)

	value, err := client.Get(t.Context(), redisstore.DefaultPrefix+id.String()).Result()
	require.NoError(t, err)
	assert.Equal(t, "1", value)
}

func TestTheServerForgetsInTheEnd(t *testing.T) {
	s := startServer(t)
	store := newStore(t, s.clientFor(t))
	now := time.Now()
	for attempts := 0; attempts < 3; {
		first, err := store.Redeem(t.Context(), challenge.ID{}, now, now.Add(20*time.Millisecond))
		require.NoError(t, err)
		if first {
			attempts++
		}
	}
}

// A fraction of a millisecond is not rounded down, which would forget early, and
// never to zero, which Redis takes for no expiry at all.
func TestTimeToLiveIsRoundedUp(t *testing.T) {
	s := startServer(t)
	client := s.clientFor(t)
	sent := new(recorder)
	client.AddHook(sent)
	store := newStore(t, client)
	now := time.Now()
	for i, c := range []struct {
		left time.Duration
		want any
	}{
		{1, int64(1)},
		{time.Millisecond, int64(1)},
		{time.Millisecond + 1, int64(2)},
		{time.Hour - 1, int64(3600)},
	} {
		_, err := store.Redeem(t.Context(), challenge.ID{byte(i)}, now, now.Add(c.left))
		require.NoError(t, err)
		assert.Equal(t, c.want, sent.last[4], "%v", sent.last)
	}
	for _, left := range []time.Duration{0, -time.Nanosecond, -time.Hour} {
		first, err := store.Redeem(t.Context(), challenge.ID{}, now, now.Add(left))
		require.ErrorContains(t, err, "has passed")
		assert.False(t, first)
	}
}
