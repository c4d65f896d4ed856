package service

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/connections"
)

// tlsFiles is what new connections go by. The parts change one after the other,
// a certificate with its key, and Files calls from one goroutine at a time.
type tlsFiles struct {
	files     *Files
	cert      tls.Certificate
	clientCAs *x509.CertPool // nil: clients need no certificate
	names     []string
	lists     *clientLists                    // nil: none
	newest    map[string]*x509.RevocationList // of each issuer that there was
	callers   atomic.Pointer[tls.Config]
	operators atomic.Pointer[tls.Config] // who need no certificate
}

// tls returns nil where there is to be no TLS.
func (l Listening) tls(files *Files) (callers, operators *tls.Config, err error) {
	switch {
	case l.ClientCA == "" && (len(l.ClientNames) > 0 || l.ClientCRL != ""):
		return nil, nil, errors.New("found names or revocation lists of clients without authorities, expected all or none")
	case l.TLSCert == "" && l.TLSKey == "" && l.ClientCA == "":
		return nil, nil, nil
	case l.TLSCert == "" || l.TLSKey == "":
		return nil, nil, errors.New("found a part of the TLS files, expected both a certificate and its key")
	}
	t := &tlsFiles{files: files, names: l.ClientNames}
	if err := t.files.add(kindTLS, t.setCertificate, l.TLSCert, l.TLSKey); err != nil {
		return nil, nil, fmt.Errorf("TLS certificate and key: %w", err)
	}
	if l.ClientCA != "" {
		if err := t.files.add(kindClientCA, t.setClientCAs, l.ClientCA); err != nil {
			return nil, nil, fmt.Errorf("client authorities: %w", err)
		}
	}
	if l.ClientCRL != "" {
		if err := t.files.add(kindClientCRL, t.setClientLists, l.ClientCRL); err != nil {
			return nil, nil, fmt.Errorf("revocation lists of clients: %w", err)
		}
	}
	return follow(&t.callers), follow(&t.operators), nil
}

// follow makes a configuration that hands out the one of the moment.
func follow(current *atomic.Pointer[tls.Config]) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return current.Load(), nil },
	}
}

func (t *tlsFiles) setCertificate(contents [][]byte) (inUse, error) {
	cert, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return inUse{}, err
	}
	t.cert = cert
	t.put()
	return inUse{hexSHA256(cert.Certificate[0]), cert.Leaf.NotAfter}, nil
}

func (t *tlsFiles) setClientCAs(contents [][]byte) (inUse, error) {
	pool, err := parsePool(contents[0])
	if err != nil {
		return inUse{}, err
	}
	t.clientCAs = pool
	t.put()
	return inUse{ID: hexSHA256(contents[0])}, nil
}

func (t *tlsFiles) put() {
	config := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{t.cert}, NextProtos: []string{"http/1.1"}}
	t.operators.Store(config.Clone())
	if t.clientCAs != nil {
		config.ClientCAs = t.clientCAs
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.VerifyConnection = clientCheck{t.names, t.lists}.verify
		config.SessionTicketsDisabled = true // a ticket could outlive its authority
	}
	t.callers.Store(config)
	t.files.tlsChanges.Add(1) // last, so that no older connection is taken for a new one
}

// outdated reports whether a connection has a configuration that has been
// replaced.
func (f *Files) outdated(c *connections.Conn) bool {
	return c != nil && c.Generation() != f.tlsChanges.Load()
}

// parsePool takes text beside the certificates, as bundles have it, but unlike
// AppendCertsFromPEM it passes over no certificate that it cannot read.
func parsePool(data []byte) (*x509.CertPool, error) {
	pool, count := x509.NewCertPool(), 0
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("found a PEM block %q, expected certificates", block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		pool.AddCert(cert)
		count++
	}
	switch begun := bytes.Count(data, []byte("-----BEGIN")); {
	case begun != count:
		return nil, fmt.Errorf("found %d PEM blocks of which %d can be read", begun, count)
	case count == 0:
		return nil, errors.New("found no certificate")
	}
	return pool, nil
}
