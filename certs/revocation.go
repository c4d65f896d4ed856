package certs

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync/atomic"
	"time"
)

// UnknownStatus says what to do about a certificate that names a revocation
// list when no current list of its issuer is at hand.
type UnknownStatus string

const (
	// RefuseUnknown refuses the chain: fail closed.
	RefuseUnknown UnknownStatus = "refuse"
	// InsecureAcceptUnknown takes the certificate for good: fail open. Whoever
	// can keep the lists from arriving keeps a revoked certificate alive.
	InsecureAcceptUnknown UnknownStatus = "insecure-accept"
)

// RevocationConfig is what [NewRevocations] is made of.
type RevocationConfig struct {
	// Unknown has to be chosen; there is no default.
	Unknown UnknownStatus
	// CRLs are revocation lists (RFC 5280, section 5), each in DER or as one or
	// more PEM blocks of type X509 CRL.
	CRLs [][]byte
	// Certificates and Modules are denied whatever the lists say.
	Certificates []CertificateID
	Modules      []string // module IDs, "i-...-enc..."
}

// CertificateID names a certificate by what revocation lists go by: its issuer
// and serial number, never its bytes, for one certificate can have several
// encodings of its signature.
type CertificateID struct {
	Issuer string // the issuer as text, as in x509.Certificate.Issuer.String()
	Serial *big.Int
}

// Revocations knows which certificates and modules are no longer trusted. It
// reads nothing from the network. It is safe for concurrent use.
//
// Of AWS's chains the regional and zonal certificates name a list; instance
// certificates last a day and leaves three hours, and name none. A certificate
// that names no list is good unless some list of its issuer holds it.
type Revocations struct {
	unknown UnknownStatus
	denied  []CertificateID
	modules []string
	lists   atomic.Pointer[[]*revocationList]
}

// NewRevocations returns the revocations that a configuration describes. It
// fails when Unknown is not chosen, and for lists that are malformed or hold
// what this package cannot evaluate. Whether a list is signed by the issuer
// whose name it bears is checked against the chain that it is used on.
func NewRevocations(config RevocationConfig) (*Revocations, error) {
	if config.Unknown != RefuseUnknown && config.Unknown != InsecureAcceptUnknown {
		return nil, fmt.Errorf("certs: RevocationConfig.Unknown: found %q, expected %q or %q", config.Unknown, RefuseUnknown, InsecureAcceptUnknown)
	}
	for i, id := range config.Certificates {
		if id.Issuer == "" || id.Serial == nil {
			return nil, fmt.Errorf("certs: RevocationConfig.Certificates[%d]: found no issuer or no serial number, expected both", i)
		}
	}
	if slices.Contains(config.Modules, "") {
		return nil, errors.New("certs: RevocationConfig.Modules: found an empty module ID")
	}
	r := &Revocations{
		unknown: config.Unknown,
		denied:  slices.Clone(config.Certificates),
		modules: slices.Clone(config.Modules),
	}
	if err := r.SetCRLs(config.CRLs...); err != nil {
		return nil, err
	}
	return r, nil
}

// SetCRLs replaces all lists, at once for every verification that starts
// later. When one of them cannot be used it fails and the old ones stay.
func (r *Revocations) SetCRLs(crls ...[]byte) error {
	var lists []*revocationList
	for i, crl := range crls {
		parsed, err := parseCRLs(crl)
		if err != nil {
			return fmt.Errorf("certs: CRL %d: %w", i, err)
		}
		lists = append(lists, parsed...)
	}
	r.lists.Store(&lists)
	return nil
}

// maxLists bounds the lists that Update gathers. The root has one, each region
// has some, and the ones whose time is over make room.
const maxLists = 1024

// Update adds a list in DER that issuer signed, or puts it in the place of the
// list with the same issuer and scope. It fails, and leaves the lists as they
// are, when issuer did not sign it or when it is older than the one it would
// replace. The caller vouches for the issuer: take it from a verified chain.
func (r *Revocations) Update(issuer *x509.Certificate, crl []byte) error {
	list, err := parseCRL(crl)
	if err != nil {
		return fmt.Errorf("certs: CRL: %w", err)
	}
	if !bytes.Equal(list.crl.RawIssuer, issuer.RawSubject) || !list.signedBy(issuer) {
		return fmt.Errorf("certs: CRL: found one of %q, expected one that %q signed", list.crl.Issuer, issuer.Subject)
	}
	for {
		old := r.lists.Load()
		lists, err := replace(*old, list)
		if err != nil {
			return fmt.Errorf("certs: CRL: %w", err)
		}
		if r.lists.CompareAndSwap(old, &lists) {
			return nil
		}
	}
}

// replace returns lists with a new one, and without those it stands for.
func replace(lists []*revocationList, list *revocationList) ([]*revocationList, error) {
	out := make([]*revocationList, 0, len(lists)+1)
	for _, old := range lists {
		if !old.sameScope(list) {
			out = append(out, old)
			continue
		}
		if list.crl.ThisUpdate.Before(old.crl.ThisUpdate) {
			return nil, fmt.Errorf("found the list of %s, expected one no older than that of %s", stamp(list.crl.ThisUpdate), stamp(old.crl.ThisUpdate))
		}
	}
	if len(out) >= maxLists {
		slices.SortStableFunc(out, func(a, b *revocationList) int { return b.crl.NextUpdate.Compare(a.crl.NextUpdate) })
		out = out[:maxLists-1]
	}
	return append(out, list), nil
}

// check looks at every certificate below the root of a chain whose signatures
// have been verified.
func (r *Revocations) check(chain []*x509.Certificate, moduleID string, at time.Time) *Error {
	if r == nil {
		return nil
	}
	if slices.Contains(r.modules, moduleID) {
		return &Error{Rule: Revoked, Position: len(chain) - 1, Detail: fmt.Sprintf("the module %q is denied", moduleID)}
	}
	lists := *r.lists.Load()
	for i := 1; i < len(chain); i++ {
		if r.denies(chain[i]) {
			return &Error{Rule: Revoked, Position: i, Detail: "it is denied by issuer and serial number"}
		}
		if fault := r.look(lists, chain[i-1], chain[i], at); fault != nil {
			fault.Position = i
			return fault
		}
	}
	return nil
}

func (r *Revocations) denies(cert *x509.Certificate) bool {
	return slices.ContainsFunc(r.denied, func(id CertificateID) bool {
		return id.Serial.Cmp(cert.SerialNumber) == 0 && id.Issuer == cert.Issuer.String()
	})
}

// look asks the lists of one issuer. A list that is out of date can still say
// that a certificate is revoked, but no longer that it is not.
func (r *Revocations) look(lists []*revocationList, issuer, cert *x509.Certificate, at time.Time) *Error {
	current := false
	for _, list := range lists {
		if !bytes.Equal(list.crl.RawIssuer, issuer.RawSubject) || !list.covers(cert) || !list.signedBy(issuer) {
			continue
		}
		if entry := list.find(cert.SerialNumber); entry != nil {
			return &Error{Rule: Revoked, Detail: fmt.Sprintf("revoked on %s, by the list of %s", stamp(entry.RevocationTime), stamp(list.crl.ThisUpdate))}
		}
		current = current || list.currentAt(at)
	}
	if current || len(cert.CRLDistributionPoints) == 0 || r.unknown == InsecureAcceptUnknown {
		return nil
	}
	return &Error{Rule: RevocationUnknown, Detail: fmt.Sprintf("found no list of its issuer that is current at %s and covers it, expected that of %q", stamp(at), cert.CRLDistributionPoints)}
}
