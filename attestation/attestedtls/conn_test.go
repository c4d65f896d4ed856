package attestedtls_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/attestedtls"
)

// A connection that waits in the pool is not used again once its document means
// nothing any more: the next request has a new connection and a new document.
func TestConnectionsAreNotReusedAfterFreshUntil(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := enclave(t, w.identity(t))
	c := client(t, w.config(t))
	before, _ := get(t, c, s.url("/"))
	first, _ := attestedtls.FromContext(before.Request.Context())

	w.advance(first.FreshUntil.Sub(w.now()) - time.Second)
	get(t, c, s.url("/"))
	assert.Equal(t, 1, s.connections(), "a second before")

	w.advance(time.Second)
	after, body := get(t, c, s.url("/"))
	assert.Equal(t, "hello ", body)
	second, _ := attestedtls.FromContext(after.Request.Context())
	assert.Equal(t, 2, s.connections())
	assert.True(t, second.FreshUntil.After(first.FreshUntil))
	assert.Equal(t, []string{"GET /", "GET /", "GET /"}, s.requests())
}

func TestConnectionRefusesUseAfterFreshUntil(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := enclave(t, w.identity(t))
	for name, use := range map[string]func(*attestedtls.Conn) (int, error){
		"write": func(c *attestedtls.Conn) (int, error) { return c.Write([]byte("GET /late HTTP/1.1\r\n\r\n")) },
		"read":  func(c *attestedtls.Conn) (int, error) { return c.Read(make([]byte, 1)) },
	} {
		conn, err := dial(t, w.config(t), s.address)
		require.NoError(t, err)
		w.advance(conn.Result().FreshUntil.Sub(w.now()))
		for range 2 {
			n, err := use(conn)
			assert.Zero(t, n, name)
			assert.ErrorIs(t, err, attestedtls.Expired, name)
		}
		conn.Close()
	}
	assert.Empty(t, s.requests())
}

// leafEnd returns when the leaf of the enclave, which is reused, expires.
func leafEnd(t *testing.T, w *world) time.Time {
	blueprint := w.Blueprint(attestationtest.Request{})
	leaf, err := blueprint.Chain[attestationtest.LevelLeaf].X509()
	require.NoError(t, err)
	return leaf.NotAfter
}

// Whoever waits for an answer at FreshUntil gets none.
func TestConnectionIsClosedAtFreshUntil(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity := w.identity(t)
	hang := make(chan struct{})
	defer close(hang)
	mux := greeting(identity)
	mux.HandleFunc("/hang", func(http.ResponseWriter, *http.Request) { <-hang })
	s := serve(t, identity, mux)
	config := w.config(t)
	end := leafEnd(t, w)
	config.Now = func() time.Time { return end.Add(-300 * time.Millisecond) }

	conn, err := dial(t, config, s.address)
	require.NoError(t, err)
	defer conn.Close()
	io.WriteString(conn, "GET /hang HTTP/1.1\r\nHost: enclave\r\n\r\n") // should it be late, Read is too
	n, err := conn.Read(make([]byte, 1))
	assert.Zero(t, n)
	assert.ErrorIs(t, err, attestedtls.Expired)
	_, err = conn.Write([]byte("more"))
	assert.ErrorIs(t, err, attestedtls.Expired, "though the clock stands still")

	_, err = client(t, config).Get(s.url("/hang"))
	assert.ErrorIs(t, err, attestedtls.Expired)
}

// A verifier with another clock than the connection's does not help.
func TestDocumentThatIsExpiredAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := enclave(t, w.identity(t))
	config := w.config(t)
	end := leafEnd(t, w)
	config.Now = func() time.Time { return end }
	_, err := dial(t, config, s.address)
	assert.ErrorIs(t, err, attestedtls.Expired)
	assert.EqualError(t, err, "expired: the document of "+w.Enclave().ModuleID()+" means nothing since "+end.Format(time.RFC3339))
}

func TestConnIsANetConn(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := enclave(t, w.identity(t))
	conn, err := dial(t, w.config(t), s.address)
	require.NoError(t, err)
	assert.Equal(t, s.address, conn.RemoteAddr().String())
	assert.NotEqual(t, s.address, conn.LocalAddr().String())
	past := time.Unix(1, 0)
	require.NoError(t, conn.SetReadDeadline(past))
	_, err = conn.Read(make([]byte, 1))
	assert.ErrorContains(t, err, "timeout")
	require.NoError(t, conn.SetDeadline(time.Time{}))
	require.NoError(t, conn.SetWriteDeadline(past))
	_, err = conn.Write([]byte("GET"))
	assert.ErrorContains(t, err, "timeout")
	conn.Close()
}
