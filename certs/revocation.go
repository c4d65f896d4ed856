package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"sync"
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
	// CRLs are revocation lists, see [Revocations.SetCRLs].
	CRLs [][]byte
	// Certificates and Modules are denied whatever the lists say, see
	// [Revocations.SetDenied].
	Certificates []CertificateID
	Modules      []string
	// MaxListSize bounds each argument of SetCRLs and Update, in bytes: parsing
	// a list takes some 30 times its size in memory, and about 0.1 s for a MiB,
	// before its signature can be looked at. Zero: DefaultMaxListSize.
	MaxListSize int
	// MemoryFile keeps what is remembered of the lists of each issuer, see
	// Revocations, over a restart. It is read here, if there is one, and written
	// by [Revocations.SaveMemory]. Whoever can write to it can bring an old list
	// back, or keep new ones out. Empty: a restart forgets.
	MemoryFile string
}

// DefaultMaxListSize is for some 25000 entries. AWS's lists have hardly any.
const DefaultMaxListSize = 1 << 20

// Revocations knows which certificates and modules are no longer trusted. It
// reads nothing from the network; package crlfetch does, for services. It is
// safe for concurrent use, and every verification that starts after a change
// goes by the change, whatever chains are cached.
//
// A certificate is revoked when a list of its issuer holds its serial number
// (RFC 5280, section 6.3). The list has to name the issuer, to be signed by the
// key of the issuing certificate in the chain, and to cover the certificate.
// A list that is past its nextUpdate can still say that a certificate is
// revoked, but no longer that it is not.
//
// Of AWS's chains the regional and zonal certificates name a list; instance
// certificates last a day and leaves three hours, and name none. A certificate
// that names no list is good unless some list of its issuer holds it.
//
// It remembers, for each issuer whose signature on a list was verified and each
// scope of its lists (RFC 5280, section 5.2.5), how new the newest of them was,
// by thisUpdate and CRL number. An older list is refused from then on, or, where
// the issuer is met only later, no longer says that a certificate is good. This
// holds when the newer list is gone, too: whoever can write the files of the
// lists brings back no old one. A list that nobody signed is compared with
// nothing and takes the place of nothing. Neither is one that was replaced before
// a chain of its issuer was verified. A restart forgets, unless there is a
// RevocationConfig.MemoryFile.
//
// The verification time counts, not the present: a document of the past that
// is appraised as of its own timestamp needs a list whose nextUpdate is not
// before it and that was made before the certificate expired. Such a list
// revokes the certificate even if it was made, or dates the revocation, later.
type Revocations struct {
	unknown     UnknownStatus
	maxListSize int
	memory      *memory
	denied      atomic.Pointer[denied]
	lists       atomic.Pointer[[]*revocationList]
	changing    sync.Mutex // held by who replaces lists
}

// NewRevocations returns the revocations that a configuration describes. It
// fails when Unknown is not chosen, and where SetCRLs or SetDenied would.
func NewRevocations(config RevocationConfig) (*Revocations, error) {
	if config.Unknown != RefuseUnknown && config.Unknown != InsecureAcceptUnknown {
		return nil, fmt.Errorf("certs: RevocationConfig.Unknown: found %q, expected %q or %q", config.Unknown, RefuseUnknown, InsecureAcceptUnknown)
	}
	if config.MaxListSize < 0 {
		return nil, fmt.Errorf("certs: RevocationConfig.MaxListSize: found %d, expected 1 or more, or 0 for %d", config.MaxListSize, DefaultMaxListSize)
	}
	r := &Revocations{unknown: config.Unknown, maxListSize: config.MaxListSize, memory: newMemory(config.MemoryFile)}
	if r.maxListSize == 0 {
		r.maxListSize = DefaultMaxListSize
	}
	r.lists.Store(new([]*revocationList))
	if err := r.memory.load(); err != nil {
		return nil, fmt.Errorf("certs: RevocationConfig.MemoryFile: %w", err)
	}
	if err := r.SetDenied(config.Certificates, config.Modules); err != nil {
		return nil, err
	}
	if err := r.SetCRLs(config.CRLs...); err != nil {
		return nil, err
	}
	return r, nil
}

var errZeroRevocations = errors.New("certs: Revocations: found a zero value, expected what NewRevocations returns")

func (r *Revocations) isZero() bool { return r == nil || r.unknown == "" }

// check looks at every certificate of a chain whose signatures have been
// verified.
func (r *Revocations) check(chain []*x509.Certificate, moduleID string, at time.Time) *Error {
	if r == nil {
		return nil
	}
	if fault := r.denied.Load().check(chain, moduleID); fault != nil {
		return fault
	}
	lists := *r.lists.Load()
	for i := 1; i < len(chain); i++ {
		if fault := r.look(lists, chain[i-1], chain[i], at); fault != nil {
			fault.Position = i
			return fault
		}
	}
	return nil
}

// look asks the lists of one issuer.
func (r *Revocations) look(lists []*revocationList, issuer, cert *x509.Certificate, at time.Time) *Error {
	known := false
	for _, of := range r.signed(lists, issuer, cert) {
		if date, ok := of.list.revokes(cert.SerialNumber); ok {
			return &Error{Reason: Revoked, Detail: fmt.Sprintf("revoked on %s, by the list of %s", stamp(date), stamp(of.list.crl.ThisUpdate))}
		}
		known = known || of.list.answers(cert, at) && !of.outdated(cert)
	}
	if known || !namesList(cert) || r.unknown == InsecureAcceptUnknown {
		return nil
	}
	return &Error{Reason: RevocationUnknown, Detail: fmt.Sprintf("found no list of its issuer that is current at %s and covers it, expected that of %q", stamp(at), cert.CRLDistributionPoints)}
}

// CurrentUntil returns the latest time at which a list at hand can tell that a
// certificate is not revoked: the last nextUpdate of the lists that its issuer
// signed and that cover it, or the zero time when there is none. Both
// certificates are taken for authentic.
func (r *Revocations) CurrentUntil(issuer, cert *x509.Certificate) time.Time {
	var until time.Time
	if r.isZero() || issuer == nil || cert == nil {
		return until
	}
	for _, of := range r.signed(*r.lists.Load(), issuer, cert) {
		if of.list.crl.NextUpdate.After(until) && of.list.speaksOf(cert) && !of.outdated(cert) {
			until = of.list.crl.NextUpdate
		}
	}
	return until
}

// signedList is a list with the series of its issuer's that it belongs to.
type signedList struct {
	list   *revocationList
	series *series
}

// outdated reports whether the issuer has made a newer list since that speaks of
// the certificate: one that is made after the certificate has expired no longer
// does.
func (l signedList) outdated(cert *x509.Certificate) bool {
	newest := l.series.newest.Load()
	return newest.newerThan(l.list.issue()) && !newest.thisUpdate.After(cert.NotAfter)
}

// signed returns the lists that cover a certificate and that its issuer signed,
// when all of them are remembered.
func (r *Revocations) signed(lists []*revocationList, issuer, cert *x509.Certificate) []signedList {
	var out []signedList
	for _, list := range lists {
		if list.scope.covers(cert) && list.signedBy(issuer) {
			out = append(out, signedList{list, list.remembered(r.memory, issuer)})
		}
	}
	return out
}

var oidCRLDistributionPoints = asn1.ObjectIdentifier{2, 5, 29, 31}

// namesList goes by the extension: one without a URL that the parser knows asks
// for a list all the same.
func namesList(cert *x509.Certificate) bool {
	return slices.ContainsFunc(cert.Extensions, func(extension pkix.Extension) bool {
		return extension.Id.Equal(oidCRLDistributionPoints)
	})
}
