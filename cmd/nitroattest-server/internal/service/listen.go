package service

import (
	"errors"
	"log/slog"
	"net"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/connections"
)

// Defaults of [Listening.Connections].
const (
	DefaultConnections = 1024
	DefaultHandshakes  = 256
)

// Listening says where to listen and who may connect.
type Listening struct {
	Address string // host:port
	// TLSCert and TLSKey are PEM files. Empty: no TLS.
	TLSCert, TLSKey string
	// ClientCA is a PEM file with the authorities of client certificates. Then
	// every client needs one.
	ClientCA string
	// InsecureNoTLS allows an address beyond loopback without TLS: whoever is on
	// the network reads the exchanges and alters the verdicts.
	InsecureNoTLS bool
	// Connections bound them. Zero fields stand for the defaults.
	Connections connections.Limits
	// Files reloads the files. Nil: they are read once.
	Files *Files
}

// ErrNoTLS is what Listen says about an address beyond loopback without TLS.
var ErrNoTLS = errors.New("found an address beyond loopback, expected a certificate for TLS")

// Listen opens the listener of a service. It refuses to be reached from other
// machines without TLS.
func Listen(l Listening) (*connections.Listener, error) {
	limits, err := l.limits()
	if err != nil {
		return nil, err
	}
	files := l.Files
	if files == nil {
		files = NewFiles(slog.New(slog.DiscardHandler)) // nobody reloads them
	}
	config, err := l.tls(files)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", l.Address)
	if err != nil {
		return nil, err
	}
	// The listener knows what a name has become. Nothing has been answered yet.
	address, ok := listener.Addr().(*net.TCPAddr)
	if config == nil && !l.InsecureNoTLS && (!ok || !address.IP.IsLoopback()) {
		listener.Close()
		return nil, ErrNoTLS
	}
	return connections.New(listener, connections.Config{
		Limits:           limits,
		TLS:              config,
		HandshakeTimeout: handshakeTimeout,
		Generation:       files.tlsChanges.Load,
		Logger:           files.logger,
	}), nil
}

// limits puts the defaults in. One client may have a quarter of all connections.
func (l Listening) limits() (connections.Limits, error) {
	limits := l.Connections
	if limits.Total == 0 {
		limits.Total = DefaultConnections
	}
	if limits.PerClient == 0 {
		limits.PerClient = max(limits.Total/4, 1)
	}
	if limits.Handshakes == 0 {
		limits.Handshakes = DefaultHandshakes
	}
	if limits.Total < 0 || limits.PerClient < 0 || limits.Handshakes < 0 {
		return limits, errors.New("found a negative number of connections")
	}
	return limits, nil
}
