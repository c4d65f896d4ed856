package connections

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"sync"
	"time"
)

// Limits bound connections. All are positive.
type Limits struct {
	Total      int // connections at a time
	PerClient  int // of one client
	Handshakes int // TLS handshakes under way; without TLS it means nothing
}

// Config says what a [Listener] lets through.
type Config struct {
	Limits Limits
	// TLS is nil where there is none.
	TLS *tls.Config
	// HandshakeTimeout counts from the moment a connection was accepted.
	HandshakeTimeout time.Duration
	// Generation numbers the TLS configurations: what it returns before one is
	// read is what [Conn.Generation] says. Nil: there is one.
	Generation func() int64
	Logger     *slog.Logger // required
}

// Listener is a [net.Listener] whose connections are counted, and ready to send
// a request over: their handshake is done.
type Listener struct {
	net.Listener
	config     Config
	tls        *tls.Config
	ready      chan net.Conn
	processors chan struct{} // has as many places as handshakes may compute
	failures   failures

	once   sync.Once
	closed chan struct{}
	ended  chan struct{} // accept has, with err
	err    error

	mu    sync.Mutex
	table table
	count counts
}

// New starts to accept connections at once. [Listener.Close] ends that.
func New(listener net.Listener, config Config) *Listener {
	l := &Listener{
		Listener:   listener,
		config:     config,
		ready:      make(chan net.Conn),
		processors: make(chan struct{}, runtime.GOMAXPROCS(0)),
		closed:     make(chan struct{}),
		ended:      make(chan struct{}),
		count:      newCounts(),
		table:      table{limits: config.Limits, clients: map[netip.Prefix]*client{}},
		failures:   failures{logger: config.Logger},
	}
	if config.TLS != nil {
		l.tls = config.TLS.Clone()
		l.tls.GetConfigForClient = l.configFor
	}
	go l.accept()
	return l
}

// Accept implements [net.Listener].
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.ready:
		return conn, nil
	case <-l.ended:
		return nil, l.err
	}
}

// Close implements [net.Listener]. Handshakes that are under way end.
func (l *Listener) Close() error {
	err := net.ErrClosed
	l.once.Do(func() {
		close(l.closed)
		err = l.Listener.Close()
		l.mu.Lock()
		var early []*Conn
		for _, who := range l.table.clients {
			for c := range who.conns {
				if c.state == queued || c.state == handshaking {
					early = append(early, c)
				}
			}
		}
		l.mu.Unlock()
		for _, c := range early {
			c.Close()
		}
	})
	return err
}

// accept goes on after an error that will pass, such as too many open files.
func (l *Listener) accept() {
	defer close(l.ended)
	pause := time.Duration(0)
	for {
		raw, err := l.Listener.Accept()
		if err == nil {
			pause = 0
			l.admit(raw)
			continue
		}
		var passing interface{ Temporary() bool }
		if !errors.As(err, &passing) || !passing.Temporary() {
			l.err = err
			return
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		l.config.Logger.Error("connection cannot be accepted", slog.String("error", err.Error()))
		select {
		case <-l.closed:
		case <-time.After(pause):
		}
	}
}

func (l *Listener) admit(raw net.Conn) {
	bufferLittle(raw)
	c := newConn(raw, l)
	l.mu.Lock()
	victims, bound, ok := l.table.add(c, c.accepted)
	if ok {
		l.count.givenUp[bound] += len(victims)
	} else {
		l.count.refused[bound]++
	}
	l.mu.Unlock()
	for _, victim := range victims {
		victim.abort()
	}
	switch {
	case !ok:
		c.abort()
	case l.tls != nil:
		l.dispatch()
	default:
		c.generation = l.generation()
		l.deliver(c, c)
	}
}

// deliver hands a connection to whoever accepts.
func (l *Listener) deliver(c *Conn, conn net.Conn) {
	c.begin()
	select {
	case l.ready <- conn:
	case <-l.closed:
		conn.Close()
	}
}

// dispatch starts the handshakes for which there are places.
func (l *Listener) dispatch() {
	for {
		l.mu.Lock()
		c, victim := l.table.next(time.Now())
		if victim != nil {
			l.count.givenUp["handshakes"]++
		}
		l.mu.Unlock()
		if victim != nil {
			victim.abort()
		}
		if c == nil {
			return
		}
		go l.handshake(c)
	}
}

func (l *Listener) handshake(c *Conn) {
	defer l.dispatch()
	conn := tls.Server(c, l.tls)
	_ = c.SetDeadline(c.deadline()) // of a connection that is closed it fails as Handshake does
	err := conn.Handshake()
	c.computed()
	if err == nil {
		err = c.SetDeadline(time.Time{})
	}
	l.mu.Lock()
	if err == nil {
		l.count.handshakes.done++
		l.table.move(c, waiting, time.Now())
	} else {
		l.count.handshakes.failed++
	}
	l.mu.Unlock()
	if err != nil {
		l.failures.report(c.RemoteAddr(), err)
		answerHTTP(err)
		conn.Close()
		return
	}
	l.deliver(c, conn)
}

// configFor is asked once the client has said hello.
func (l *Listener) configFor(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	c := hello.Conn.(*Conn)
	c.generation = l.generation() // before the configuration, which may be newer
	if l.config.TLS.GetConfigForClient == nil {
		return nil, nil
	}
	return l.config.TLS.GetConfigForClient(hello)
}

func (l *Listener) generation() int64 {
	if l.config.Generation == nil {
		return 0
	}
	return l.config.Generation()
}

// ConnState is for [http.Server]: it tells what a connection does.
func (l *Listener) ConnState(conn net.Conn, to http.ConnState) {
	switch to {
	case http.StateActive:
		of(conn).move(busy)
	case http.StateIdle:
		of(conn).move(waiting)
	}
}

type contextKey struct{}

// ConnContext is for [http.Server]: it makes [FromContext] work.
func (l *Listener) ConnContext(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, contextKey{}, of(conn))
}

// FromContext returns the connection of a request; nil, whose methods can be
// called, if it came over none.
func FromContext(ctx context.Context) *Conn {
	c, _ := ctx.Value(contextKey{}).(*Conn)
	return c
}

// of finds the connection below TLS.
func of(conn net.Conn) *Conn {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	c, _ := conn.(*Conn)
	return c
}
