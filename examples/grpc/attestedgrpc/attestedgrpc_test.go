package attestedgrpc_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/attestedtls"
	"github.com/nitroattest/nitroattest/examples/grpc/attestedgrpc"
	"github.com/nitroattest/nitroattest/pcr"
)

// service counts what it was asked.
type service struct {
	grpc_health_v1.UnimplementedHealthServer
	asked atomic.Int32
}

func (s *service) Check(context.Context, *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	s.asked.Add(1)
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

func serve(t *testing.T, attester attestedtls.Attester) (*service, string) {
	credentials, err := attestedgrpc.NewServer(attester)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server, s := grpc.NewServer(grpc.Creds(credentials)), new(service)
	grpc_health_v1.RegisterHealthServer(server, s)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return s, listener.Addr().String()
}

// caller is a client of one server, with what it was told of refusals.
type caller struct {
	conn    *grpc.ClientConn
	mu      sync.Mutex
	refused error
}

func call(t *testing.T, config attestedtls.Config, address string) *caller {
	c := new(caller)
	credentials, err := attestedgrpc.NewClient(attestedgrpc.ClientConfig{Attested: config, OnRefusal: func(err error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.refused = err
	}})
	require.NoError(t, err)
	c.conn, err = grpc.NewClient(address, grpc.WithTransportCredentials(credentials))
	require.NoError(t, err)
	t.Cleanup(func() { c.conn.Close() })
	return c
}

func (c *caller) check(t *testing.T) (attestedgrpc.AuthInfo, error) {
	var p peer.Peer
	_, err := grpc_health_v1.NewHealthClient(c.conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}, grpc.Peer(&p))
	if err != nil {
		return attestedgrpc.AuthInfo{}, err
	}
	info, ok := p.AuthInfo.(attestedgrpc.AuthInfo)
	require.True(t, ok)
	return info, nil
}

// world is a hypervisor with a clock, and a verifier that trusts its first
// enclave.
func world(t *testing.T) (*attestationtest.Hypervisor, attestedtls.Config, *atomic.Int64) {
	ahead := new(atomic.Int64)
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	h := attestationtest.NewHypervisor(attestationtest.WithClock(now))
	verifier, err := attestation.NewVerifier(attestation.Config{Policy: pcr.Policy{Images: []pcr.Image{h.Enclave().Image()}}, Roots: h.Roots(), Now: now})
	require.NoError(t, err)
	return h, attestedtls.Config{Verifier: verifier, Now: now}, ahead
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	h, config, _ := world(t)
	s, address := serve(t, h.Enclave().NSM())
	c := call(t, config, address)
	for range 3 {
		info, err := c.check(t)
		require.NoError(t, err)
		assert.Equal(t, "attested-tls", info.AuthType())
		assert.Equal(t, credentials.PrivacyAndIntegrity, info.SecurityLevel)
		assert.Equal(t, h.Enclave().ModuleID(), info.Result.Document.ModuleID)
	}
	assert.EqualValues(t, 3, s.asked.Load())
}

// attester makes documents in another way than an enclave does.
type attester func(userData, nonce, publicKey []byte) ([]byte, error)

func (f attester) Attest(userData, nonce, publicKey []byte) ([]byte, error) {
	return f(userData, nonce, publicKey)
}

// What is refused is refused before the server hears of any method.
func TestRefused(t *testing.T) {
	t.Parallel()
	h, config, _ := world(t)
	genuine := h.Enclave().NSM()
	var once sync.Once
	var first []byte
	for name, test := range map[string]struct {
		attester attestedtls.Attester
		reason   error
	}{
		"wrong image":      {h.Enclave().Instance().NewEnclave().NSM(), attestation.MeasurementMismatch},
		"debug mode":       {h.Enclave().Instance().NewEnclave(attestationtest.WithDebugMode()).NSM(), attestation.DebugMode},
		"other hypervisor": {attestationtest.NewHypervisor().Enclave().NSM(), attestation.UntrustedRoot},
		"replayed document": {attester(func(userData, nonce, publicKey []byte) (document []byte, err error) {
			// The nonce of a client that asked before, with the same certificate.
			once.Do(func() { first, err = genuine.Attest(userData, []byte("the nonce of somebody else"), publicKey) })
			return first, err
		}), attestation.NonceMismatch},
		"man in the middle": {attester(func(_, nonce, publicKey []byte) ([]byte, error) {
			// The genuine document for the client's nonce names the certificate of the
			// enclave and not the one that this server has the key of.
			other, err := attestedtls.NewCertificate(attestedtls.CertificateConfig{})
			if err != nil {
				return nil, err
			}
			userData, _ := attestedtls.Binding{}.Claim(other.Leaf)
			return genuine.Attest(userData, nonce, publicKey)
		}), attestedtls.NotBound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, address := serve(t, test.attester)
			c := call(t, config, address)
			_, err := c.check(t)
			assert.Equal(t, codes.Unavailable, status.Code(err))
			c.mu.Lock()
			defer c.mu.Unlock()
			assert.ErrorIs(t, c.refused, test.reason)
			assert.ErrorContains(t, err, test.reason.Error())
			assert.Zero(t, s.asked.Load())
		})
	}
}

// A connection ends with its document, and the next call makes a new one with a
// new document.
func TestConnectionEndsWithItsDocument(t *testing.T) {
	t.Parallel()
	h, config, ahead := world(t)
	_, address := serve(t, h.Enclave().NSM())
	c := call(t, config, address)
	before, err := c.check(t)
	require.NoError(t, err)
	ahead.Store(int64(time.Until(before.Result.FreshUntil)) + int64(time.Second))
	var after attestedgrpc.AuthInfo
	for { // the call that meets the end of the connection fails or is made again
		if after, err = c.check(t); err == nil {
			break
		}
		assert.Equal(t, codes.Unavailable, status.Code(err))
	}
	assert.True(t, after.Result.Document.Timestamp.After(before.Result.Document.Timestamp))
}

// A client that does not ask for a document, or goes on without it, gets no
// further.
func TestServerAnswersOneRequestForADocument(t *testing.T) {
	t.Parallel()
	h, _, _ := world(t)
	s, address := serve(t, h.Enclave().NSM())
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	const good = "GET " + attestedtls.DefaultPath + "?nonce=00112233445566778899aabbccddeeff HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, test := range map[string]struct {
		text   string
		status int // 0: none
	}{
		"HTTP/2 at once":      {preface, 0},
		"document and HTTP/2": {good + preface, 0},
		"another path":        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", http.StatusNotFound},
		"no nonce":            {"GET " + attestedtls.DefaultPath + " HTTP/1.1\r\nHost: x\r\n\r\n", http.StatusBadRequest},
		"a body":              {"GET " + attestedtls.DefaultPath + "?nonce=0011223344556677 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", 0},
		"another method":      {"POST " + attestedtls.DefaultPath + "?nonce=0011223344556677 HTTP/1.1\r\nHost: x\r\n\r\n", http.StatusMethodNotAllowed},
		"garbage":             {"\x00\x01\x02\r\n\r\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
			require.NoError(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, test.text)
			require.NoError(t, err)
			reader := bufio.NewReader(conn)
			if test.status != 0 {
				response, err := http.ReadResponse(reader, nil)
				require.NoError(t, err)
				io.Copy(io.Discard, response.Body)
				assert.Equal(t, test.status, response.StatusCode)
			}
			rest, _ := io.ReadAll(reader) // a reset is an end, too
			assert.Empty(t, rest)
		})
	}
	assert.Zero(t, s.asked.Load())
}

func TestConfigurationsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	_, config, _ := world(t)
	for text, edit := range map[string]func(*attestedtls.Config){
		"attestedgrpc: ClientConfig.Attested: attestedtls: Config.Verifier: nil: without one, every server would be trusted": func(c *attestedtls.Config) { c.Verifier = nil },
		"attestedgrpc: ClientConfig.Attested.Dial or Proxy: set, expected nil: gRPC makes the connections": func(c *attestedtls.Config) {
			c.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
		},
		"attestedgrpc: ClientConfig.Attested.InCertificate, Ask or Path: set, expected the exchange of this package": func(c *attestedtls.Config) { c.Path = "/other" },
	} {
		changed := config
		edit(&changed)
		_, err := attestedgrpc.NewClient(attestedgrpc.ClientConfig{Attested: changed})
		assert.EqualError(t, err, text)
	}
	_, err := attestedgrpc.NewServer(nil)
	assert.EqualError(t, err, "attestedgrpc: attestedtls: HandlerConfig.Attester: nil")
}

// The credentials of one side are of no use on the other.
func TestEachSideHasItsOwnCredentials(t *testing.T) {
	t.Parallel()
	h, config, _ := world(t)
	client, err := attestedgrpc.NewClient(attestedgrpc.ClientConfig{Attested: config})
	require.NoError(t, err)
	server, err := attestedgrpc.NewServer(h.Enclave().NSM())
	require.NoError(t, err)
	_, _, err = client.ServerHandshake(nil)
	assert.EqualError(t, err, "attestedgrpc: found the credentials of a client, expected those of NewServer")
	_, _, err = server.ClientHandshake(t.Context(), "", nil)
	assert.EqualError(t, err, "attestedgrpc: found the credentials of a server, expected those of NewClient")
	assert.Equal(t, client.Info(), server.Info())
}
