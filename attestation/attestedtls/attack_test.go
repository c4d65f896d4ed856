package attestedtls_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/attestedtls"
	"github.com/nitroattest/nitroattest/pcr"
)

// refused makes a request that must not arrive: whoever answers at the address
// gets to see nothing after the question for the document.
func refused(t *testing.T, w *world, address string, more chan string) error {
	t.Helper()
	_, err := client(t, w.config(t)).Post("https://"+address+"/secret", "text/plain", strings.NewReader("secret"))
	require.Error(t, err)
	assert.Empty(t, <-more, "bytes of the request")
	return err
}

// A man in the middle ends TLS with a certificate of its own and passes on the
// genuine document for the genuine nonce.
func TestManInTheMiddle(t *testing.T) {
	t.Parallel()
	w := newWorld()
	genuine := enclave(t, w.identity(t))
	behind := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	address, more := script(t, w.identity(t), func(conn net.Conn, request *http.Request) {
		response, err := behind.Get(genuine.url(request.URL.String()))
		if assert.NoError(t, err) {
			defer response.Body.Close()
			assert.NoError(t, response.Write(conn))
		}
	})
	err := refused(t, w, address, more)
	assert.ErrorIs(t, err, attestedtls.NotBound)
	assert.ErrorContains(t, err, "user_data: found ")
	assert.Empty(t, genuine.requests())
}

// The question for the document says nothing of the request to come.
func TestQuestionForTheDocument(t *testing.T) {
	t.Parallel()
	w := newWorld()
	var asked atomic.Pointer[http.Request]
	address, more := script(t, w.identity(t), func(conn net.Conn, request *http.Request) {
		asked.Store(request)
		conn.Close()
	})
	request, err := http.NewRequest(http.MethodGet, "https://user:password@"+address+"/secret", nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer secret")
	_, err = client(t, w.config(t)).Do(request)
	assert.ErrorIs(t, err, attestedtls.NoDocument)
	assert.Empty(t, <-more)
	got := asked.Load()
	assert.Equal(t, attestedtls.DefaultPath, got.URL.Path)
	assert.Equal(t, address, got.Host)
	nonce, err := hex.DecodeString(got.URL.Query().Get("nonce"))
	require.NoError(t, err)
	assert.Len(t, nonce, 32)
	assert.Equal(t, http.Header{
		"Accept":          {`application/cose; cose-type="cose-sign1"`},
		"Accept-Encoding": {"identity"},
		"User-Agent":      {"nitroattest"},
	}, got.Header)
}

// answering is a server with a genuine certificate whose document comes from a
// function.
func answering(t *testing.T, identity *attestedtls.Identity, document func(nonce []byte) []byte) (address string, more chan string) {
	return script(t, identity, func(conn net.Conn, request *http.Request) {
		nonce, err := hex.DecodeString(request.URL.Query().Get("nonce"))
		assert.NoError(t, err)
		ok(conn, document(nonce))
	})
}

func TestDocumentsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity := w.identity(t)
	userData, _ := attestedtls.CertificateHash().Claim(identity.Certificate())
	old := w.Attest(attestationtest.Request{Nonce: []byte("an earlier nonce"), UserData: userData})
	instance := w.Enclave().Instance()
	image := w.Enclave().Image()
	another := instance.NewEnclave(attestationtest.WithImage(pcr.Bank{0: {1}, 1: {2}, 2: {3}}))
	debug := instance.NewEnclave(attestationtest.WithImage(image.PCRs), attestationtest.WithDebugMode())
	request := func(nonce []byte) attestationtest.Request {
		return attestationtest.Request{Nonce: nonce, UserData: userData}
	}
	for _, c := range []struct {
		name     string
		document func(nonce []byte) []byte
		reason   attestedtls.Reason
		cause    error
	}{
		{"replayed", func([]byte) []byte { return old },
			attestedtls.Refused, attestation.NonceMismatch},
		{"for another nonce", func(nonce []byte) []byte { nonce[31] ^= 1; return w.Attest(request(nonce)) },
			attestedtls.Refused, attestation.NonceMismatch},
		{"without a nonce", func(nonce []byte) []byte { return w.Attest(request(nil)) },
			attestedtls.Refused, attestation.NonceMismatch},
		{"of another image", func(nonce []byte) []byte { return another.Attest(request(nonce)) },
			attestedtls.Refused, attestation.MeasurementMismatch},
		{"in debug mode", func(nonce []byte) []byte { return debug.Attest(request(nonce)) },
			attestedtls.Refused, attestation.DebugMode},
		{"of another hypervisor", func(nonce []byte) []byte { return newWorld().Attest(request(nonce)) },
			attestedtls.Refused, attestation.UntrustedRoot},
		{"not a document", func([]byte) []byte { return []byte{0x84, 1, 2} },
			attestedtls.Refused, attestation.MalformedEvidence},
		{"without user data", func(nonce []byte) []byte { return w.Attest(attestationtest.Request{Nonce: nonce}) },
			attestedtls.NotBound, attestedtls.NotBound},
		{"one bit of user data changed", func(nonce []byte) []byte {
			changed := bytes.Clone(userData)
			changed[31] ^= 1
			return w.Attest(attestationtest.Request{Nonce: nonce, UserData: changed})
		}, attestedtls.NotBound, attestedtls.NotBound},
		{"hash in public_key", func(nonce []byte) []byte {
			return w.Attest(attestationtest.Request{Nonce: nonce, PublicKey: userData})
		}, attestedtls.NotBound, attestedtls.NotBound},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, more := answering(t, identity, c.document)
			err := refused(t, w, address, more)
			assert.ErrorIs(t, err, c.reason)
			assert.ErrorIs(t, err, c.cause)
			var attested *attestedtls.Error
			require.ErrorAs(t, err, &attested)
			assert.Equal(t, c.reason, attested.Reason)
		})
	}
	// What all of them differ from in one thing.
	address, _ := answering(t, identity, func(nonce []byte) []byte { return w.Attest(request(nonce)) })
	conn, err := dial(t, w.config(t), address)
	require.NoError(t, err)
	conn.Close()
}

// The server replaces its key and attests the new one. Old connections stay,
// new ones are made, and the old document is good for neither.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity := w.identity(t)
	s := enclave(t, identity)
	kept := client(t, w.config(t))
	first, _ := get(t, kept, s.url("/"))
	oldCertificate := identity.Certificate()

	require.NoError(t, identity.Rotate())
	assert.NotEqual(t, oldCertificate.RawSubjectPublicKeyInfo, identity.Certificate().RawSubjectPublicKeyInfo)
	second, _ := get(t, kept, s.url("/"))
	assert.Equal(t, oldCertificate.Raw, second.TLS.PeerCertificates[0].Raw, "the connection of before")
	third, _ := get(t, client(t, w.config(t)), s.url("/"))
	assert.Equal(t, identity.Certificate().Raw, third.TLS.PeerCertificates[0].Raw)
	assert.NotEqual(t, first.TLS.PeerCertificates[0].Raw, third.TLS.PeerCertificates[0].Raw)

	// New key, document for the old one.
	address, more := answering(t, identity, func(nonce []byte) []byte {
		userData, _ := attestedtls.CertificateHash().Claim(oldCertificate)
		return w.Attest(attestationtest.Request{Nonce: nonce, UserData: userData})
	})
	assert.ErrorIs(t, refused(t, w, address, more), attestedtls.NotBound)
}

// A rotation between the handshake and the question does not break the
// connection: the document names the certificate that it uses.
func TestRotationBetweenHandshakeAndDocument(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity := w.identity(t)
	s := serve(t, identity, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		assert.NoError(t, identity.Rotate())
		greeting(identity).ServeHTTP(rw, r)
	}))
	conn, err := dial(t, w.config(t), s.address)
	require.NoError(t, err)
	assert.NotEqual(t, identity.Certificate().Raw, conn.ConnectionState().PeerCertificates[0].Raw)
	conn.Close()
}

// A TLS configuration that the server had before stays, but for its
// certificates.
func TestConfigureKeepsOtherSettings(t *testing.T) {
	t.Parallel()
	w := newWorld()
	other, err := attestedtls.NewCertificate(attestedtls.CertificateConfig{})
	require.NoError(t, err)
	before := &tls.Config{Certificates: []tls.Certificate{*other}, MaxVersion: tls.VersionTLS13}
	server := &http.Server{TLSConfig: before}
	identity := w.identity(t)
	identity.Configure(server)
	assert.Len(t, before.Certificates, 1)
	assert.Empty(t, server.TLSConfig.Certificates)
	assert.EqualValues(t, tls.VersionTLS13, server.TLSConfig.MaxVersion)

	server.Handler = greeting(identity)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer server.Close()
	go server.ServeTLS(l, "", "")
	conn, err := dial(t, w.config(t), l.Addr().String())
	require.NoError(t, err)
	conn.Close()
}

// A proxy that keeps TLS whole is a matter of Config.Dial; one that does not is
// a man in the middle.
func TestProxyByConnect(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := enclave(t, w.identity(t))
	config := w.config(t)
	var tunnels atomic.Int32
	config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		tunnels.Add(1)
		assert.Equal(t, "enclave.invalid:443", address)
		near, far := net.Pipe()
		onward, err := net.Dial("tcp", s.address)
		if err != nil {
			return nil, err
		}
		go func() { io.Copy(onward, far); onward.Close() }()
		go func() { io.Copy(far, onward); far.Close() }()
		return near, nil
	}
	_, body := get(t, client(t, config), "https://enclave.invalid/")
	assert.Equal(t, "hello ", body)
	assert.EqualValues(t, 1, tunnels.Load())
}
