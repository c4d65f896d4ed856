package attestedtls

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
)

// Dialer makes TLS connections that end in an attested enclave. It is safe for
// concurrent use.
type Dialer struct {
	config Config
	memory memory
}

// NewDialer returns a dialer, or an error that names the field of Config that
// cannot be used.
func NewDialer(config Config) (*Dialer, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("attestedtls: %w", err)
	}
	return &Dialer{config: config}, nil
}

// DialContext connects to a server, gets its document for a nonce made for this
// connection, verifies it and returns the connection only if the document names
// its certificate. The server speaks HTTP/1.1, of which the exchange of nonce
// and document was the first request.
//
// Errors are those of Config.Dial or an [*Error]. The context bounds the call
// and not the life of the connection, which ends when the document does.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.config.Timeout)
	defer cancel()
	conn, err := d.handshake(ctx, network, address)
	if err != nil {
		return nil, err
	}
	attested, err := d.attest(ctx, conn, address)
	if err != nil {
		conn.NetConn().Close() // without waiting to tell a server that is not trusted
		return nil, err
	}
	return attested, nil
}

func (d *Dialer) handshake(ctx context.Context, network, address string) (*tls.Conn, error) {
	raw, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := d.config.TLS
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName = hostOf(address)
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, &Error{Reason: Handshake, Detail: address, Err: err}
	}
	return conn, nil
}

func (d *Dialer) attest(ctx context.Context, conn *tls.Conn, address string) (*Conn, error) {
	nonce := d.nonce()
	state := conn.ConnectionState()
	evidence, err := d.evidence(ctx, conn, address, nonce)
	if err != nil {
		return nil, err
	}
	result, err := d.appraise(state, evidence, nonce)
	if err != nil {
		return nil, err
	}
	if err := d.memory.meet(address, result, state.PeerCertificates[0], d.config.OnChange); err != nil {
		return nil, err
	}
	return newConn(conn, result, d.config.Now), nil
}

// evidence gets the document for a connection, from the server or out of its
// certificate.
func (d *Dialer) evidence(ctx context.Context, conn *tls.Conn, address string, nonce []byte) ([]byte, error) {
	if d.config.InCertificate == nil {
		return d.exchange(ctx, conn, address, nonce)
	}
	certificates := conn.ConnectionState().PeerCertificates
	if len(certificates) == 0 {
		return nil, errorf(NotBound, "the server has no certificate")
	}
	evidence, err := d.config.InCertificate(certificates[0])
	if err != nil {
		return nil, &Error{Reason: NoDocument, Detail: "looking into the certificate", Err: err}
	}
	if len(evidence) > d.config.DocumentSize {
		return nil, errorf(TooLarge, "found a document of %d bytes, expected at most %d", len(evidence), d.config.DocumentSize)
	}
	return evidence, nil
}

// appraise verifies a document and that it names the certificate of the
// connection.
func (d *Dialer) appraise(state tls.ConnectionState, evidence, nonce []byte) (*attestation.Result, error) {
	if len(state.PeerCertificates) == 0 {
		return nil, errorf(NotBound, "the server has no certificate")
	}
	result, err := d.config.Verifier.Verify(evidence, d.config.expect(nonce))
	if err != nil {
		return nil, &Error{Reason: Refused, Detail: "the document of the server", Err: err}
	}
	if err := d.config.Binding.verify(state, result); err != nil {
		return nil, &Error{Reason: NotBound, Detail: "the document of " + result.Document.ModuleID, Err: err}
	}
	if err := checkFresh(result, d.config.Now()); err != nil {
		return nil, err
	}
	return result, nil
}

// checkFresh refuses a result whose certificates have expired. The verifier
// has looked at them once; a connection lives on.
func checkFresh(result *attestation.Result, now time.Time) error {
	if now.Before(result.FreshUntil) {
		return nil
	}
	return errorf(Expired, "the document of %s means nothing since %s", result.Document.ModuleID, result.FreshUntil.Format(time.RFC3339))
}

// nonce makes a challenge that was never used before.
func (d *Dialer) nonce() []byte {
	nonce := make([]byte, d.config.NonceSize)
	rand.Read(nonce) // never fails, see crypto/rand
	return nonce
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
