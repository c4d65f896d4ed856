package connections_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/connections"
)

// server answers every request with "ok", those of /wait once they are let go.
type server struct {
	t *testing.T
	*connections.Listener
	log     *safeBuffer
	begun   chan string // gets the path of each request
	waiting chan struct{}
}

type safeBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func start(t *testing.T, limits connections.Limits, config *tls.Config) *server {
	t.Helper()
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &server{t: t, log: &safeBuffer{}, begun: make(chan string, 1000), waiting: make(chan struct{})}
	s.Listener = connections.New(raw, connections.Config{Limits: limits, TLS: config, HandshakeTimeout: time.Minute,
		Logger: slog.New(slog.NewTextHandler(s.log, nil))})
	httpServer := &http.Server{ConnState: s.ConnState, ConnContext: s.ConnContext, Handler: http.HandlerFunc(s.answer)}
	served := make(chan error, 1)
	go func() { served <- httpServer.Serve(s.Listener) }()
	t.Cleanup(func() {
		require.NoError(t, httpServer.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
	return s
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	c := connections.FromContext(r.Context())
	s.begun <- r.URL.Path
	switch r.URL.Path {
	case "/wait":
		<-s.waiting
	case "/read":
		c.Reading()
		_, _ = io.Copy(io.Discard, r.Body)
		c.Answering()
	case "/much":
		for range 1000 {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}
	_, _ = io.WriteString(w, "ok")
}

// dial connects from an address on loopback, of which only Linux has more than
// one.
func (s *server) dial(from string) net.Conn {
	s.t.Helper()
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).Dial("tcp", s.Addr().String())
	if err != nil && strings.Contains(err.Error(), "assign requested address") {
		s.t.Skipf("SKIPPED: there is no %s here", from)
	}
	require.NoError(s.t, err)
	s.t.Cleanup(func() { conn.Close() })
	return conn
}

func send(t *testing.T, conn net.Conn, path string) {
	t.Helper()
	_, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: h\r\n\r\n")
	require.NoError(t, err)
}

func requireOK(t *testing.T, conn net.Conn) {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, response.Body)
	require.NoError(t, err)
	require.Equal(t, 200, response.StatusCode)
}

// idle makes a connection that has had an answer.
func (s *server) idle(from string) net.Conn {
	s.t.Helper()
	conn := s.dial(from)
	send(s.t, conn, "/")
	require.Equal(s.t, "/", <-s.begun)
	requireOK(s.t, conn)
	return conn
}

// await returns once as many connections are in a state.
func (s *server) await(state string, n int) {
	s.awaitStats(func(stats connections.Stats) bool { return stats.States[state] == n })
}

func (s *server) awaitStats(enough func(connections.Stats) bool) {
	for !enough(s.Stats()) {
		time.Sleep(time.Millisecond)
	}
}

// requireRefused shows that a new connection is closed at once, maybe before it is
// known to be there.
func (s *server) requireRefused(from string) {
	s.t.Helper()
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).Dial("tcp", s.Addr().String())
	if err == nil {
		defer conn.Close()
		requireClosed(s.t, conn)
	}
}

// requireClosed waits until the other side has closed a connection.
func requireClosed(t *testing.T, conn net.Conn) {
	t.Helper()
	_, err := io.Copy(io.Discard, conn)
	_ = err // it may come as a reset
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
}

// requireAnswers shows that a connection is there and works.
func requireAnswers(t *testing.T, conns ...net.Conn) {
	t.Helper()
	for _, conn := range conns {
		send(t, conn, "/")
		requireOK(t, conn)
	}
}

// newTLS makes a server's configuration that asks clients for a certificate, and
// a client's that has one.
func newTLS(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	both := []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
	return &tls.Config{Certificates: both, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert},
		&tls.Config{RootCAs: pool, Certificates: both, ServerName: "127.0.0.1"}
}

// handshake returns the connection of a client that has a certificate.
func (s *server) handshake(from string, config *tls.Config) net.Conn {
	s.t.Helper()
	conn := tls.Client(s.dial(from), config)
	require.NoError(s.t, conn.HandshakeContext(context.Background()))
	return conn
}
