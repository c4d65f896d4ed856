package challenge_test

import (
	"context"
	"encoding/hex"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge"
)

// start is when every test begins, by its own clock.
var start = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)

// clock is one that stands still until a test moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: start} }

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(now time.Time)          { c.mu.Lock(); c.now = now; c.mu.Unlock() }
func (c *clock) advance(step time.Duration) { c.set(c.read().Add(step)) }

// fixedKey is 00 to 1f, otherKey is 20 to 3f.
func fixedKey() []byte { return ascending(0x00) }
func otherKey() []byte { return ascending(0x20) }

func ascending(first byte) []byte {
	key := make([]byte, challenge.MinKeySize)
	for i := range key {
		key[i] = first + byte(i)
	}
	return key
}

// shared is a Memory in the place of a store that replicas share, so that
// issuers can have a key.
type shared struct{ challenge.Store }

func newMemory(t testing.TB, capacity int) *challenge.Memory {
	t.Helper()
	memory, err := challenge.NewMemory(capacity)
	require.NoError(t, err)
	return memory
}

func newShared(t testing.TB) shared { return shared{newMemory(t, 1<<20)} }

func newIssuer(t testing.TB, config challenge.Config) *challenge.Issuer {
	t.Helper()
	issuer, err := challenge.New(config)
	require.NoError(t, err)
	return issuer
}

func issue(t testing.TB, issuer *challenge.Issuer, context []byte) challenge.Nonce {
	t.Helper()
	nonce, err := issuer.Issue(context)
	require.NoError(t, err)
	require.Len(t, nonce, challenge.NonceSize)
	return nonce
}

// requireReason fails unless err is a refusal with exactly this reason.
func requireReason(t testing.TB, want challenge.Reason, err error) *challenge.Error {
	t.Helper()
	var refused *challenge.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, want, refused.Reason, err)
	require.ErrorIs(t, err, want)
	return refused
}

// scripted is a store that answers as it is told and keeps what it was asked.
type scripted struct {
	first bool
	err   error
	asked []question
}

type question struct {
	id         challenge.ID
	now, until time.Time
}

func (s *scripted) Redeem(_ context.Context, id challenge.ID, now, until time.Time) (bool, error) {
	s.asked = append(s.asked, question{id, now, until})
	return s.first, s.err
}

func fromHex(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	require.NoError(t, err)
	return b
}

// together calls f n times at once and returns what each call returned.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	begin := make(chan struct{})
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() {
			<-begin
			errs[i] = f(i)
		})
	}
	close(begin)
	done.Wait()
	return errs
}
