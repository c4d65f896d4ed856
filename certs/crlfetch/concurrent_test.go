package crlfetch_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/certs/crlfetch"
)

// direct answers for the site without a network, so that time can be simulated,
// when gate is closed or the request ends.
type direct struct {
	site *site
	gate chan struct{}
}

func (d direct) RoundTrip(request *http.Request) (*http.Response, error) {
	select {
	case <-d.gate:
	case <-request.Context().Done():
		return nil, request.Context().Err()
	}
	response := httptest.NewRecorder()
	request.Host = request.URL.Host
	d.site.ServeHTTP(response, request)
	return response.Result(), nil
}

// simulated runs a test from the time now on.
func simulated(t *testing.T, test func(*testing.T, *site, chan struct{})) {
	s := newSite(t)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now))
		gate := make(chan struct{})
		s.client = &http.Client{Transport: direct{s, gate}}
		test(t, s, gate)
	})
}

func TestUpdatesAreMerged(t *testing.T) {
	simulated(t, func(t *testing.T, s *site, gate chan struct{}) {
		updater := s.updater(t)
		ended := make(chan error)
		chain := s.chain(t)
		for range 8 {
			go func() { ended <- updater.Update(t.Context(), chain, now) }()
			go func() { ended <- updater.Refresh(t.Context(), now) }()
		}
		synctest.Wait()
		close(gate)
		for range 16 {
			require.NoError(t, <-ended)
		}
		assert.ElementsMatch(t, []string{s.url(t, atZonal), s.url(t, atRegional)}, s.requests())
		assert.NoError(t, s.status(t, now))
	})
}

// Who asked first can leave; the list arrives for the others.
func TestUpdateAfterItsCallerLeft(t *testing.T) {
	simulated(t, func(t *testing.T, s *site, gate chan struct{}) {
		updater := s.updater(t)
		chain := s.chain(t)
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ended := make(chan error)
		go func() { ended <- updater.Update(hasty, chain, now) }()
		synctest.Wait()
		go func() { ended <- updater.Update(t.Context(), chain, now) }()
		require.ErrorIs(t, <-ended, context.DeadlineExceeded)
		require.ErrorIs(t, s.status(t, now), certs.RevocationUnknown)
		close(gate)
		require.NoError(t, <-ended)
		assert.Len(t, s.requests(), 2)
	})
}

func TestUpdateTimesOut(t *testing.T) {
	simulated(t, func(t *testing.T, s *site, _ chan struct{}) {
		updater := s.updater(t, func(c *crlfetch.Config) { c.Timeout = time.Minute })
		begun := time.Now()
		err := updater.Update(t.Context(), s.chain(t), now)
		require.ErrorIs(t, err, crlfetch.Unreachable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(begun), "both lists at the same time")
	})
}

func TestRun(t *testing.T) {
	simulated(t, func(t *testing.T, s *site, gate chan struct{}) {
		close(gate)
		var reported []error
		updater := s.updater(t, func(c *crlfetch.Config) {
			c.OnError = func(err error) { reported = append(reported, err) }
		})
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error)
		go func() { ended <- updater.Run(ctx) }()
		require.NoError(t, updater.Update(ctx, s.chain(t), now))
		require.Len(t, s.requests(), 2)

		time.Sleep(crlfetch.DefaultRefreshAfter + time.Minute)
		synctest.Wait()
		require.Len(t, s.requests(), 2)
		require.Empty(t, reported)

		s.answer(s.url(t, atZonal), http.NotFound)
		time.Sleep(crlfetch.DefaultRefreshAfter)
		synctest.Wait()
		require.NotEmpty(t, reported)
		requireFailed(t, reported[0], s.url(t, atZonal), crlfetch.Unreachable, "found status 404")

		cancel(stop)
		require.ErrorIs(t, <-ended, context.Canceled)
	})
}
