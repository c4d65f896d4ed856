package attestationtest

import "crypto/x509"

// X509 issues the certificate and parses it. It fails for one that an edit has
// made unreadable.
func (c *Certificate) X509() (*x509.Certificate, error) { return x509.ParseCertificate(c.DER()) }

// SignRevocationList signs a revocation list as the holder of the certificate,
// see [x509.CreateRevocationList]. Root, regional and zonal certificates may
// sign them; those of instances may not, as in AWS's chains.
func (c *Certificate) SignRevocationList(list *x509.RevocationList) ([]byte, error) {
	issuer, err := c.X509()
	if err != nil {
		return nil, err
	}
	return x509.CreateRevocationList(nil, list, issuer, c.Key)
}
