package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// CertificateID names a certificate by what revocation lists go by: its issuer
// and serial number, never its bytes, for one certificate can have several
// encodings of its signature.
type CertificateID struct {
	Issuer string   // the issuer as text, as in x509.Certificate.Issuer.String()
	Serial *big.Int // positive
}

// denied is an immutable deny list.
type denied struct {
	certificates []CertificateID
	modules      []string
}

// SetDenied replaces the deny list: certificates and module IDs ("i-...-enc...")
// that are refused whatever the revocation lists say. It fails, and the old deny
// list stays, for an entry that nothing could match.
func (r *Revocations) SetDenied(certificates []CertificateID, modules []string) error {
	if r.isZero() {
		return errZeroRevocations
	}
	d := &denied{modules: slices.Clone(modules)}
	for i, id := range certificates {
		if id.Issuer == "" || id.Serial == nil || id.Serial.Sign() <= 0 {
			return fmt.Errorf("certs: denied certificate %d: found issuer %q and serial number %v, expected an issuer and a positive number", i, id.Issuer, id.Serial)
		}
		d.certificates = append(d.certificates, CertificateID{id.Issuer, new(big.Int).Set(id.Serial)})
	}
	if slices.Contains(modules, "") {
		return errors.New("certs: denied modules: found an empty module ID")
	}
	r.denied.Store(d)
	return nil
}

func (d *denied) check(chain []*x509.Certificate, moduleID string) *Error {
	for i, cert := range chain {
		if d.holds(cert) {
			return &Error{Reason: Revoked, Position: i, Detail: "it is denied by issuer and serial number"}
		}
	}
	if slices.Contains(d.modules, moduleID) {
		return &Error{Reason: Revoked, Position: len(chain) - 1, Detail: fmt.Sprintf("the module %q is denied", moduleID)}
	}
	return nil
}

func (d *denied) holds(cert *x509.Certificate) bool {
	return slices.ContainsFunc(d.certificates, func(id CertificateID) bool {
		return id.Serial.Cmp(cert.SerialNumber) == 0 && id.Issuer == cert.Issuer.String()
	})
}
