package connections_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/connections"
)

var roomy = connections.Limits{Total: 100, PerClient: 50, Handshakes: 8}

func TestHandshakesOfOneClientKeepNobodyOut(t *testing.T) {
	config, client := newTLS(t)
	s := start(t, roomy, config)
	for range 20 {
		s.dial(one) // says nothing
	}
	// A quarter of the places is for one client; the others wait.
	s.await("handshaking", 2)
	s.await("queued", 18)
	requireAnswers(t, s.handshake(other, client))
	stats := s.Stats()
	assert.Equal(t, 1, stats.Handshakes["done"])
	assert.Zero(t, stats.GivenUp["handshakes"])
}

// With all places taken, who has none of them gets the oldest one.
func TestHandshakesMakeRoom(t *testing.T) {
	config, client := newTLS(t)
	s := start(t, roomy, config)
	oldest := s.dial("127.0.0.10")
	s.await("handshaking", 1)
	s.dial("127.0.0.10")
	for _, from := range []string{"127.0.0.11", "127.0.0.12", "127.0.0.13"} {
		s.dial(from)
		s.dial(from)
	}
	s.await("handshaking", 8)
	requireAnswers(t, s.handshake(other, client))
	requireClosed(t, oldest)
	assert.Equal(t, 1, s.Stats().GivenUp["handshakes"])

	// So does who has fewer than others, and who has as many as they have waits.
	s.await("handshaking", 7)
	s.dial("127.0.0.14")
	s.await("handshaking", 8)
	s.dial("127.0.0.14")
	s.awaitStats(func(stats connections.Stats) bool { return stats.GivenUp["handshakes"] == 2 })
	s.dial("127.0.0.14")
	s.await("queued", 1)
	s.await("handshaking", 8)
	assert.Equal(t, 2, s.Stats().GivenUp["handshakes"])
}

func TestWhoWaitsForAPlaceGetsIt(t *testing.T) {
	config, client := newTLS(t)
	s := start(t, connections.Limits{Total: 100, PerClient: 50, Handshakes: 1}, config)
	silent := s.dial(one)
	s.await("handshaking", 1)
	done := make(chan error, 1)
	waiting := tls.Client(s.dial(one), client)
	go func() { done <- waiting.Handshake() }()
	s.await("queued", 1)
	require.NoError(t, silent.Close())
	require.NoError(t, <-done)
	requireAnswers(t, waiting)
}

func TestAHandshakeIsNotLong(t *testing.T) {
	config, _ := newTLS(t)
	s := start(t, roomy, config)
	conn := s.dial(one)
	const record = 16 << 10
	hello := append([]byte{1, 0, 0xff, 0xf0}, make([]byte, record-4)...)
	for range 2 {
		_, err := conn.Write(append([]byte{22, 3, 1, record >> 8, record & 0xff}, hello...))
		require.NoError(t, err)
	}
	requireClosed(t, conn)
	assert.Equal(t, 1, s.Stats().Handshakes["failed"])
	assert.Contains(t, s.log.String(), "the handshake is longer than 32 KiB")
}

func TestHandshakesThatFail(t *testing.T) {
	config, client := newTLS(t)
	s := start(t, roomy, config)
	anonymous := client.Clone()
	anonymous.Certificates = nil
	for range 20 {
		conn := tls.Client(s.dial(one), anonymous)
		require.NoError(t, conn.Handshake()) // a client of TLS 1.3 learns of it later
		requireClosed(t, conn)
	}
	s.awaitStats(func(stats connections.Stats) bool { return stats.Handshakes["failed"] == 20 })
	assert.Zero(t, s.Stats().States["waiting"]) // package http has seen none of them
	// Anybody can make them fail, so the log does not grow with them.
	assert.LessOrEqual(t, strings.Count(s.log.String(), "TLS handshake failed"), 3)
	assert.Contains(t, s.log.String(), "client didn't provide a certificate")
	requireAnswers(t, s.handshake(one, client))
}

func TestASilentHandshakeTimesOut(t *testing.T) {
	config, _ := newTLS(t)
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := newListener(raw, config, time.Millisecond)
	defer l.Close()
	conn, err := net.Dial("tcp", raw.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	requireClosed(t, conn)
}

func TestClosingEndsHandshakes(t *testing.T) {
	config, _ := newTLS(t)
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := newListener(raw, config, time.Hour)
	conns := make([]net.Conn, 8)
	for i := range conns {
		conns[i], err = net.Dial("tcp", raw.Addr().String())
		require.NoError(t, err)
		defer conns[i].Close()
	}
	for l.Stats().States["queued"]+l.Stats().States["handshaking"] < len(conns) {
		time.Sleep(time.Millisecond)
	}
	require.NoError(t, l.Close())
	require.ErrorIs(t, l.Close(), net.ErrClosed)
	for _, conn := range conns {
		requireClosed(t, conn)
	}
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestWhoSpeaksHTTPIsTold(t *testing.T) {
	config, _ := newTLS(t)
	s := start(t, roomy, config)
	response, err := http.Get("http://" + s.Addr().String() + "/")
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, 400, response.StatusCode)
	assert.Equal(t, "This server speaks HTTPS.\n", string(body))
}

// Many handshakes at a time get through, although few of them compute at a time.
func TestManyHandshakes(t *testing.T) {
	config, client := newTLS(t)
	s := start(t, connections.Limits{Total: 100, PerClient: 100, Handshakes: 40}, config)
	done := make(chan error)
	for range 60 {
		conn := tls.Client(s.dial(one), client)
		go func() { done <- conn.Handshake() }()
	}
	for range 60 {
		require.NoError(t, <-done)
	}
	s.awaitStats(func(stats connections.Stats) bool { return stats.Handshakes["done"] == 60 })
}

// No more handshakes compute at a time than there are cores, also those that had to
// say hello twice.
func TestHandshakesThatComputeAreBounded(t *testing.T) {
	config, client := newTLS(t)
	retried := client.Clone()
	config.CurvePreferences = []tls.CurveID{tls.CurveP384}
	retried.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP384}
	for name, client := range map[string]*tls.Config{"once": client, "twice": retried} {
		t.Run(name, func(t *testing.T) {
			var computing, most atomic.Int64
			work := func() {
				now := computing.Add(1)
				defer computing.Add(-1)
				for {
					before := most.Load()
					if now <= before || most.CompareAndSwap(before, now) {
						break
					}
				}
				time.Sleep(5 * time.Millisecond)
			}
			busy := config.Clone()
			busy.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { // after a retry
				work()
				return &config.Certificates[0], nil
			}
			busy.Certificates = nil
			busy.VerifyConnection = func(tls.ConnectionState) error { // of the client's certificate
				work()
				return nil
			}
			s := start(t, connections.Limits{Total: 100, PerClient: 100, Handshakes: 100}, busy)
			done := make(chan error)
			for range 8 * runtime.GOMAXPROCS(0) {
				conn := tls.Client(s.dial(one), client)
				go func() { done <- conn.Handshake() }()
			}
			for range 8 * runtime.GOMAXPROCS(0) {
				require.NoError(t, <-done)
			}
			s.awaitStats(func(stats connections.Stats) bool {
				return stats.Handshakes["done"] == 8*runtime.GOMAXPROCS(0)
			})
			assert.LessOrEqual(t, int(most.Load()), runtime.GOMAXPROCS(0))
			assert.NotZero(t, most.Load())
		})
	}
}

func newListener(raw net.Listener, config *tls.Config, timeout time.Duration) *connections.Listener {
	return connections.New(raw, connections.Config{Limits: roomy, TLS: config, HandshakeTimeout: timeout, Logger: discard})
}
