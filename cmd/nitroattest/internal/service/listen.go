package service

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/net/netutil"

	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/input"
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
		listener = netutil.LimitListener(listener, l.Connections)
	}
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	return listener, nil
}

func (l Listening) tls() (*tls.Config, error) {
	switch {
	case l.TLSCert == "" && l.TLSKey == "" && l.ClientCA == "":
		return nil, nil
	case l.TLSCert == "" || l.TLSKey == "":
		return nil, errors.New("found a part of the TLS files, expected both a certificate and its key")
	}
	cert, err := tls.LoadX509KeyPair(l.TLSCert, l.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("TLS certificate %s, key %s: %w", l.TLSCert, l.TLSKey, input.WithoutPath(err))
	}
	config := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}}
	if l.ClientCA == "" {
		return config, nil
	}
	data, err := os.ReadFile(l.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("client authorities: %s: %w", l.ClientCA, input.WithoutPath(err))
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("client authorities: %s: found no certificate", l.ClientCA)
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	return config, nil
}
