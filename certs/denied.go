package certs

import (
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/nitroattest/nitroattest/internal/form"
)

// CertificateID names a certificate by what revocation lists go by: its issuer
// and serial number, never its bytes, for one certificate can have several
// encodings of its signature.
type CertificateID struct {
	// Issuer is the name of the issuer as text: RFC 2253 as
	// x509.Certificate.Issuer.String() prints it, or a line of
	// "openssl x509 -noout -issuer". The order of its attributes does not matter.
	Issuer string
	Serial *big.Int // positive
}

// denied is an immutable deny list.
type denied struct {
	certificates []deniedCertificate
	modules      []string
}

type deniedCertificate struct {
	issuer []string // see readName
	serial *big.Int
}

// canBeDenied reports whether id is that of a module, which stands for itself, or
// of an instance, which stands for all of its modules.
func canBeDenied(id string) bool {
	m, ok := form.ParseModuleID(id)
	return form.IsInstance(id) || ok && (m.Type == "tpm" || len(m.Suffix) == 16)
}

// SetDenied replaces the deny list: certificates and modules that are refused
// whatever the revocation lists say. A module is a module ID ("i-...-enc..."), or
// an instance ID ("i-...") for all modules of the instance. It fails, and the
// old deny list stays, for an entry that nothing could match.
func (r *Revocations) SetDenied(certificates []CertificateID, modules []string) error {
	if r.isZero() {
		return errZeroRevocations
	}
	d := &denied{modules: slices.Clone(modules)}
	for i, id := range certificates {
		if id.Serial == nil || id.Serial.Sign() <= 0 {
			return fmt.Errorf("certs: denied certificate %d: found the serial number %v, expected a positive number", i, id.Serial)
		}
		issuer, err := readName(id.Issuer)
		if err != nil {
			return fmt.Errorf("certs: denied certificate %d: issuer %q: %w", i, id.Issuer, err)
		}
		d.certificates = append(d.certificates, deniedCertificate{issuer, new(big.Int).Set(id.Serial)})
	}
	for i, module := range modules {
		if !canBeDenied(module) {
			return fmt.Errorf("certs: denied module %d: found %q, expected a module ID like i-0123456789abcdef0-enc0123456789abcdef or an instance ID like i-0123456789abcdef0", i, module)
		}
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
	for _, module := range d.modules {
		if module == moduleID || strings.HasPrefix(moduleID, module+"-") {
			return &Error{Reason: Revoked, Position: len(chain) - 1, Detail: fmt.Sprintf("the module %q is denied by the entry %q", moduleID, module)}
		}
	}
	return nil
}

func (d *denied) holds(cert *x509.Certificate) bool {
	return slices.ContainsFunc(d.certificates, func(id deniedCertificate) bool {
		if id.serial.Cmp(cert.SerialNumber) != 0 {
			return false
		}
		issuer, err := readName(cert.Issuer.String())
		return err == nil && slices.Equal(id.issuer, issuer)
	})
}
