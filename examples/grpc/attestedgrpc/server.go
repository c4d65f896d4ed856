package attestedgrpc

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"google.golang.org/grpc/credentials"

	"github.com/nitroattest/nitroattest/attestation/attestedtls"
)

// maxRequest bounds the request for a document: a nonce of 1024 bytes in hex and
// some header fields.
const maxRequest = 8 << 10

// NewServer returns credentials for grpc.Creds. The key is made here and never
// leaves. Attester is the *nsm.Device of the enclave.
//
// How long a client may take for its handshake is for grpc.ConnectionTimeout to
// say.
func NewServer(attester attestedtls.Attester) (credentials.TransportCredentials, error) {
	certificate, err := attestedtls.NewCertificate(attestedtls.CertificateConfig{})
	if err != nil {
		return nil, fmt.Errorf("attestedgrpc: %w", err)
	}
	documents, err := attestedtls.NewHandler(attestedtls.HandlerConfig{
		Attester:    attester,
		Certificate: func(*http.Request) (*x509.Certificate, error) { return certificate.Leaf, nil },
	})
	if err != nil {
		return nil, fmt.Errorf("attestedgrpc: %w", err)
	}
	return &server{
		documents: documents,
		tls: &tls.Config{
			Certificates: []tls.Certificate{*certificate},
			MinVersion:   tls.VersionTLS13,
			// A resumed session would not prove that the key is still here.
			SessionTicketsDisabled: true,
		},
	}, nil
}

// server is safe for concurrent use.
type server struct {
	documents http.Handler
	tls       *tls.Config
}

// ServerHandshake implements [credentials.TransportCredentials].
func (s *server) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn := tls.Server(raw, s.tls)
	if err := conn.Handshake(); err != nil {
		return nil, nil, fmt.Errorf("attestedgrpc: %w", err)
	}
	if err := s.attest(conn); err != nil {
		return nil, nil, fmt.Errorf("attestedgrpc: %w", err)
	}
	info := credentials.TLSInfo{State: conn.ConnectionState()}
	info.SecurityLevel = credentials.PrivacyAndIntegrity
	return conn, info, nil
}

// attest answers the one request that goes before HTTP/2.
func (s *server) attest(conn net.Conn) error {
	reader := bufio.NewReader(io.LimitReader(conn, maxRequest))
	request, err := http.ReadRequest(reader)
	if err != nil {
		return fmt.Errorf("the request for a document: %w", err)
	}
	if request.ContentLength != 0 || reader.Buffered() > 0 {
		return errors.New("the client went on before it had its document")
	}
	request.RemoteAddr = conn.RemoteAddr().String() // by which the handler shares out documents
	answer := &answer{header: http.Header{}, status: http.StatusOK}
	if request.URL.Path == attestedtls.DefaultPath {
		s.documents.ServeHTTP(answer, request)
	} else {
		http.NotFound(answer, request)
	}
	if err := answer.write(conn, request); err != nil {
		return err
	}
	if answer.status != http.StatusOK {
		return fmt.Errorf("a client got no document: %d %s", answer.status, http.StatusText(answer.status))
	}
	return nil
}

// answer holds what a handler says until it is written.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

func (a *answer) write(w io.Writer, request *http.Request) error {
	response := http.Response{
		StatusCode: a.status, ProtoMajor: 1, ProtoMinor: 1, Request: request,
		Header: a.header, ContentLength: int64(a.body.Len()), Body: io.NopCloser(&a.body),
	}
	var out bytes.Buffer
	if err := response.Write(&out); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}

// ClientHandshake implements [credentials.TransportCredentials].
func (s *server) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("attestedgrpc: found the credentials of a server, expected those of NewClient")
}

// Info implements [credentials.TransportCredentials].
func (s *server) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: protocol}
}

// Clone implements [credentials.TransportCredentials].
func (s *server) Clone() credentials.TransportCredentials { return s }

// OverrideServerName implements [credentials.TransportCredentials].
func (s *server) OverrideServerName(string) error { return nil }
