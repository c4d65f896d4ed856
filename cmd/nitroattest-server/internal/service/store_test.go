package service_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge"
)

// epochs are those of a store that can be told to fail.
type epochs struct {
	current, known string
	down           error
}

var errEpochEnded = errors.New("the epoch has ended")

func (e *epochs) Bind(ctx context.Context, given []byte) ([]byte, context.Context) {
	return append([]byte(e.known+" "), given...), ctx
}

func (e *epochs) Refresh(context.Context) error {
	if e.down == nil {
		e.known = e.current
	}
	return e.down
}

func (e *epochs) Ended(err error) bool { return errors.Is(err, errEpochEnded) }

// Redeem implements [challenge.Store].
func (e *epochs) Redeem(context.Context, challenge.ID, time.Time, time.Time) (bool, error) {
	if e.known != e.current {
		return false, errEpochEnded
	}
	return true, nil
}

func newEpochs(t *testing.T) (*kit, *epochs) {
	e := &epochs{current: "first", known: "first"}
	return newKit(t, func(k *kit) {
		var err error
		k.config.Issuer, err = challenge.New(challenge.Config{Store: e, Keys: [][]byte{[]byte("0123456789abcdef0123456789abcdef")}})
		require.NoError(t, err)
		k.config.Epochs = e
	}), e
}

// A challenge that looks foreign may be of an epoch that this replica has not heard
// of yet. While nobody can be asked, it is neither good nor bad.
func TestAChallengeOfAnEpochThatNobodyCanBeAskedFor(t *testing.T) {
	k, e := newEpochs(t)
	e.current, e.known = "second", "second"
	good := k.good(t)
	e.known = "first"
	e.down = errors.New("dial tcp 192.0.2.1:6379: refused")
	problem := k.refused(t, good, 503, "store-unavailable")
	assert.NotContains(t, problem["detail"], "192.0.2.1")

	e.down = nil
	assert.Equal(t, true, k.verify(t, good)["accepted"], "as soon as somebody answers")
	e.current = "third"
	foreign := k.good(t)
	e.known = "second"
	foreign["context"] = "of another exchange"
	assert.Equal(t, "unknown-nonce", k.verify(t, foreign)["reason"])
}

// The epoch has ended and there is no other: another challenge would not help.
func TestAnEpochThatEndsWithoutAnother(t *testing.T) {
	k, e := newEpochs(t)
	good := k.good(t)
	e.current, e.down = "second", errors.New("the server evicts")
	k.refused(t, good, 503, "store-unavailable")
	e.down = nil
	assert.Equal(t, "unknown-nonce", k.verify(t, good)["reason"])
	assert.Equal(t, true, k.verify(t, k.good(t))["accepted"])
}

// However many ask for /readyz, the store is asked once a second.
func TestReadinessIsAskedForOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		var answer error
		k := newKit(t, func(k *kit) {
			k.config.StoreReady = func(ctx context.Context) error {
				asked++
				return errors.Join(answer, ctx.Err())
			}
		})
		k.undescribed = true
		for range 50 {
			gone, cancel := context.WithCancel(t.Context())
			cancel() // whoever asks first may leave
			_, state := k.do(t, httptest.NewRequest("GET", "/readyz", nil).WithContext(gone))
			assert.Equal(t, "ok", state["store"])
		}
		assert.Equal(t, 1, asked)

		answer = errors.New("down")
		time.Sleep(time.Second)
		_, state := k.send(t, "GET", "/readyz", "")
		assert.Equal(t, "unavailable", state["store"])
		assert.Equal(t, 2, asked)
	})
}
