// Package redemption is the store of challenges as the service uses it: with the
// epochs of package redisstore, measured, and given up for a moment when it does
// not answer.
package redemption

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore"
)

// Backend is what a [Store] asks; *redisstore.Store is one.
type Backend interface {
	Epoch(ctx context.Context) (redisstore.Epoch, error)
	RedeemIn(ctx context.Context, e redisstore.Epoch, id challenge.ID, now, until time.Time) (bool, error)
	Probe(ctx context.Context, e redisstore.Epoch) error
}

const (
	// refreshing is how old the known epoch becomes while nobody redeems.
	refreshing = time.Second

	// asking is the least time between two questions for the epoch that clients
	// cause: whoever sends nonces of no epoch must not make the store work.
	asking = 50 * time.Millisecond
)

// Store is a [challenge.Store] that knows epochs. It is safe for concurrent use.
type Store struct {
	backend Backend
	breaker breaker
	seconds *prometheus.HistogramVec

	epoch  atomic.Pointer[redisstore.Epoch]
	mu     sync.Mutex // one question for the epoch at a time
	asked  time.Time
	failed error // of the last question
}

var _ challenge.Store = (*Store)(nil)

// New asks the backend for its epoch.
func New(ctx context.Context, backend Backend) (*Store, error) {
	s := &Store{backend: backend, seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "nitroattest_store_seconds", Help: "Time that the store of challenges took, by what came of it.",
		Buckets: prometheus.ExponentialBucketsRange(0.0001, 10, 16),
	}, []string{"operation", "result"})}
	return s, s.Refresh(ctx)
}

type epochKey struct{}

// Bind binds the context of a challenge to the epoch of the moment, as far as it
// is known, and returns a context with which Redeem goes by the same.
func (s *Store) Bind(ctx context.Context, context []byte) ([]byte, context.Context) {
	e := *s.epoch.Load()
	return e.Bind(context), withEpoch(ctx, e)
}

func withEpoch(ctx context.Context, e redisstore.Epoch) context.Context {
	return context.WithValue(ctx, epochKey{}, e)
}

// Ended reports whether Redeem failed because the epoch had ended.
func (s *Store) Ended(err error) bool { return errors.Is(err, redisstore.ErrOtherEpoch) }

// Refresh asks for the epoch, unless somebody just has.
func (s *Store) Refresh(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.asked) < asking {
		return s.failed
	}
	return s.ask(ctx)
}

func (s *Store) ask(ctx context.Context) error {
	begin := time.Now()
	e, err := s.backend.Epoch(ctx)
	s.observe("epoch", begin, err)
	s.asked, s.failed = time.Now(), err
	if err == nil {
		s.epoch.Store(&e)
	}
	return err
}

// Watch asks for the epoch every second until ctx ends, so that challenges are
// issued in that of the moment.
func (s *Store) Watch(ctx context.Context) {
	ticker := time.NewTicker(refreshing)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = s.Refresh(ctx) // the next redemption says what is wrong
		}
	}
}

// Redeem implements [challenge.Store] with a context of Bind.
func (s *Store) Redeem(ctx context.Context, id challenge.ID, now, until time.Time) (bool, error) {
	e, ok := ctx.Value(epochKey{}).(redisstore.Epoch)
	if !ok {
		return false, errors.New("redemption: a context that Bind did not return")
	}
	if !s.breaker.allow(time.Now()) {
		s.observe("redeem", time.Now(), errGivenUp)
		return false, errGivenUp
	}
	begin := time.Now()
	first, err := s.backend.RedeemIn(ctx, e, id, now, until)
	s.observe("redeem", begin, err)
	switch {
	case err == nil || isAnswer(err):
		s.breaker.note(time.Now(), false)
	case ctx.Err() == nil:
		s.breaker.note(time.Now(), true)
	} // else the client has gone, which says nothing of the store
	return first, err
}

// isAnswer reports whether an error is what a store says that is well.
func isAnswer(err error) bool {
	return errors.Is(err, redisstore.ErrOtherEpoch) || errors.Is(err, challenge.StoreFull)
}

// Ready asks for the epoch, which a store that evicts has not, and does what a
// redemption does. It closes the breaker when that works.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.Refresh(ctx); err != nil {
		return err
	}
	begin := time.Now()
	err := s.backend.Probe(ctx, *s.epoch.Load())
	s.observe("probe", begin, err)
	if err == nil {
		s.breaker.note(time.Now(), false)
	}
	return err
}

func (s *Store) observe(operation string, begin time.Time, err error) {
	result := "ok"
	switch {
	case errors.Is(err, errGivenUp):
		result = "given-up"
	case errors.Is(err, redisstore.ErrOtherEpoch):
		result = "other-epoch"
	case errors.Is(err, challenge.StoreFull):
		result = "full"
	case errors.Is(err, context.DeadlineExceeded):
		result = "timeout"
	case err != nil:
		result = "error"
	}
	s.seconds.WithLabelValues(operation, result).Observe(time.Since(begin).Seconds())
}

// Describe implements [prometheus.Collector].
func (s *Store) Describe(ch chan<- *prometheus.Desc) {
	s.seconds.Describe(ch)
	s.breaker.Describe(ch)
}

// Collect implements [prometheus.Collector].
func (s *Store) Collect(ch chan<- prometheus.Metric) {
	s.seconds.Collect(ch)
	s.breaker.Collect(ch)
}
