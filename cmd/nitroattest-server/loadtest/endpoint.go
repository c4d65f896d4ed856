//go:build linux

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// endpoint is where a service listens and how to speak to it.
type endpoint struct {
	address string
	tls     *tls.Config // nil: plain
	client  *http.Client
}

func plain(address string) endpoint { return newEndpoint(address, nil) }

func newEndpoint(address string, config *tls.Config) endpoint {
	return endpoint{address, config, &http.Client{Transport: &http.Transport{TLSClientConfig: config, MaxIdleConnsPerHost: honestClients}}}
}

func (e endpoint) url(path string) string {
	if e.tls == nil {
		return "http://" + e.address + path
	}
	return "https://" + e.address + path
}

func (e endpoint) dial() (net.Conn, error) {
	if e.tls == nil {
		return net.Dial("tcp", e.address)
	}
	return tls.Dial("tcp", e.address, e.tls)
}

// dialFrom takes an address on loopback, all of which are there on Linux.
func dialFrom(ctx context.Context, from, target string) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return dialer.DialContext(ctx, "tcp", target)
}

// newTLS writes the files of a server to a folder, and returns what a client of
// it needs. The authority is that of both.
func newTLS(dir string) (*tls.Config, error) {
	ca, err := newCertificate(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil)
	if err != nil {
		return nil, err
	}
	server, err := newCertificate(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, ca)
	if err != nil {
		return nil, err
	}
	client, err := newCertificate(&x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, ca)
	if err != nil {
		return nil, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(server.PrivateKey)
	if err != nil {
		return nil, err
	}
	for name, block := range map[string]*pem.Block{
		"ca.pem":     {Type: "CERTIFICATE", Bytes: ca.Certificate[0]},
		"server.pem": {Type: "CERTIFICATE", Bytes: server.Certificate[0]},
		"server.key": {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return nil, err
		}
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca.Leaf)
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{*client}}, nil
}

func newCertificate(template *x509.Certificate, parent *tls.Certificate) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.Subject = pkix.Name{CommonName: "loadtest"}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	issuer, signer := template, key
	if parent != nil {
		issuer, signer = parent.Leaf, parent.PrivateKey.(*ecdsa.PrivateKey)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, signer)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}
