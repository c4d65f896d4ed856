package attestedtls_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestedtls"
)

func TestConfigsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for text, edit := range map[string]func(*attestedtls.Config){
		"Config.Verifier: nil: without one, every server would be trusted":                          func(c *attestedtls.Config) { c.Verifier = nil },
		`Config.Path: found "attestation", expected a path that begins with / and needs no escapes`: func(c *attestedtls.Config) { c.Path = "attestation" },
		`Config.Path: found "/a?b", expected a path that begins with / and needs no escapes`:        func(c *attestedtls.Config) { c.Path = "/a?b" },
		`Config.Path: found "//a/b", expected a path that begins with / and needs no escapes`:       func(c *attestedtls.Config) { c.Path = "//a/b" },
		`Config.Path: found "/%", expected a path that begins with / and needs no escapes`:          func(c *attestedtls.Config) { c.Path = "/%" },
		"Config.NonceSize: found 15, expected 16 to 1024":                                           func(c *attestedtls.Config) { c.NonceSize = 15 },
		"Config.NonceSize: found 1025, expected 16 to 1024":                                         func(c *attestedtls.Config) { c.NonceSize = 1025 },
		"Config.DocumentSize: found -1, expected 1 to 262144":                                       func(c *attestedtls.Config) { c.DocumentSize = -1 },
		"Config.DocumentSize: found 262145, expected 1 to 262144":                                   func(c *attestedtls.Config) { c.DocumentSize = 256<<10 + 1 },
		"Config.Timeout: found -1s, expected a positive duration":                                   func(c *attestedtls.Config) { c.Timeout = -time.Second },
		"Config.TLS.MaxVersion: found TLS 1.2, expected TLS 1.3":                                    func(c *attestedtls.Config) { c.TLS = &tls.Config{MaxVersion: tls.VersionTLS12} },
		`Config.TLS.NextProtos: found "h2", expected "http/1.1" or none`:                            func(c *attestedtls.Config) { c.TLS = &tls.Config{NextProtos: []string{"http/1.1", "h2"}} },
		"Config.Binding: without a Check: nothing would tie the document to the connection": func(c *attestedtls.Config) {
			c.Binding = attestedtls.NewBinding(func(*x509.Certificate) ([]byte, []byte) { return nil, nil }, nil)
		},
		"Config.Expect.Nonce: set, expected nil: each connection has its own":                   func(c *attestedtls.Config) { c.Expect.Nonce = []byte("mine") },
		"Config.Expect.InsecureNoFreshness: set, expected a nonce or Config.Expect.MaxAge":      func(c *attestedtls.Config) { c.Expect.InsecureNoFreshness = true },
		"Config.Expect.MaxAge: found -1s, expected a positive duration":                         func(c *attestedtls.Config) { c.Expect.MaxAge = -time.Second },
		"Config.WithoutNonce: set without Config.Expect.MaxAge: a document of any age would do": func(c *attestedtls.Config) { c.WithoutNonce = true },
		"Config.InCertificate: set without Config.WithoutNonce: a document in a certificate cannot hold the nonce of a connection": func(c *attestedtls.Config) {
			c.InCertificate = attestedtls.CertificateExtension(asn1.ObjectIdentifier{1, 2})
		},
		"Config.TLS.ClientSessionCache: set: a resumed session does not prove again that the server has the attested key": func(c *attestedtls.Config) {
			c.TLS = &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(1)}
		},
	} {
		config := w.config(t)
		edit(&config)
		dialer, err := attestedtls.NewDialer(config)
		assert.EqualError(t, err, "attestedtls: "+text)
		assert.Nil(t, dialer)
		transport, err := attestedtls.NewTransport(config)
		assert.EqualError(t, err, "attestedtls: "+text)
		assert.Nil(t, transport)
	}
}

// With a TLS configuration of one's own, names and authorities count as well.
func TestTLSConfigIsVerifiedToo(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity, err := attestedtls.NewIdentity(attestedtls.IdentityConfig{
		Attester:    w.Enclave().NSM(),
		Binding:     attestedtls.CertificateHash(),
		Certificate: attestedtls.CertificateConfig{Names: []string{"enclave.example"}},
	})
	require.NoError(t, err)
	s := enclave(t, identity)
	config := w.config(t)

	config.TLS = &tls.Config{ServerName: "enclave.example"}
	_, err = dial(t, config, s.address)
	var unknown x509.UnknownAuthorityError
	assert.ErrorAs(t, err, &unknown)
	assert.ErrorIs(t, err, attestedtls.Handshake)

	roots := x509.NewCertPool()
	roots.AddCert(identity.Certificate())
	config.TLS = &tls.Config{RootCAs: roots}
	_, err = dial(t, config, s.address)
	var name x509.HostnameError
	assert.ErrorAs(t, err, &name)

	config.TLS = &tls.Config{RootCAs: roots, ServerName: "enclave.example"}
	conn, err := dial(t, config, s.address)
	require.NoError(t, err)
	conn.Close()

	// And the document still counts.
	other := newWorld().config(t)
	other.TLS = config.TLS
	_, err = dial(t, other, s.address)
	assert.ErrorIs(t, err, attestedtls.Refused)
}

func TestTLS12IsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity := w.identity(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: identity.GetCertificate, MaxVersion: tls.VersionTLS12})
	require.NoError(t, err)
	defer l.Close()
	server := &http.Server{Handler: greeting(identity), ErrorLog: log.New(io.Discard, "", 0)}
	go server.Serve(l)
	defer server.Close()
	_, err = dial(t, w.config(t), l.Addr().String())
	assert.ErrorIs(t, err, attestedtls.Handshake)
	assert.ErrorContains(t, err, "protocol version")
}

func TestErrorsAreStable(t *testing.T) {
	t.Parallel()
	for reason, text := range map[attestedtls.Reason]string{
		attestedtls.Handshake:  "handshake",
		attestedtls.NoDocument: "no-document",
		attestedtls.TooLarge:   "too-large",
		attestedtls.Refused:    "refused",
		attestedtls.NotBound:   "not-bound",
		attestedtls.Expired:    "expired",
		attestedtls.NotTLS:     "not-tls",
	} {
		assert.EqualError(t, reason, text)
		assert.EqualError(t, &attestedtls.Error{Reason: reason, Detail: "detail"}, text+": detail")
	}
}

// The server is told which name is meant, as servers of many names want it, and
// that HTTP/1.1 is to follow.
func TestClientHello(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity := w.identity(t)
	hellos := make(chan *tls.ClientHelloInfo, 1)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		hellos <- hello
		return identity.GetCertificate(hello)
	}})
	require.NoError(t, err)
	defer l.Close()
	server := &http.Server{Handler: greeting(identity)}
	go server.Serve(l)
	defer server.Close()
	for _, c := range []struct {
		address, configured, want string
	}{
		{"enclave.example:443", "", "enclave.example"},
		{"enclave.example", "", "enclave.example"},
		{"enclave.example:443", "other.example", "other.example"},
	} {
		config := w.config(t)
		config.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
		}
		if c.configured != "" {
			config.TLS = &tls.Config{InsecureSkipVerify: true, ServerName: c.configured}
		}
		conn, err := dial(t, config, c.address)
		require.NoError(t, err)
		conn.Close()
		hello := <-hellos
		assert.Equal(t, c.want, hello.ServerName)
		assert.Equal(t, []string{"http/1.1"}, hello.SupportedProtos)
		assert.Equal(t, []uint16{tls.VersionTLS13}, hello.SupportedVersions)
	}
}

// The text begins with the reason, and nothing but the reason and a cause that
// there is is unwrapped.
func TestErrorUnwrapsToReasonAndCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for _, err := range []interface {
		error
		Unwrap() []error
	}{&attestedtls.Error{Reason: attestedtls.NotBound, Detail: "detail"}} {
		assert.Equal(t, []error{attestedtls.NotBound}, err.Unwrap())
		assert.True(t, strings.HasPrefix(err.Error(), string(attestedtls.NotBound)+": "), err.Error())
	}
	for _, err := range []interface{ Unwrap() []error }{&attestedtls.Error{Reason: attestedtls.NotBound, Err: cause}} {
		assert.Equal(t, []error{attestedtls.NotBound, cause}, err.Unwrap())
	}
}
