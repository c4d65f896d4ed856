package certs

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Bounds of a chain in an attestation document (attestation process document
// of aws/aws-nitro-enclaves-nsm-api). Real ones have 4 certificates in the
// bundle and none above 800 bytes.
const (
	MaxBundle          = 8    // certificates in a CA bundle
	MaxCertificateSize = 1024 // bytes of DER
)

// MaxClockSkew bounds [Config.ClockSkew].
const MaxClockSkew = time.Hour

// Chain is a chain of certificates as an attestation document carries it.
type Chain struct {
	Bundle [][]byte // 1 to 8 certificates in DER, root first
	Leaf   []byte   // the certificate in DER that signs the document
	// ModuleID is the module_id of the document, which the common name of the
	// leaf has to begin with.
	ModuleID string
}

// Verifier walks chains to a set of pinned roots. It is safe for concurrent
// use.
type Verifier struct {
	roots          *Roots
	revocations    *Revocations
	cache          *cache
	clockSkew      time.Duration
	checkSignature func(parent, child *x509.Certificate) error
}

// Config is what [NewVerifier] makes a [Verifier] of. Each
// field may be left out.
type Config struct {
	// Revocations knows what is revoked. Nil: revocation is not checked.
	Revocations *Revocations
	// CachedCertificates is how many certificates with a verified signature are
	// remembered, at about 6 KiB each. 0: none.
	CachedCertificates int
	// ClockSkew is how long before its notBefore a leaf is accepted, at most
	// MaxClockSkew. AWS dates leaves back by a few seconds only, so that a
	// clock which is slow by more sees the leaf of a fresh document as one of
	// the future. It changes nothing for the certificates of the bundle and
	// nothing at the end of any validity. 0: no tolerance.
	ClockSkew time.Duration
	// Signatures verifies the signatures of the certificates. Nil: package
	// crypto/ecdsa. NewVerifier tries it with known answers and fails if it is
	// wrong about one, and under GODEBUG=fips140=only.
	Signatures SignatureVerifier
}

// NewVerifier returns a Verifier that trusts the given roots and nothing else.
// It fails without roots, and for a configuration that makes no sense.
func NewVerifier(roots *Roots, config Config) (*Verifier, error) {
	if roots == nil || len(roots.certs) == 0 {
		return nil, errors.New("certs: no roots: there is no default")
	}
	if r := config.Revocations; r != nil && r.unknown == "" {
		return nil, errors.New("certs: Config.Revocations: found a zero value, expected what NewRevocations returns")
	}
	if config.CachedCertificates < 0 {
		return nil, fmt.Errorf("certs: Config.CachedCertificates: found %d, expected 0 or more", config.CachedCertificates)
	}
	if config.ClockSkew < 0 || config.ClockSkew > MaxClockSkew {
		return nil, fmt.Errorf("certs: Config.ClockSkew: found %s, expected 0 to %s", config.ClockSkew, MaxClockSkew)
	}
	if err := trySignatures(config.Signatures); err != nil {
		return nil, fmt.Errorf("certs: Config.Signatures: %w", err)
	}
	return &Verifier{
		roots:          roots,
		revocations:    config.Revocations,
		cache:          newCache(config.CachedCertificates),
		clockSkew:      config.ClockSkew,
		checkSignature: signatureCheck(config.Signatures),
	}, nil
}

// Verify returns the certificates of a chain, leaf first and root last, when
// there is nothing to refuse in it at the given time, and otherwise an [*Error]
// with the first [Reason]. The certificates are shared and must not be
// modified; they do not refer to the memory of c.
//
// It verifies at most len(c.Bundle) signatures, fewer when the first
// certificates are known from an earlier chain, and none at all when anything
// else refuses the chain.
func (v *Verifier) Verify(c Chain, at time.Time) ([]*x509.Certificate, error) {
	chain, fault := v.walk(c, at)
	if fault != nil {
		return nil, fault
	}
	slices.Reverse(chain)
	return chain, nil
}

// walk looks for the reasons in the order of their constants.
func (v *Verifier) walk(c Chain, at time.Time) ([]*x509.Certificate, *Error) {
	chain, known, fault := v.read(c, at)
	if fault != nil {
		return nil, fault
	}
	for _, check := range []func([]*x509.Certificate) *Error{
		checkRoles,
		checkLinks,
		checkPathLengths,
		func(chain []*x509.Certificate) *Error { return checkName(chain, c.ModuleID) },
		func(chain []*x509.Certificate) *Error { return v.checkSignatures(chain, known) },
		func(chain []*x509.Certificate) *Error { return v.revocations.check(chain, c.ModuleID, at) },
	} {
		if fault := check(chain); fault != nil {
			fault.Subject = chain[fault.Position].Subject.String()
			return nil, fault
		}
	}
	return chain, nil
}

// read returns the certificates, root first, each of them well-formed and valid
// at the given time, with the pinned root in place of the one that the
// document brings. The first known ones are known to be signed by the one
// before.
func (v *Verifier) read(c Chain, at time.Time) (chain []*x509.Certificate, known int, fault *Error) {
	if fault := checkSizes(c); fault != nil {
		return nil, 0, fault
	}
	root := v.roots.find(c.Bundle[0])
	if root == nil {
		return nil, 0, unknownRoot(c.Bundle[0])
	}
	chain = make([]*x509.Certificate, len(c.Bundle)+1)
	chain[0] = root
	known = 1 + v.cache.fill(chain, c)
	// The period of the leaf is the shortest. Beginning with it, an expired
	// chain costs the parsing of one certificate.
	for i := len(chain) - 1; i >= 0; i-- {
		if i >= known {
			if chain[i], fault = parse(c.at(i)); fault != nil {
				fault.Position = i
				return nil, 0, fault
			}
		}
		skew := v.clockSkew
		if i < len(chain)-1 {
			skew = 0
		}
		if fault := checkValidity(chain[i], at, skew); fault != nil {
			fault.Position = i
			return nil, 0, fault
		}
	}
	return chain, known, nil
}

func checkSizes(c Chain) *Error {
	if len(c.Bundle) == 0 || len(c.Bundle) > MaxBundle {
		return &Error{Reason: BundleLength, Detail: fmt.Sprintf("found %d certificates, expected 1 to %d", len(c.Bundle), MaxBundle)}
	}
	for i := range len(c.Bundle) + 1 {
		if size := len(c.at(i)); size == 0 || size > MaxCertificateSize {
			return &Error{Reason: BundleLength, Position: i, Detail: fmt.Sprintf("found %d bytes, expected 1 to %d", size, MaxCertificateSize)}
		}
	}
	return nil
}

// at returns the certificate at a position of the chain, 0 being the root.
func (c Chain) at(position int) []byte {
	if position == len(c.Bundle) {
		return c.Leaf
	}
	return c.Bundle[position]
}

func unknownRoot(der []byte) *Error {
	fault := &Error{Reason: PinnedRoot, Detail: "found a root that is not among the pinned ones"}
	if cert, err := x509.ParseCertificate(der); err == nil {
		fault.Subject = cert.Subject.String()
	}
	return fault
}

func checkRoles(chain []*x509.Certificate) *Error {
	for i, cert := range chain {
		check := checkAuthority
		if i == len(chain)-1 {
			check = checkLeaf
		}
		if fault := check(cert); fault != nil {
			fault.Position = i
			return fault
		}
	}
	return nil
}

func checkLinks(chain []*x509.Certificate) *Error {
	for i := 1; i < len(chain); i++ {
		if !bytes.Equal(chain[i].RawIssuer, chain[i-1].RawSubject) {
			return &Error{Reason: IssuerName, Position: i, Detail: fmt.Sprintf("found issuer %q, expected %q", chain[i].Issuer, chain[i-1].Subject)}
		}
		for j := range i {
			// Not all of the bytes: a signature can be turned into another one.
			if bytes.Equal(chain[i].RawTBSCertificate, chain[j].RawTBSCertificate) {
				return &Error{Reason: Repeated, Position: i, Detail: fmt.Sprintf("it is certificate %d too", j)}
			}
		}
	}
	return nil
}

// checkPathLengths counts every authority below, self-issued ones too: RFC
// 5280 would let those pass uncounted, and AWS's chains have none.
func checkPathLengths(chain []*x509.Certificate) *Error {
	for i, cert := range chain[:len(chain)-1] {
		below := len(chain) - 2 - i
		if cert.MaxPathLen >= 0 && below > cert.MaxPathLen {
			return &Error{Reason: PathLength, Position: i, Detail: fmt.Sprintf("found %d authorities below it, expected at most %d", below, cert.MaxPathLen)}
		}
	}
	return nil
}

func checkName(chain []*x509.Certificate, moduleID string) *Error {
	last := len(chain) - 1
	fault := checkLeafName(chain[last], moduleID)
	if fault != nil {
		fault.Position = last
	}
	return fault
}

// checkSignatures remembers the certificates down to the first bad signature,
// whatever follows them: otherwise a forged leaf below a genuine chain, which
// anybody can take from a document, would cost all of its signatures each time.
func (v *Verifier) checkSignatures(chain []*x509.Certificate, known int) *Error {
	for i := known; i < len(chain); i++ {
		if err := v.checkSignature(chain[i-1], chain[i]); err != nil {
			v.cache.add(chain[:i], known)
			return &Error{Reason: Signature, Position: i, Detail: fmt.Sprintf("found a signature that is not that of %q", chain[i-1].Subject), Err: err}
		}
	}
	v.cache.add(chain, known)
	return nil
}
