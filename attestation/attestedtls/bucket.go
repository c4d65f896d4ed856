package attestedtls

import (
	"sync"
	"time"
)

// bucket is a token bucket that holds what one second brings.
type bucket struct {
	rate float64
	now  func() time.Time

	mu     sync.Mutex
	tokens float64
	last   time.Time
}

func newBucket(rate int, now func() time.Time) *bucket {
	return &bucket{rate: float64(rate), now: now, tokens: float64(rate), last: now()}
}

// take takes a token, if there is one.
func (b *bucket) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.tokens = min(b.rate, b.tokens+b.rate*max(0, now.Sub(b.last).Seconds()))
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
