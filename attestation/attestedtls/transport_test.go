package attestedtls_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestedtls"
)

func TestTransportTalksToTheEnclave(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := enclave(t, w.identity(t))
	c := client(t, w.config(t))

	response, body := get(t, c, s.url("/one?a=b"))
	assert.Equal(t, "hello ", body)
	result, ok := attestedtls.FromContext(response.Request.Context())
	require.True(t, ok)
	assert.True(t, result.Verified())
	assert.Equal(t, w.Enclave().Image(), result.Image)
	assert.Len(t, result.Document.Nonce, attestedtls.DefaultNonceSize)
	require.NotNil(t, response.TLS)
	userData, _ := attestedtls.CertificateHash().Claim(response.TLS.PeerCertificates[0])
	assert.Equal(t, userData, result.Document.UserData)

	again, body := get(t, c, s.url("/two"))
	assert.Equal(t, "hello ", body)
	second, _ := attestedtls.FromContext(again.Request.Context())
	assert.Same(t, result, second, "the connection is used again")
	assert.Equal(t, 1, s.connections())
	assert.Equal(t, []string{"GET /one?a=b", "GET /two"}, s.requests())
}

func TestEveryConnectionHasItsOwnNonce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := enclave(t, w.identity(t))
	config := w.config(t)
	config.HTTP.DisableKeepAlives = true
	c := client(t, config)
	nonces := make(map[string]bool)
	for range 3 {
		response, _ := get(t, c, s.url("/"))
		result, _ := attestedtls.FromContext(response.Request.Context())
		nonces[string(result.Document.Nonce)] = true
	}
	assert.Len(t, nonces, 3)
	assert.Equal(t, 3, s.connections())
}

func TestTransportSendsBodies(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := enclave(t, w.identity(t))
	response, err := client(t, w.config(t)).Post(s.url("/"), "text/plain", strings.NewReader("secret"))
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, "hello secret", string(body))
}

func TestParallelRequests(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := enclave(t, w.identity(t))
	c := client(t, w.config(t))
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			response, err := c.Get(s.url("/"))
			if !assert.NoError(t, err) {
				return
			}
			defer response.Body.Close()
			result, ok := attestedtls.FromContext(response.Request.Context())
			assert.True(t, ok)
			assert.Equal(t, w.Enclave().ModuleID(), result.Document.ModuleID)
		})
	}
	group.Wait()
	assert.Len(t, s.requests(), 16)
}

// The result can be looked at before the request is written, by the hook of
// net/http that is there for it.
func TestResultBeforeTheRequest(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := enclave(t, w.identity(t))
	var module string
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			module = info.Conn.(*attestedtls.Conn).Result().Document.ModuleID
		},
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url("/"), nil)
	require.NoError(t, err)
	response, err := client(t, w.config(t)).Do(request)
	require.NoError(t, err)
	response.Body.Close()
	assert.Equal(t, w.Enclave().ModuleID(), module)
}

// closer remembers that it was closed.
type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error {
	c.closed = true
	return nil
}

func TestPlainRequestsAreRefused(t *testing.T) {
	t.Parallel()
	transport, err := attestedtls.NewTransport(newWorld().config(t))
	require.NoError(t, err)
	body := &closer{Reader: strings.NewReader("secret")}
	request, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:1/", body)
	require.NoError(t, err)
	_, err = transport.RoundTrip(request)
	assert.ErrorIs(t, err, attestedtls.NotTLS)
	assert.True(t, body.closed)
	_, err = transport.RoundTrip(&http.Request{})
	assert.ErrorIs(t, err, attestedtls.NotTLS)
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	w := newWorld()
	other := newWorld()
	second := enclave(t, w.identity(t))
	foreign := enclave(t, other.identity(t))
	for _, c := range []struct {
		name, location string
		want           error
	}{
		{"to an enclave of the policy", second.url("/there"), nil},
		{"to another one", foreign.url("/there"), attestedtls.Refused},
		{"to no TLS", "http://" + second.address + "/there", attestedtls.NotTLS},
	} {
		identity := w.identity(t)
		mux := greeting(identity)
		mux.Handle("/redirect", http.RedirectHandler(c.location, http.StatusFound))
		s := serve(t, identity, mux)
		response, err := client(t, w.config(t)).Get(s.url("/redirect"))
		assert.ErrorIs(t, err, c.want, c.name)
		if err == nil {
			response.Body.Close()
		}
	}
	assert.Equal(t, []string{"GET /there"}, second.requests())
	assert.Empty(t, foreign.requests())
}

// A proxy that Transport would give the connection to is not asked.
func TestProxiesOfTheEnvironmentAreNotUsed(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("ALL_PROXY", "http://127.0.0.1:1")
	w := newWorld()
	s := enclave(t, w.identity(t))
	_, body := get(t, client(t, w.config(t)), s.url("/"))
	assert.Equal(t, "hello ", body)
}

func TestRequestContextIsPassedOn(t *testing.T) {
	t.Parallel()
	_, ok := attestedtls.FromContext(context.Background())
	assert.False(t, ok)
	type key struct{}
	w := newWorld()
	s := enclave(t, w.identity(t))
	ctx := context.WithValue(context.Background(), key{}, "mine")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url("/"), nil)
	require.NoError(t, err)
	response, err := client(t, w.config(t)).Do(request)
	require.NoError(t, err)
	response.Body.Close()
	assert.Equal(t, "mine", response.Request.Context().Value(key{}))
}
