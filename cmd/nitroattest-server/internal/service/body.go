package service

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/connections"
)

const (
	// maxBody holds the largest document, 32 KiB, in hex or in base64 twice, and
	// the other members.
	maxBody = 128 << 10

	// usualBody holds nearly every request: a document has some thousand bytes.
	usualBody = 16 << 10

	// clientsBodyPart is which part of the budget for larger ones a client gets at
	// most, so that whoever sends them slowly keeps no other client from sending
	// one.
	clientsBodyPart = 4

	// lingering is the time that a client has to send what nobody wants any more,
	// before it is cut off. Without it the answer could be lost.
	lingering = 500 * time.Millisecond
)

var (
	errTooLarge   = &problem{kind: tooLarge, detail: fmt.Sprintf("found more than %d bytes, expected at most that", maxBody)}
	errBodyMemory = &problem{kind: overloaded, detail: "too many large requests are under way; try again later"}
)

// body is the body of a request, of which it is known whether all of it came.
type body struct {
	io.ReadCloser
	ended bool
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.ended = b.ended || errors.Is(err, io.EOF)
	return n, err
}

// leave is for a request that is answered although its body has not ended. The
// connection ends with it: package http would read on for as long as a request
// may take.
func (b *body) leave(w http.ResponseWriter) {
	if b.ReadCloser == nil || b.ended {
		return
	}
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(lingering)) // in tests there may be no connection
}

// readBody reads a whole body. A client that only claims to send more gets memory
// for the usual size, and once that has come, for what it has claimed out of the
// budget.
func (m *scratch) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	c := connections.FromContext(r.Context())
	from := http.MaxBytesReader(w, r.Body, maxBody)
	m.body = slices.Grow(m.body[:0], min(claimed(r), usualBody)+1)
	c.Reading() // a client that sends a header and nothing more gives up its place first
	defer c.Answering()
	for {
		n, err := from.Read(m.body[len(m.body):cap(m.body)])
		m.body = m.body[:len(m.body)+n]
		switch {
		case errors.Is(err, io.EOF):
			return m.body, nil
		case err != nil:
			return nil, err
		}
		if err := m.makeRoom(claimed(r), c.Client()); err != nil {
			return nil, err
		}
	}
}

// claimed is how long a body is, or may be.
func claimed(r *http.Request) int {
	if r.ContentLength < 0 || r.ContentLength > maxBody {
		return maxBody
	}
	return int(r.ContentLength)
}

func (m *scratch) makeRoom(claimed int, client netip.Prefix) error {
	if len(m.body) < cap(m.body) {
		return nil
	}
	if m.taken == 0 {
		if !m.budget.take(client, claimed) {
			return errBodyMemory
		}
		m.taken, m.client = claimed, client
	}
	m.body = slices.Grow(m.body, max(claimed+1-len(m.body), 1))
	return nil
}

// bodyTimedOut reports whether a client did not send its body in time.
func bodyTimedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// budget bounds memory. It is safe for concurrent use.
type budget struct {
	limit   int
	mu      sync.Mutex
	used    int
	clients map[netip.Prefix]int
}

func newBudget(limit int) *budget { return &budget{limit: limit, clients: map[netip.Prefix]int{}} }

func (b *budget) take(client netip.Prefix, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+n > b.limit || b.clients[client]+n > b.limit/clientsBodyPart {
		return false
	}
	b.used += n
	b.clients[client] += n
	return true
}

func (b *budget) give(client netip.Prefix, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	if b.clients[client] -= n; b.clients[client] == 0 {
		delete(b.clients, client)
	}
}

func (b *budget) inUse() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}
