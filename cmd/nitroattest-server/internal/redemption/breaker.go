package redemption

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// failures in a row open the breaker.
	failures = 5

	// pause is how long nobody asks then. After it one asks for all.
	pause = time.Second
)

var errGivenUp = errors.New("redemption: the store has not answered; it is asked again in a moment")

// breaker keeps requests from waiting for a store that does not answer, each for
// its whole time limit.
type breaker struct {
	mu     sync.Mutex
	failed int
	until  time.Time // nobody asks before
}

// allow reports whether to ask the store.
func (b *breaker) allow(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed < failures {
		return true
	}
	if now.Before(b.until) {
		return false
	}
	b.until = now.Add(pause) // this one asks, and the others wait for what comes of it
	return true
}

func (b *breaker) note(now time.Time, failed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !failed {
		b.failed = 0
		return
	}
	b.failed++
	b.until = now.Add(pause)
}

var breakerOpen = prometheus.NewDesc("nitroattest_store_given_up", "1 while the store of challenges has not answered and nobody asks it.", nil, nil)

// Describe implements [prometheus.Collector].
func (b *breaker) Describe(ch chan<- *prometheus.Desc) { ch <- breakerOpen }

// Collect implements [prometheus.Collector].
func (b *breaker) Collect(ch chan<- prometheus.Metric) {
	b.mu.Lock()
	defer b.mu.Unlock()
	open := 0.0
	if b.failed >= failures {
		open = 1
	}
	ch <- prometheus.MustNewConstMetric(breakerOpen, prometheus.GaugeValue, open)
}
