package attestedtls_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"encoding/asn1"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestedtls"
)

func hook(t *testing.T, config attestedtls.Config, address string) *attestedtls.Hook {
	dialer, err := attestedtls.NewDialer(config)
	require.NoError(t, err)
	hook, err := dialer.NewHook(dialer.Fetcher("tcp", address))
	require.NoError(t, err)
	return hook
}

func TestHookWithHTTP2(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := enclave(t, w.identity(t))
	h := hook(t, w.config(t), s.address)
	transport := &http.Transport{TLSClientConfig: h.TLSConfig(), ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	response, body := get(t, &http.Client{Transport: transport}, s.url("/"))
	assert.Equal(t, "hello ", body)
	assert.Equal(t, "HTTP/2.0", response.Proto)
	result, ok := h.Result(*response.TLS)
	require.True(t, ok)
	assert.Equal(t, w.Enclave().ModuleID(), result.Document.ModuleID)

	w.advance(result.FreshUntil.Sub(w.now()))
	_, ok = h.Result(*response.TLS)
	assert.False(t, ok, "the document means nothing any more")
	_, ok = h.Result(tls.ConnectionState{})
	assert.False(t, ok)
}

// Documents come from the enclave, TLS ends elsewhere.
func TestHookRefusesAManInTheMiddle(t *testing.T) {
	t.Parallel()
	w := newWorld()
	genuine := enclave(t, w.identity(t))
	other := enclave(t, w.identity(t))
	h := hook(t, w.config(t), genuine.address)
	_, err := tls.Dial("tcp", other.address, h.TLSConfig())
	assert.ErrorIs(t, err, attestedtls.NotBound)
	conn, err := tls.Dial("tcp", genuine.address, h.TLSConfig())
	require.NoError(t, err)
	defer conn.Close()
	_, ok := h.Result(conn.ConnectionState())
	assert.True(t, ok)
}

func TestHookThatGetsNoDocument(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := enclave(t, w.identity(t))
	dialer, err := attestedtls.NewDialer(w.config(t))
	require.NoError(t, err)
	_, err = dialer.NewHook(nil)
	assert.EqualError(t, err, "attestedtls: NewHook: fetch is nil")

	gone := errors.New("gone")
	h, err := dialer.NewHook(func(context.Context, []byte) ([]byte, error) { return nil, gone })
	require.NoError(t, err)
	_, err = tls.Dial("tcp", s.address, h.TLSConfig())
	assert.ErrorIs(t, err, attestedtls.NoDocument)
	assert.ErrorIs(t, err, gone)

	// The address of the documents is one where nobody is.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l.Close()
	_, err = tls.Dial("tcp", s.address, hook(t, w.config(t), l.Addr().String()).TLSConfig())
	assert.ErrorIs(t, err, attestedtls.NoDocument)
}

// What Config.TLS asks for is asked for too.
func TestHookKeepsOtherChecks(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := enclave(t, w.identity(t))
	config := w.config(t)
	mine := errors.New("mine")
	var verdict atomic.Value
	config.TLS = &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(tls.ConnectionState) error {
		err, _ := verdict.Load().(error)
		return err
	}}
	h := hook(t, config, s.address)
	conn, err := tls.Dial("tcp", s.address, h.TLSConfig())
	require.NoError(t, err)
	conn.Close()
	verdict.Store(mine)
	_, err = tls.Dial("tcp", s.address, h.TLSConfig())
	assert.ErrorIs(t, err, mine)
}

func TestHookRefusesStatesThatProveNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := enclave(t, w.identity(t))
	verify := hook(t, w.config(t), s.address).TLSConfig().VerifyConnection
	err := verify(tls.ConnectionState{DidResume: true})
	assert.ErrorIs(t, err, attestedtls.Handshake)
	assert.ErrorContains(t, err, "found a resumed session")
	assert.ErrorIs(t, verify(tls.ConnectionState{}), attestedtls.NotBound)
}

// A Check of one's own would run before the server has proved that it has the
// key, and could not export keys.
func TestHookTakesNoChecksOfOnesOwn(t *testing.T) {
	t.Parallel()
	w := newWorld()
	config := w.config(t)
	config.Binding = attestedtls.NewBinding(nil, func(tls.ConnectionState, *attestation.Result) error { return nil })
	dialer, err := attestedtls.NewDialer(config)
	require.NoError(t, err)
	h, err := dialer.NewHook(dialer.Fetcher("tcp", "127.0.0.1:1"))
	assert.ErrorContains(t, err, "attestedtls: NewHook: Config.Binding has a Check of your own")
	assert.Nil(t, h)

	config = w.config(t)
	config.WithoutNonce, config.Expect.MaxAge = true, time.Hour
	config.InCertificate = attestedtls.CertificateExtension(asn1.ObjectIdentifier{1, 2})
	dialer, err = attestedtls.NewDialer(config)
	require.NoError(t, err)
	_, err = dialer.NewHook(dialer.Fetcher("tcp", "127.0.0.1:1"))
	assert.ErrorContains(t, err, "Config.InCertificate is for a Dialer")
}

// Somebody who has the certificate, which is public, and not its key.
func TestHookHasNoResultForAPeerWithoutTheKey(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity := w.identity(t)
	genuine := enclave(t, identity)
	wrong, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	stolen := &tls.Certificate{Certificate: [][]byte{identity.Certificate().Raw}, PrivateKey: wrong}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return stolen, nil }})
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			go func() { conn.(*tls.Conn).Handshake(); conn.Close() }()
		}
	}()
	var seen tls.ConnectionState
	config := w.config(t)
	config.TLS = &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(state tls.ConnectionState) error {
		seen = state
		return nil
	}}
	h := hook(t, config, genuine.address)
	_, err = tls.Dial("tcp", l.Addr().String(), h.TLSConfig())
	require.Error(t, err)
	require.Equal(t, identity.Certificate().Raw, seen.PeerCertificates[0].Raw)
	require.False(t, seen.HandshakeComplete)
	_, ok := h.Result(seen)
	assert.False(t, ok, "a handshake that is not over")
}
