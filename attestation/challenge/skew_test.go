package challenge_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge"
)

// timed is a store that forgets at the first moment that it may, by a clock of
// its own, as a Redis server does.
type timed struct {
	clock *clock
	until map[challenge.ID]time.Time
}

func (s *timed) Redeem(_ context.Context, id challenge.ID, now, until time.Time) (bool, error) {
	if s.clock.read().Before(s.until[id]) {
		return false, nil
	}
	s.until[id] = s.clock.read().Add(until.Sub(now))
	return true, nil
}

// acceptances redeems a nonce on a replica whose clock is ahead of the issuing
// one's, and then tries both replicas every half second until long after its
// expiry. The store's clock is ahead of the issuing replica's by its own amount.
func acceptances(t *testing.T, replicaAhead, storeAhead time.Duration) int {
	t.Helper()
	here, there, stored := newClock(), newClock(), newClock()
	there.advance(replicaAhead)
	stored.advance(storeAhead)
	store := &timed{stored, map[challenge.ID]time.Time{}}
	replica := func(c *clock) *challenge.Issuer {
		return newIssuer(t, challenge.Config{Keys: [][]byte{fixedKey()}, Store: store, Now: c.read})
	}
	issuing, other := replica(here), replica(there)
	nonce := issue(t, issuing, nil)
	accepted := 0
	for range 1000 {
		for _, issuer := range []*challenge.Issuer{other, issuing} {
			err := issuer.Redeem(t.Context(), nonce, nil)
			if err == nil {
				accepted++
				continue
			}
			var refused *challenge.Error
			require.ErrorAs(t, err, &refused)
			require.Contains(t, []challenge.Reason{challenge.AlreadyRedeemed, challenge.Expired}, refused.Reason)
		}
		for _, c := range []*clock{here, there, stored} {
			c.advance(500 * time.Millisecond)
		}
	}
	return accepted
}

func TestReplicasWithinTheClockSkewNeverAcceptTwice(t *testing.T) {
	t.Parallel()
	const skew = challenge.DefaultClockSkew
	for _, replicaAhead := range []time.Duration{-skew, -skew / 2, 0, skew / 2, skew} {
		for _, storeAhead := range []time.Duration{-1000 * time.Hour, 0, 1000 * time.Hour} {
			assert.Equal(t, 1, acceptances(t, replicaAhead, storeAhead), "a replica %s ahead, a store %s ahead", replicaAhead, storeAhead)
		}
	}
}

// The limit that the documentation states is a real one.
func TestReplicasFurtherApartCanAcceptTwice(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 2, acceptances(t, challenge.DefaultClockSkew+time.Second, 0))
}
