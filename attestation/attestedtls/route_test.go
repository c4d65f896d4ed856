package attestedtls_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/attestedtls"
)

// proxy makes tunnels to one address for whoever has the credential, and remembers
// what it was asked.
func proxy(t *testing.T, target string) (address string, asked chan string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	asked = make(chan string, 16)
	tunnel := func(conn net.Conn) {
		defer conn.Close()
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		asked <- request.Method + " " + request.RequestURI + " " + request.Header.Get("Proxy-Authorization")
		onward, err := net.Dial("tcp", target)
		if err != nil {
			return
		}
		defer onward.Close()
		io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { io.Copy(onward, conn); onward.Close() }()
		io.Copy(conn, onward)
	}
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			go tunnel(conn)
		}
	}()
	return l.Addr().String(), asked
}

func TestProxies(t *testing.T) {
	w := newWorld()
	s := enclave(t, w.identity(t))
	address, asked := proxy(t, s.address)
	t.Setenv("HTTPS_PROXY", "http://user:secret@"+address)
	config := w.config(t)
	config.Proxy = http.ProxyFromEnvironment
	_, body := get(t, client(t, config), "https://enclave.example/")
	assert.Equal(t, "hello ", body)
	assert.Equal(t, "CONNECT enclave.example:443 Basic dXNlcjpzZWNyZXQ=", <-asked)

	// What the proxy does to TLS is noticed: here it leads elsewhere.
	other := enclave(t, newWorld().identity(t))
	wrong, _ := proxy(t, other.address)
	config.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: wrong})
	_, err := client(t, config).Get("https://enclave.example/")
	assert.ErrorIs(t, err, attestedtls.Refused)
	assert.Empty(t, other.requests())
}

func TestProxiesThatMakeNoTunnel(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for answer, text := range map[string]string{
		"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n": "proxy: found status 407, expected 200",
		"HTTP/1.1 200 OK\r\n\r\nSSH-2.0":                                          "proxy: found 7 bytes after its answer",
		"evil\r\n\r\n":                                                            "proxy: reading its answer: found a malformed HTTP response",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 17<<10):                    "proxy: reading its answer",
		"": "proxy: reading its answer: ",
	} {
		config := w.config(t)
		config.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.invalid"})
		config.Dial = func(_ context.Context, _, address string) (net.Conn, error) {
			assert.Equal(t, "proxy.invalid:80", address)
			near, far := net.Pipe()
			go func() {
				http.ReadRequest(bufio.NewReader(far))
				io.WriteString(far, answer)
				far.Close()
			}()
			return near, nil
		}
		_, err := dial(t, config, "enclave.example:443")
		assert.ErrorIs(t, err, attestedtls.Proxy)
		assert.ErrorContains(t, err, text)
		assert.NotContains(t, err.Error(), "evil")
	}
	config := w.config(t)
	config.Proxy = http.ProxyURL(&url.URL{Scheme: "socks5", Host: "proxy.invalid"})
	_, err := dial(t, config, "enclave.example:443")
	assert.ErrorContains(t, err, `proxy: found a proxy of scheme "socks5", expected http`)
	gone := errors.New("gone")
	config.Proxy = func(*http.Request) (*url.URL, error) { return nil, gone }
	_, err = dial(t, config, "enclave.example:443")
	assert.ErrorIs(t, err, attestedtls.Proxy)
	assert.ErrorIs(t, err, gone)

	// Silence ends with the context.
	ctx, cancel := context.WithCancel(t.Context())
	config.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.invalid"})
	config.Dial = func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() { http.ReadRequest(bufio.NewReader(far)); cancel() }()
		return near, nil
	}
	dialer, err := attestedtls.NewDialer(config)
	require.NoError(t, err)
	_, err = dialer.DialContext(ctx, "tcp", "enclave.example:443")
	assert.ErrorIs(t, err, attestedtls.Proxy)
	assert.ErrorIs(t, err, context.Canceled)
}

// A server of net/http/httptest takes the identity, with and without a name.
func TestHTTPTestServer(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity := w.identity(t)
	server := httptest.NewUnstartedServer(greeting(identity))
	identity.Configure(server.Config)
	server.TLS = identity.TLSConfig()
	server.StartTLS()
	defer server.Close()
	_, body := get(t, client(t, w.config(t)), server.URL)
	assert.Equal(t, "hello ", body)
	config := w.config(t)
	config.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	_, body = get(t, client(t, config), "https://enclave.example/")
	assert.Equal(t, "hello ", body)

	// One that was started with a certificate of its own is refused.
	plain := httptest.NewUnstartedServer(greeting(identity))
	identity.Configure(plain.Config)
	plain.StartTLS()
	defer plain.Close()
	_, err := client(t, w.config(t)).Get(plain.URL)
	assert.ErrorIs(t, err, attestedtls.NotBound)
}

// balancer is an address behind which the enclave changes.
func balancer(config *attestedtls.Config, current *string) {
	config.HTTP.DisableKeepAlives = true
	config.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, *current)
	}
}

func TestStayingWithOneEnclave(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity := w.identity(t)
	first := enclave(t, identity)
	image := w.Enclave().Image()
	another := w.Enclave().Instance().NewEnclave(attestationtest.WithImage(image.PCRs))
	require.Equal(t, image.PCRs[0], another.Image().PCRs[0])
	elsewhere, err := attestedtls.NewIdentity(attestedtls.IdentityConfig{Attester: another.NSM(), Binding: attestedtls.CertificateHash()})
	require.NoError(t, err)
	second := enclave(t, elsewhere)

	for name, c := range map[string]struct {
		onChange             func(attestedtls.Change) error
		refusesKey, refuseID bool
	}{
		"any":    {nil, false, false},
		"module": {attestedtls.StayWithModule, false, true},
		"key":    {attestedtls.StayWithKey, true, true},
	} {
		current := first.address
		config := w.config(t)
		balancer(&config, &current)
		config.OnChange = c.onChange
		h := client(t, config)
		ask := func() error {
			response, err := h.Get("https://enclave.example/")
			if err == nil {
				response.Body.Close()
			}
			return err
		}
		require.NoError(t, ask(), name)
		require.NoError(t, ask(), name)
		require.NoError(t, identity.Rotate())
		err := ask()
		assert.Equal(t, c.refusesKey, errors.Is(err, attestedtls.Changed), "%s: %v", name, err)
		current = second.address
		err = ask()
		assert.Equal(t, c.refuseID, errors.Is(err, attestedtls.Changed), "%s: %v", name, err)
		if !c.refusesKey { // what was refused is not remembered
			current = first.address
			assert.NoError(t, ask(), name)
		}
	}
}

// One that only wants to know, and one that refuses with an error of its own.
func TestOnChange(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity := w.identity(t)
	s := enclave(t, identity)
	config := w.config(t)
	var changes []attestedtls.Change
	var verdict error
	config.OnChange = func(change attestedtls.Change) error {
		changes = append(changes, change)
		return verdict
	}
	dialer, err := attestedtls.NewDialer(config)
	require.NoError(t, err)
	connect := func() error {
		conn, err := dialer.DialContext(t.Context(), "tcp", s.address)
		if err == nil {
			conn.Close()
		}
		return err
	}
	require.NoError(t, connect())
	require.NoError(t, connect())
	assert.Empty(t, changes)
	require.NoError(t, identity.Rotate())
	require.NoError(t, connect())
	require.Len(t, changes, 1)
	assert.Equal(t, s.address, changes[0].Address)
	assert.True(t, changes[0].Key)
	assert.False(t, changes[0].Module)
	assert.NotSame(t, changes[0].Before, changes[0].After)
	require.NoError(t, connect())
	assert.Len(t, changes, 1, "told once")
	require.NoError(t, identity.Rotate())
	verdict = fmt.Errorf("not in the middle of a session")
	err = connect()
	assert.ErrorIs(t, err, attestedtls.Changed)
	assert.ErrorIs(t, err, verdict)
}
