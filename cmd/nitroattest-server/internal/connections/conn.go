package connections

import (
	"bufio"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxHandshake is what a handshake may read: more than any chain of
	// certificates needs.
	maxHandshake = 32 << 10

	// readSize holds a whole request of the usual size. Package http asks for half
	// as much at a time, and each time costs a call into the kernel.
	readSize = 8 << 10

	// socketBuffer bounds what the kernel keeps of a connection in each direction.
	// By itself it would go up to megabytes, for the memory of which the service
	// pays where its control group is limited.
	socketBuffer = 64 << 10
)

var (
	errLong = errors.New("the handshake is longer than 32 KiB")
	errLate = errors.New("the handshake took too long")
)

// Conn is a connection that is counted. Its reads are buffered once it is ready
// for requests.
type Conn struct {
	net.Conn
	listener   *Listener
	prefix     netip.Prefix
	accepted   time.Time
	generation int64
	writing    atomic.Int64 // since when the client makes no room; Unix nanoseconds, 0: it does
	closing    sync.Once
	closeError error

	// Before the connection is ready, one goroutine after the other.
	reader    *bufio.Reader
	left      int // what the handshake may still read
	computing bool

	// Listener.mu guards the rest.
	client *client // nil: not in the table
	state  state
	since  time.Time
}

func newConn(raw net.Conn, l *Listener) *Conn {
	c := &Conn{Conn: raw, listener: l, prefix: prefixOf(raw.RemoteAddr()), accepted: time.Now(), left: maxHandshake, state: waiting}
	if l.tls != nil {
		c.state = queued
	}
	return c
}

// bufferLittle has no effect on what has no such buffers.
func bufferLittle(raw net.Conn) {
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(socketBuffer)
		_ = tcp.SetWriteBuffer(socketBuffer)
	}
}

// Client is the client that the connection counts for; the zero Prefix for none.
func (c *Conn) Client() netip.Prefix {
	if c == nil {
		return netip.Prefix{}
	}
	return c.prefix
}

// Generation is that of the TLS configuration that the connection has, or of the
// one before; see [Config].
func (c *Conn) Generation() int64 { return c.generation }

// Reading says that the handler of a request waits for its body, and Answering
// that it no longer does.
func (c *Conn) Reading()   { c.move(reading) }
func (c *Conn) Answering() { c.move(busy) }

func (c *Conn) move(to state) {
	if c == nil {
		return
	}
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	c.listener.table.move(c, to, time.Now())
}

func (c *Conn) deadline() time.Time { return c.accepted.Add(c.listener.config.HandshakeTimeout) }

// begin is the end of the handshake.
func (c *Conn) begin() { c.reader = bufio.NewReaderSize(c.Conn, readSize) }

// Read implements [net.Conn]. An error such as a deadline that has passed is
// returned once and forgotten, as package http needs it.
func (c *Conn) Read(p []byte) (int, error) {
	if c.reader != nil {
		return c.reader.Read(p)
	}
	if c.left == 0 {
		return 0, errLong
	}
	c.computed() // who waits for the client computes nothing
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	if n > 0 && !c.compute() {
		return 0, errLate
	}
	return n, err
}

// Write implements [net.Conn]. In a handshake it is an answer, after which the
// client has to say something.
func (c *Conn) Write(p []byte) (int, error) {
	c.computed()
	c.writing.Store(time.Now().UnixNano())
	defer c.writing.Store(0)
	return c.Conn.Write(p)
}

// compute waits for a processor, but not longer than a handshake may take.
func (c *Conn) compute() bool {
	select {
	case c.listener.processors <- struct{}{}:
		c.computing = true
		return true
	default:
	}
	late := time.NewTimer(time.Until(c.deadline()))
	defer late.Stop()
	select {
	case c.listener.processors <- struct{}{}:
		c.computing = true
	case <-late.C:
	case <-c.listener.closed:
	}
	return c.computing
}

func (c *Conn) computed() {
	if c.computing {
		c.computing = false
		<-c.listener.processors
	}
}

// Close implements [net.Conn].
func (c *Conn) Close() error {
	c.closing.Do(func() {
		c.listener.mu.Lock()
		c.listener.table.remove(c)
		c.listener.mu.Unlock()
		c.closeError = c.Conn.Close()
	})
	return c.closeError
}

// abort closes a connection that nothing more is to be sent to. The kernel then
// keeps nothing of it either.
func (c *Conn) abort() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.Close()
}
