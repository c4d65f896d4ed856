package service

import (
	"crypto/tls"
	"errors"
	"net"
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
	// Connections is how many there may be at a time.
	Connections int
	// Files reloads the files. Nil: they are read once.
	Files *Files
}

// ErrNoTLS is what Listen says about an address beyond loopback without TLS.
var ErrNoTLS = errors.New("found an address beyond loopback, expected a certificate for TLS")

// Listen opens the listener of a service. It refuses to be reached from other
// machines without TLS.
func Listen(l Listening) (net.Listener, error) {
	config, err := l.tls()
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
	if l.Connections > 0 {
		listener = limitConnections(listener, l.Connections)
	}
	listener = bufferedListener{listener}
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	return listener, nil
}
