package attestedtls_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/attestedtls"
	"github.com/nitroattest/nitroattest/pcr"
)

// world is a simulated hypervisor, whose enclave is the one to trust, and a
// clock.
type world struct {
	*attestationtest.Hypervisor
	mu   sync.Mutex
	time time.Time
}

func newWorld(config ...attestationtest.Option) *world {
	w := &world{time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	w.Hypervisor = attestationtest.NewHypervisor(append(config, attestationtest.WithClock(w.now))...)
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

func (w *world) config(t testing.TB) attestedtls.Config {
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{w.Enclave().Image()}},
		Roots:  w.Roots(),
		Now:    w.now,
	})
	require.NoError(t, err)
	return attestedtls.Config{Verifier: verifier, Now: w.now, Binding: attestedtls.CertificateHash()}
}

func (w *world) identity(t testing.TB) *attestedtls.Identity {
	identity, err := attestedtls.NewIdentity(attestedtls.IdentityConfig{Binding: attestedtls.CertificateHash(), Attester: w.Enclave().NSM()})
	require.NoError(t, err)
	return identity
}

// server is an HTTPS server on the loopback that counts its connections and
// remembers the requests that reached it.
type server struct {
	address string
	mu      sync.Mutex
	heard   []string
	conns   int
}

func (s *server) url(path string) string { return "https://" + s.address + path }

// requests returns method and URL of all requests but those for documents.
func (s *server) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard
}

func (s *server) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// serve starts a server with a certificate of the identity.
func serve(t testing.TB, identity *attestedtls.Identity, handler http.Handler) *server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &server{address: l.Addr().String()}
	configured := &http.Server{
		ErrorLog: log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.conns++
			return ctx
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != attestedtls.DefaultPath {
				s.mu.Lock()
				s.heard = append(s.heard, r.Method+" "+r.URL.String())
				s.mu.Unlock()
			}
			handler.ServeHTTP(w, r)
		}),
	}
	identity.Configure(configured)
	go configured.ServeTLS(l, "", "")
	t.Cleanup(func() { configured.Close() })
	return s
}

// enclave is a server with documents at DefaultPath and a greeting elsewhere.
func enclave(t testing.TB, identity *attestedtls.Identity) *server {
	return serve(t, identity, greeting(identity))
}

func greeting(documents http.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle(attestedtls.DefaultPath, documents)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		io.WriteString(w, "hello "+string(body))
	})
	return mux
}

// script is a TLS server on which every connection, after one request was read,
// is up to a function. The channel has, for each connection that has ended,
// what came after that request.
func script(t testing.TB, identity *attestedtls.Identity, answer func(conn net.Conn, request *http.Request)) (address string, more chan string) {
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: identity.GetCertificate})
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	more = make(chan string, 16)
	converse := func(conn net.Conn) {
		defer conn.Close()
		buffered := bufio.NewReader(conn)
		request, err := http.ReadRequest(buffered)
		if err != nil {
			return // the client does not like the handshake
		}
		answer(conn, request)
		rest, _ := io.ReadAll(buffered)
		more <- string(rest)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go converse(conn)
		}
	}()
	return l.Addr().String(), more
}

// ok writes a response of status 200.
func ok(conn net.Conn, body []byte) {
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func client(t testing.TB, config attestedtls.Config) *http.Client {
	transport, err := attestedtls.NewTransport(config)
	require.NoError(t, err)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func dial(t testing.TB, config attestedtls.Config, address string) (*attestedtls.Conn, error) {
	dialer, err := attestedtls.NewDialer(config)
	require.NoError(t, err)
	return dialer.DialContext(context.Background(), "tcp", address)
}

// get returns the body of a response that has to come.
func get(t testing.TB, c *http.Client, url string) (*http.Response, string) {
	response, err := c.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(body)
}

// attesterFunc is an Attester.
type attesterFunc func(userData, nonce, publicKey []byte) ([]byte, error)

func (f attesterFunc) Attest(userData, nonce, publicKey []byte) ([]byte, error) {
	return f(userData, nonce, publicKey)
}

func identityOf(t testing.TB, attest attesterFunc) *attestedtls.Identity {
	identity, err := attestedtls.NewIdentity(attestedtls.IdentityConfig{Binding: attestedtls.CertificateHash(), Attester: attest})
	require.NoError(t, err)
	return identity
}
