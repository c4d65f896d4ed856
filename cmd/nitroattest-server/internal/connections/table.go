package connections

import (
	"net"
	"net/netip"
	"slices"
	"time"
)

// state is what a connection does.
type state uint8

const (
	queued      state = iota // it waits for a place to make its handshake
	handshaking              // its handshake is under way
	waiting                  // for a request, or for the rest of its header
	reading                  // a body
	busy                     // its request is being answered
	states
)

var stateNames = [states]string{"queued", "handshaking", "waiting", "reading", "busy"}

// stalled is how long a client may take to make room for the next piece of its
// answer before the connection counts as one that is waiting for its client.
const stalled = time.Second

// table is who has which connection. Its owner guards it.
type table struct {
	limits  Limits
	clients map[netip.Prefix]*client
	total   int
	in      [states]int
}

type client struct {
	conns map[*Conn]struct{}
	in    [states]int
}

// prefixOf is the client that an address belongs to. What is no IP address, such
// as a Unix socket, is one client.
func prefixOf(address net.Addr) netip.Prefix {
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap()
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	prefix, _ := ip.WithZone("").Prefix(bits) // which can fail for bits only
	return prefix
}

// add puts a connection into the table and takes out those that give up their
// place for it, which the caller closes. It reports which bound was met, if any,
// and whether the connection was added.
func (t *table) add(c *Conn, now time.Time) (victims []*Conn, bound string, ok bool) {
	who := t.clients[c.prefix]
	if who == nil {
		who = &client{conns: map[*Conn]struct{}{}}
	}
	var victim *Conn
	switch {
	case len(who.conns) >= t.limits.PerClient:
		bound, victim = "client", who.oldest(now)
	case t.total >= t.limits.Total:
		bound, victim = "total", t.heaviest(len(who.conns), now)
	}
	if bound != "" {
		if victim == nil {
			return nil, bound, false
		}
		t.remove(victim)
		victims = append(victims, victim)
	}
	t.clients[c.prefix] = who
	who.conns[c] = struct{}{}
	t.total++
	c.client, c.since = who, now
	who.in[c.state]++
	t.in[c.state]++
	return victims, bound, true
}

// remove is for a connection that ends. It does nothing the second time.
func (t *table) remove(c *Conn) {
	who := c.client
	if who == nil {
		return
	}
	c.client = nil
	delete(who.conns, c)
	who.in[c.state]--
	t.in[c.state]--
	t.total--
	if len(who.conns) == 0 {
		delete(t.clients, c.prefix)
	}
}

func (t *table) move(c *Conn, to state, now time.Time) {
	if c.client == nil || c.state == to {
		return
	}
	c.client.in[c.state]--
	t.in[c.state]--
	c.client.in[to]++
	t.in[to]++
	c.state, c.since = to, now
}

// heaviest finds a connection of the client that has the most of them, and at
// least as many as somebody who wants one more.
func (t *table) heaviest(than int, now time.Time) *Conn {
	var victim *Conn
	most := max(than, 1)
	for _, who := range t.clients {
		if len(who.conns) < most {
			continue
		}
		c := who.oldest(now)
		if c != nil && (victim == nil || len(who.conns) > most || c.goesBefore(victim, now)) {
			victim, most = c, len(who.conns)
		}
	}
	return victim
}

// oldest finds the connection of a client that can be given up at the least
// loss, or nil.
func (who *client) oldest(now time.Time) *Conn {
	var victim *Conn
	for c := range who.conns {
		if c.rank(now) > 0 && (victim == nil || c.goesBefore(victim, now)) {
			victim = c
		}
	}
	return victim
}

// goesBefore reports whether less is lost with a connection than with another.
func (c *Conn) goesBefore(other *Conn, now time.Time) bool {
	a, b := c.rank(now), other.rank(now)
	return a > b || a == b && c.since.Before(other.since)
}

// rank is how little is lost with a connection; 0: too much.
func (c *Conn) rank(now time.Time) int {
	switch c.state {
	case queued, handshaking, waiting:
		return 2
	case reading:
		return 1
	}
	if since := c.writing.Load(); since != 0 && now.UnixNano()-since > int64(stalled) {
		return 1
	}
	return 0
}

// shareOfHandshakes is how many of the places for handshakes one client may have.
func (t *table) shareOfHandshakes() int { return max(t.limits.Handshakes/4, 1) }

// next returns a connection whose handshake can start, or nil, and one that gives
// up its own for it.
func (t *table) next(now time.Time) (c, victim *Conn) {
	var who *client
	for _, other := range t.clients {
		if other.in[queued] == 0 || other.in[handshaking] >= t.shareOfHandshakes() {
			continue
		}
		if who == nil || other.in[handshaking] < who.in[handshaking] {
			who = other
		}
	}
	if who == nil {
		return nil, nil
	}
	if t.in[handshaking] >= t.limits.Handshakes {
		if victim = t.heaviestHandshake(who.in[handshaking]); victim == nil {
			return nil, nil
		}
		t.remove(victim)
	}
	c = who.first(queued)
	t.move(c, handshaking, now)
	return c, victim
}

// heaviestHandshake finds the oldest handshake of a client with the most of them,
// and with more than somebody who wants one more.
func (t *table) heaviestHandshake(than int) *Conn {
	var victims []*Conn
	most := than
	for _, who := range t.clients {
		switch n := who.in[handshaking]; {
		case n > most:
			victims, most = append(victims[:0], who.first(handshaking)), n
		case n == most && n > than:
			victims = append(victims, who.first(handshaking))
		}
	}
	if len(victims) == 0 {
		return nil
	}
	return slices.MinFunc(victims, func(a, b *Conn) int { return a.since.Compare(b.since) })
}

// first is the connection that is longest in a state.
func (who *client) first(in state) *Conn {
	var first *Conn
	for c := range who.conns {
		if c.state == in && (first == nil || c.since.Before(first.since)) {
			first = c
		}
	}
	return first
}
