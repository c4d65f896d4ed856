package attestedtls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"time"
)

// DefaultLifetime is how long a certificate of NewCertificate is valid.
const DefaultLifetime = 90 * 24 * time.Hour

// CertificateConfig says what a certificate looks like. The zero value is a
// good one.
type CertificateConfig struct {
	// Curve is that of the key, elliptic.P256() or P384(). Nil: P-256.
	Curve elliptic.Curve
	// Names are host names and IP addresses to put into the certificate. Clients
	// of this package do not look at them unless they are told to.
	Names []string
	// Lifetime is how long the certificate is valid from now. Zero: 90 days.
	Lifetime time.Duration
}

// NewCertificate makes a key, in this process and for this process, and a
// self-signed certificate for it, with Leaf set. Errors name the field of
// CertificateConfig that cannot be used.
func NewCertificate(config CertificateConfig) (*tls.Certificate, error) {
	switch config.Curve {
	case nil:
		config.Curve = elliptic.P256()
	case elliptic.P256(), elliptic.P384():
	default:
		return nil, fmt.Errorf("attestedtls: CertificateConfig.Curve: found %s, expected P-256 or P-384", config.Curve.Params().Name)
	}
	if config.Lifetime == 0 {
		config.Lifetime = DefaultLifetime
	}
	if config.Lifetime < 0 {
		return nil, fmt.Errorf("attestedtls: CertificateConfig.Lifetime: found %s, expected a positive duration", config.Lifetime)
	}
	key, err := ecdsa.GenerateKey(config.Curve, rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("attestedtls: %w", err)
	}
	template := config.template(time.Now())
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("attestedtls: CertificateConfig.Names: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("attestedtls: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

func (o CertificateConfig) template(now time.Time) *x509.Certificate {
	serial := make([]byte, 16)
	rand.Read(serial) // never fails, see crypto/rand
	serial[0] = serial[0]&0x7f | 1
	template := &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(serial),
		Subject:               pkix.Name{CommonName: "Nitro enclave"},
		NotBefore:             now.Add(-time.Minute), // clocks differ
		NotAfter:              now.Add(o.Lifetime),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, name := range o.Names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	return template
}
