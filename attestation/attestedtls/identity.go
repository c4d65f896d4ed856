package attestedtls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log"
	"net"
	"net/http"
	"sync/atomic"
)

// IdentityConfig says what an Identity is made of. Only Attester has to be set.
type IdentityConfig struct {
	// Attester makes the documents. Required.
	Attester Attester
	// Certificate says what the certificates look like.
	Certificate CertificateConfig
	// The other fields are those of HandlerConfig.
	Binding    Binding
	Rate       int
	ClientRate int
	Client     func(*http.Request) string
	ErrorLog   *log.Logger
}

// Identity is the TLS identity of a server in an enclave: a key that was made
// here and never leaves, a certificate for it, and the handler that gives out
// documents which name the certificate. It is safe for concurrent use.
type Identity struct {
	config  CertificateConfig
	current atomic.Pointer[tls.Certificate]
	handler *handler
}

// NewIdentity makes a key and a certificate, or returns an error that names the
// field of IdentityConfig that cannot be used.
func NewIdentity(config IdentityConfig) (*Identity, error) {
	if config.Attester == nil {
		return nil, errors.New("attestedtls: IdentityConfig.Attester: nil")
	}
	i := &Identity{config: config.Certificate}
	var err error
	i.handler, err = newHandler(HandlerConfig{
		Attester:    config.Attester,
		Certificate: func(r *http.Request) (*x509.Certificate, error) { return i.used(r.Context()), nil },
		Binding:     config.Binding,
		Rate:        config.Rate,
		ClientRate:  config.ClientRate,
		Client:      config.Client,
		ErrorLog:    config.ErrorLog,
	})
	if err != nil {
		return nil, err
	}
	if err := i.Rotate(); err != nil {
		return nil, err
	}
	return i, nil
}

// Rotate replaces key and certificate. New connections use the new ones; those
// that are there keep theirs, and documents asked for on them name it.
func (i *Identity) Rotate() error {
	certificate, err := NewCertificate(i.config)
	if err != nil {
		return err
	}
	i.current.Store(certificate)
	return nil
}

// Certificate returns the certificate of new connections.
func (i *Identity) Certificate() *x509.Certificate { return i.current.Load().Leaf }

// Configure makes a server use the identity. The handler of the documents still
// has to be put in its place:
//
//	mux.Handle(attestedtls.DefaultPath, identity)
//	identity.Configure(server)
//	server.ListenAndServeTLS("", "")
//
// It wraps ConnContext and replaces TLSConfig by a copy with the certificate of
// the identity and no other. Without a TLSConfig it makes one, for TLS 1.3 and
// without session tickets, which would spare a client that takes them the proof
// that the server has the key.
func (i *Identity) Configure(server *http.Server) {
	if server.TLSConfig == nil {
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true}
	}
	server.TLSConfig = server.TLSConfig.Clone()
	server.TLSConfig.Certificates = nil // would be used for clients without a server name
	server.TLSConfig.GetCertificate = i.GetCertificate
	next := server.ConnContext
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		if next != nil {
			ctx = next(ctx, conn)
		}
		return context.WithValue(ctx, connectionKey{i}, new(connection))
	}
}

// connection is what is known about one connection to the server.
type connection struct {
	certificate atomic.Pointer[x509.Certificate] // that it uses
	answered    atomic.Bool                      // a document was given out
}

// connectionKey is the key of a connection in its context.
type connectionKey struct{ *Identity }

// GetCertificate is for [tls.Config]. The context of the handshake is where the
// certificate of the connection is noted, so that a document names it even if
// it is asked for after a rotation.
func (i *Identity) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	certificate := i.current.Load()
	if c := i.connection(hello.Context()); c != nil {
		c.certificate.Store(certificate.Leaf)
	}
	return certificate, nil
}

func (i *Identity) used(ctx context.Context) *x509.Certificate {
	if c := i.connection(ctx); c != nil {
		if certificate := c.certificate.Load(); certificate != nil {
			return certificate
		}
	}
	return i.Certificate()
}

func (i *Identity) connection(ctx context.Context) *connection {
	if ctx == nil {
		return nil
	}
	c, _ := ctx.Value(connectionKey{i}).(*connection)
	return c
}

// ServeHTTP implements [http.Handler] as [NewHandler] describes. A connection of
// a server that was configured gets one document, which is all that a client
// needs: the next question is answered with 403, and the connection is closed.
func (i *Identity) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := i.connection(r.Context())
	if c == nil {
		i.handler.ServeHTTP(w, r)
		return
	}
	if !c.answered.CompareAndSwap(false, true) {
		w.Header().Set("Connection", "close")
		http.Error(w, "a connection gets one document", http.StatusForbidden)
		return
	}
	if !i.handler.serve(w, r) {
		c.answered.Store(false)
	}
}

// TLSConfig is for servers that take a TLS configuration and start by themselves,
// such as that of net/http/httptest:
//
//	server := httptest.NewUnstartedServer(mux)
//	identity.Configure(server.Config)
//	server.TLS = identity.TLSConfig()
//	server.StartTLS()
//
// It has the certificate of now in Certificates, which clients that send no server
// name get, and GetCertificate for the others.
func (i *Identity) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true,
		Certificates: []tls.Certificate{*i.current.Load()}, GetCertificate: i.GetCertificate,
	}
}
