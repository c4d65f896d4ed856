package attestedtls

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// bucket is a token bucket that holds what one second brings.
type bucket struct {
	rate   float64
	tokens float64
	last   time.Time
}

func (b *bucket) refill(now time.Time) {
	b.tokens = min(b.rate, b.tokens+b.rate*max(0, now.Sub(b.last).Seconds()))
	b.last = now
}

// maxClients bounds the memory for the shares of clients. Those beyond it have
// one share together until others are idle.
const maxClients = 4096

// limiter gives out documents at a rate, and to each client at a share of it.
type limiter struct {
	share float64
	now   func() time.Time

	mu      sync.Mutex
	all     bucket
	clients map[string]*bucket
}

func newLimiter(rate, share int, now func() time.Time) *limiter {
	return &limiter{
		share:   float64(share),
		now:     now,
		all:     bucket{float64(rate), float64(rate), now()},
		clients: make(map[string]*bucket),
	}
}

// take takes a token for a client, if there is one. A client over its share
// takes none from the others.
func (l *limiter) take(client string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.all.refill(now)
	own := l.client(client, now)
	own.refill(now)
	if own.tokens < 1 || l.all.tokens < 1 {
		return false
	}
	own.tokens--
	l.all.tokens--
	return true
}

func (l *limiter) client(name string, now time.Time) *bucket {
	if known := l.clients[name]; known != nil {
		return known
	}
	if len(l.clients) >= maxClients {
		// Who asked for nothing in the last second is as good as new.
		for other, b := range l.clients {
			if now.Sub(b.last) >= time.Second {
				delete(l.clients, other)
			}
		}
		if len(l.clients) >= maxClients {
			name = ""
		}
	}
	if l.clients[name] == nil {
		l.clients[name] = &bucket{l.share, l.share, now}
	}
	return l.clients[name]
}

// clientOf returns the host in an address: that of a network of IPv6, /64, for
// one machine has as many addresses there as it likes.
func clientOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() && !ip.Is4In6() {
		if network, err := ip.WithZone("").Prefix(64); err == nil {
			return network.String()
		}
	}
	return host
}
