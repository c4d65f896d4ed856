package redisstore_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore"
)

// patient is for tests in which no time limit may decide.
var patient = redisstore.Config{Timeout: time.Hour}

func newStore(t testing.TB, client redis.UniversalClient) *redisstore.Store {
	t.Helper()
	store, err := redisstore.New(t.Context(), client, patient)
	require.NoError(t, err)
	return store
}

// newReplica returns an issuer as one replica of a service has it: with the
// common key, and with a client and a store of its own.
func newReplica(t testing.TB, s *server) *challenge.Issuer {
	t.Helper()
	return newIssuer(t, newStore(t, s.clientFor(t)), nil)
}

func newIssuer(t testing.TB, store challenge.Store, now func() time.Time) *challenge.Issuer {
	t.Helper()
	issuer, err := challenge.New(challenge.Config{
		Keys:     [][]byte{[]byte("the common key of these replicas")},
		Store:    store,
		Lifetime: challenge.MaxLifetime, // none expires while a test runs
		Now:      now,
	})
	require.NoError(t, err)
	return issuer
}

func issue(t testing.TB, issuer *challenge.Issuer) challenge.Nonce {
	t.Helper()
	nonce, err := issuer.Issue(nil)
	require.NoError(t, err)
	return nonce
}

// together calls f n times at once and returns what each call returned.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	done.Wait()
	return errs
}

func dialSockets(sockets map[string]string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", sockets[address])
	}
}
