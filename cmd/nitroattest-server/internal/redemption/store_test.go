package redemption

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore"
)

// backend does as it is told, and counts.
type backend struct {
	epoch   redisstore.Epoch
	err     error
	redeems int
	epochs  int
}

func (b *backend) Epoch(context.Context) (redisstore.Epoch, error) {
	b.epochs++
	return b.epoch, b.err
}

func (b *backend) RedeemIn(context.Context, redisstore.Epoch, challenge.ID, time.Time, time.Time) (bool, error) {
	b.redeems++
	return b.err == nil, b.err
}

func (b *backend) Probe(context.Context, redisstore.Epoch) error { return b.err }

func redeem(s *Store) error {
	_, ctx := s.Bind(context.Background(), nil)
	_, err := s.Redeem(ctx, challenge.ID{}, time.Now(), time.Now().Add(time.Hour))
	return err
}

var errDown = errors.New("down")

func TestAStoreThatFailsIsLeftAloneForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{}
		s, err := New(t.Context(), b)
		require.NoError(t, err)
		b.err = errDown
		for range failures {
			require.ErrorIs(t, redeem(s), errDown)
		}
		for range 100 {
			require.ErrorIs(t, redeem(s), errGivenUp)
		}
		assert.Equal(t, failures, b.redeems)

		// After the pause one asks for all.
		time.Sleep(pause + time.Millisecond)
		require.ErrorIs(t, redeem(s), errDown)
		require.ErrorIs(t, redeem(s), errGivenUp)
		assert.Equal(t, failures+1, b.redeems)

		// A probe that works is enough.
		b.err = nil
		require.ErrorIs(t, redeem(s), errGivenUp)
		require.NoError(t, s.Ready(t.Context()))
		require.NoError(t, redeem(s))
	})
}

// Clients that go before the store has answered make it neither well nor unwell.
func TestClientsThatGoSayNothingOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{}
		s, err := New(t.Context(), b)
		require.NoError(t, err)
		b.err = errDown
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		_, gone = s.Bind(gone, nil)
		leave := func() {
			_, err := s.Redeem(gone, challenge.ID{}, time.Now(), time.Now().Add(time.Hour))
			require.ErrorIs(t, err, errDown)
		}
		for range 3 * failures {
			leave()
		}
		for range failures {
			leave()
			require.ErrorIs(t, redeem(s), errDown)
		}
		require.ErrorIs(t, redeem(s), errGivenUp)
		time.Sleep(pause + time.Millisecond)
		leave()
		require.ErrorIs(t, redeem(s), errGivenUp)
	})
}

// What a store says that is well keeps nobody away from it.
func TestAnswersAreNoFailures(t *testing.T) {
	for _, err := range []error{redisstore.ErrOtherEpoch, challenge.StoreFull} {
		b := &backend{}
		s, failed := New(t.Context(), b)
		require.NoError(t, failed)
		b.err = err
		for range 3 * failures {
			require.ErrorIs(t, redeem(s), err)
		}
	}
}

// Whoever sends nonces of no epoch makes the store work now and then only.
func TestQuestionsForTheEpochAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{}
		s, err := New(t.Context(), b)
		require.NoError(t, err)
		for range 1000 {
			require.NoError(t, s.Refresh(t.Context()))
		}
		assert.Equal(t, 1, b.epochs)
		time.Sleep(asking)
		require.NoError(t, s.Refresh(t.Context()))
		assert.Equal(t, 2, b.epochs)
	})
}

func TestRedeemNeedsABoundContext(t *testing.T) {
	s, err := New(t.Context(), &backend{})
	require.NoError(t, err)
	_, err = s.Redeem(t.Context(), challenge.ID{}, time.Now(), time.Now().Add(time.Hour))
	require.ErrorContains(t, err, "a context that Bind did not return")
}
