package connections_test

import (
	"errors"
	"log/slog"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/connections"
)

var discard = slog.New(slog.DiscardHandler)

// scripted is a listener whose connections come from any address.
type scripted struct {
	conns  chan net.Conn
	errs   chan error
	closed chan struct{}
}

type scriptedConn struct {
	net.Conn
	from net.Addr
}

func (c scriptedConn) RemoteAddr() net.Addr { return c.from }

func (l *scripted) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case err := <-l.errs:
		return nil, err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *scripted) Close() error   { close(l.closed); return nil }
func (l *scripted) Addr() net.Addr { return &net.TCPAddr{} }

func startScripted(t *testing.T) (*scripted, *connections.Listener) {
	t.Helper()
	raw := &scripted{make(chan net.Conn), make(chan error), make(chan struct{})}
	l := connections.New(raw, connections.Config{Limits: roomy, Logger: discard})
	t.Cleanup(func() { l.Close() })
	return raw, l
}

func TestWhoIsOneClient(t *testing.T) {
	for name, c := range map[string]struct {
		from   net.Addr
		client string
	}{
		"IPv4":              {&net.TCPAddr{IP: net.ParseIP("192.0.2.7"), Port: 1}, "192.0.2.7/32"},
		"IPv4 within IPv6":  {&net.TCPAddr{IP: net.ParseIP("::ffff:192.0.2.7"), Port: 2}, "192.0.2.7/32"},
		"IPv6":              {&net.TCPAddr{IP: net.ParseIP("2001:db8:1:2:3:4:5:6"), Port: 3}, "2001:db8:1:2::/64"},
		"IPv6 of a link":    {&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0", Port: 4}, "fe80::/64"},
		"a socket in files": {&net.UnixAddr{Name: "@"}, "invalid Prefix"},
	} {
		t.Run(name, func(t *testing.T) {
			raw, l := startScripted(t)
			near, far := net.Pipe()
			defer far.Close()
			raw.conns <- scriptedConn{near, c.from}
			conn, err := l.Accept()
			require.NoError(t, err)
			defer conn.Close()
			assert.Equal(t, c.client, conn.(*connections.Conn).Client().String())
		})
	}
}

type passing struct{ error }

func (passing) Temporary() bool { return true }

func TestErrorsOfTheSystem(t *testing.T) {
	raw, l := startScripted(t)
	raw.errs <- passing{errors.New("too many open files")}
	near, far := net.Pipe()
	defer far.Close()
	raw.conns <- scriptedConn{near, &net.TCPAddr{}}
	conn, err := l.Accept()
	require.NoError(t, err)
	conn.Close()
	broken := errors.New("broken")
	raw.errs <- broken
	_, err = l.Accept()
	require.ErrorIs(t, err, broken)
}

func TestAConnectionThatIsNone(t *testing.T) {
	c := connections.FromContext(t.Context())
	assert.Nil(t, c)
	assert.False(t, c.Client().IsValid())
	c.Reading()
	c.Answering()
}
