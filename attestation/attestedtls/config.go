package attestedtls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
)

// DefaultPath is where a server offers its documents.
const DefaultPath = "/.well-known/nitro-attestation"

// Defaults of [Config].
const (
	DefaultNonceSize    = 32
	DefaultTimeout      = 15 * time.Second
	DefaultDocumentSize = attestation.DefaultEvidenceSize
)

const (
	minNonce        = 16 // against chance
	maxNonce        = 1024
	maxDocumentSize = 256 << 10 // of attestation.Limits.EvidenceSize

	http1 = "http/1.1"
)

// Config says which enclaves a client talks to. Only Verifier has to be set.
type Config struct {
	// Verifier appraises the documents. Required.
	Verifier *attestation.Verifier
	// Binding decides whether a document names the certificate of the connection.
	// Zero: Labelled.
	Binding Binding
	// Expect is what every connection expects of its document beside the policy and
	// the binding: registers, an age limit, a field. Nonce is set for each
	// connection and has to be nil here, and InsecureNoFreshness is not taken.
	Expect attestation.Expect
	// WithoutNonce asks for a document that holds no nonce of this connection, for
	// servers that make one now and then. Expect.MaxAge has to be set. Within it,
	// whoever had the key of the certificate in the meantime can show a document of
	// before; a key that never leaves the enclave is what this rests on.
	WithoutNonce bool
	// Path is where the server offers its documents. Empty: DefaultPath.
	Path string
	// Ask is the request for a document, for servers that want another one than
	// GET Path?nonce=<hex>. Nil: that one.
	Ask func(nonce []byte) Question
	// Decode finds the document in the answer. Nil: the answer is the document, in
	// binary or base64. See DecodeHex and DecodeJSON.
	Decode Decode
	// InCertificate finds the document in the certificate of the connection, and no
	// request is made for it: see CertificateExtension. WithoutNonce has to be set.
	InCertificate func(*x509.Certificate) ([]byte, error)
	// OnChange is asked when a connection ends in another enclave than the one before
	// to the same address, or one with another key; an error refuses it. See
	// StayWithModule and StayWithKey. A Hook does not ask. Nil: changes are good.
	OnChange func(Change) error
	// NonceSize is how many random bytes a challenge has, 16 to 1024. Zero: 32.
	// Some servers take one size only.
	NonceSize int
	// DocumentSize is the most that a document may have, in bytes and before any
	// encoding. Zero: 32 KiB; at most 256 KiB.
	DocumentSize int
	// Timeout is how long it may take in all to connect, shake hands, and get and
	// verify the document. Zero: 15 seconds.
	Timeout time.Duration

	// TLS is the configuration of the handshake, for client certificates, another
	// server name, or certificates of a certificate authority: what it verifies is
	// verified too. Nil: nothing, for the document says which certificate is right
	// and no name does. TLS 1.3 is required in any case; a session cache and
	// protocols other than HTTP/1.1 are errors.
	TLS *tls.Config
	// Proxy chooses a proxy for an address, by the URL of the request that it gets,
	// "https://host:port": http.ProxyFromEnvironment goes by HTTPS_PROXY. The proxy
	// gets a CONNECT over a connection of Dial, and passes on TLS. Only proxies of
	// scheme http are known. Nil: none.
	Proxy func(*http.Request) (*url.URL, error)
	// Dial makes the connection under TLS, over vsock for example. Nil: that of
	// net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now is the clock by which connections end when their document means nothing
	// any more; the verifier has its own. Nil: time.Now.
	Now func() time.Time

	// HTTP bounds the connections that a Transport keeps. Dialers ignore it.
	HTTP HTTP
}

// withDefaults returns c with every zero field replaced, or an error that names
// the field that cannot be used.
func (c Config) withDefaults() (Config, error) {
	if c.Verifier == nil {
		return c, errors.New("Config.Verifier: nil: without one, every server would be trusted")
	}
	if b := c.Binding.binding(); b.names == nil && b.check == nil {
		return c, errors.New("Config.Binding: without a Check: nothing would tie the document to the connection")
	}
	if err := c.checkFreshness(); err != nil {
		return c, err
	}
	if c.Decode == nil {
		c.Decode = decodeBinary
	}
	if c.Path == "" {
		c.Path = DefaultPath
	}
	if u, err := url.Parse(c.Path); err != nil || !strings.HasPrefix(c.Path, "/") || u.Path != c.Path || u.Host != "" {
		return c, fmt.Errorf("Config.Path: found %q, expected a path that begins with / and needs no escapes", c.Path)
	}
	var err error
	if c.NonceSize, err = within("Config.NonceSize", c.NonceSize, DefaultNonceSize, minNonce, maxNonce); err != nil {
		return c, err
	}
	if c.DocumentSize, err = within("Config.DocumentSize", c.DocumentSize, DefaultDocumentSize, 1, maxDocumentSize); err != nil {
		return c, err
	}
	if c.Timeout < 0 {
		return c, fmt.Errorf("Config.Timeout: found %s, expected a positive duration", c.Timeout)
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.TLS, err = handshakeConfig(c.TLS); err != nil {
		return c, err
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

func (c Config) checkFreshness() error {
	switch {
	case c.Expect.Nonce != nil:
		return errors.New("Config.Expect.Nonce: set, expected nil: each connection has its own")
	case c.Expect.InsecureNoFreshness:
		return errors.New("Config.Expect.InsecureNoFreshness: set, expected a nonce or Config.Expect.MaxAge")
	case c.Expect.MaxAge < 0:
		return fmt.Errorf("Config.Expect.MaxAge: found %s, expected a positive duration", c.Expect.MaxAge)
	case c.WithoutNonce && c.Expect.MaxAge == 0:
		return errors.New("Config.WithoutNonce: set without Config.Expect.MaxAge: a document of any age would do")
	case c.InCertificate != nil && !c.WithoutNonce:
		return errors.New("Config.InCertificate: set without Config.WithoutNonce: a document in a certificate cannot hold the nonce of a connection")
	}
	return nil
}

// expect is what one connection expects. Without a nonce it is nil.
func (c *Config) expect(nonce []byte) attestation.Expect {
	expect := c.Expect
	if !c.WithoutNonce {
		expect.Nonce = attestation.Required(c.Binding.Nonce(nonce))
	}
	return expect
}

func within(name string, value, standard, least, most int) (int, error) {
	if value == 0 {
		return standard, nil
	}
	if value < least || value > most {
		return 0, fmt.Errorf("%s: found %d, expected %d to %d", name, value, least, most)
	}
	return value, nil
}

// handshakeConfig returns a copy of the configuration in which every connection
// proves that the server has the key of its certificate. TLS 1.3 without
// resumption does so, and has no renegotiation in which the certificate could
// change.
func handshakeConfig(config *tls.Config) (*tls.Config, error) {
	if config == nil {
		// The binding takes the place of the chain and of the name.
		config = &tls.Config{InsecureSkipVerify: true}
	}
	if config.MaxVersion != 0 && config.MaxVersion < tls.VersionTLS13 {
		return nil, fmt.Errorf("Config.TLS.MaxVersion: found %s, expected TLS 1.3", tls.VersionName(config.MaxVersion))
	}
	if config.ClientSessionCache != nil {
		return nil, errors.New("Config.TLS.ClientSessionCache: set: a resumed session does not prove again that the server has the attested key")
	}
	if i := slices.IndexFunc(config.NextProtos, func(p string) bool { return p != http1 }); i >= 0 {
		return nil, fmt.Errorf("Config.TLS.NextProtos: found %q, expected %q or none", config.NextProtos[i], http1)
	}
	config = config.Clone()
	config.MinVersion = tls.VersionTLS13
	config.NextProtos = []string{http1}
	return config, nil
}
