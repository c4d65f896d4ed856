package attestedgrpc

import (
	"context"
	"errors"
	"fmt"
	"net"

	"google.golang.org/grpc/credentials"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestedtls"
)

// protocol names the credentials in what gRPC tells of a connection.
const protocol = "attested-tls"

// ClientConfig says which enclaves a client talks to.
type ClientConfig struct {
	// Attested is what a Dialer of attestedtls takes; only Verifier has to be set.
	// Dial and Proxy have to be nil, for gRPC makes the connections: see
	// grpc.WithContextDialer.
	Attested attestedtls.Config
	// OnRefusal is told why a connection was not made. gRPC passes on no more than
	// the text of an error, and goes on trying. Nil: nobody is told.
	OnRefusal func(error)
}

// AuthInfo is what is known about the server of a connection:
//
//	var p peer.Peer
//	err := conn.Invoke(ctx, method, request, answer, grpc.Peer(&p))
//	info, ok := p.AuthInfo.(attestedgrpc.AuthInfo)
type AuthInfo struct {
	credentials.CommonAuthInfo
	Result *attestation.Result
}

// AuthType implements [credentials.AuthInfo].
func (AuthInfo) AuthType() string { return protocol }

// NewClient returns credentials for grpc.WithTransportCredentials, or an error
// that names the field of ClientConfig that cannot be used.
func NewClient(config ClientConfig) (credentials.TransportCredentials, error) {
	attested := config.Attested
	if attested.Dial != nil || attested.Proxy != nil {
		return nil, errors.New("attestedgrpc: ClientConfig.Attested.Dial or Proxy: set, expected nil: gRPC makes the connections")
	}
	if attested.InCertificate != nil || attested.Ask != nil || attested.Path != "" {
		return nil, errors.New("attestedgrpc: ClientConfig.Attested.InCertificate, Ask or Path: set, expected the exchange of this package")
	}
	attested.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return ctx.Value(connectionKey{}).(net.Conn), nil // ClientHandshake puts it there
	}
	dialer, err := attestedtls.NewDialer(attested)
	if err != nil {
		return nil, fmt.Errorf("attestedgrpc: ClientConfig.Attested: %w", err)
	}
	return &client{dialer, config.OnRefusal}, nil
}

// connectionKey is the key of the connection that gRPC has made, in the context of
// its handshake.
type connectionKey struct{}

// client is safe for concurrent use, as a Dialer is.
type client struct {
	dialer    *attestedtls.Dialer
	onRefusal func(error)
}

// ClientHandshake implements [credentials.TransportCredentials].
func (c *client) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, err := c.dialer.DialContext(context.WithValue(ctx, connectionKey{}, raw), "tcp", authority)
	if err != nil {
		if c.onRefusal != nil {
			c.onRefusal(err)
		}
		return nil, nil, err
	}
	info := AuthInfo{Result: conn.Result()}
	info.SecurityLevel = credentials.PrivacyAndIntegrity
	return conn, info, nil
}

// ServerHandshake implements [credentials.TransportCredentials].
func (c *client) ServerHandshake(net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("attestedgrpc: found the credentials of a client, expected those of NewServer")
}

// Info implements [credentials.TransportCredentials].
func (c *client) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: protocol}
}

// Clone implements [credentials.TransportCredentials]. There is nothing in the
// credentials that changes.
func (c *client) Clone() credentials.TransportCredentials { return c }

// OverrideServerName implements [credentials.TransportCredentials].
func (c *client) OverrideServerName(string) error {
	return errors.New("attestedgrpc: the name of a server is not compared; set ServerName in ClientConfig.Attested.TLS")
}
