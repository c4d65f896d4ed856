package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"sync"
	"time"
)

var (
	oidIssuingDistributionPoint = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidDeltaCRLIndicator        = asn1.ObjectIdentifier{2, 5, 29, 27}
	oidReasonCode               = asn1.ObjectIdentifier{2, 5, 29, 21}
	oidCertificateIssuer        = asn1.ObjectIdentifier{2, 5, 29, 29}
)

// revocationList is a parsed CRL and the issuers under whom its signature was
// found good or bad.
type revocationList struct {
	crl      *x509.RevocationList // without its entries and extensions
	scope    scope
	revoked  map[string]time.Time // by the bytes of the serial number
	gathered bool                 // makes room for others; Revocations.changing guards it

	mu       sync.Mutex
	verified map[string]bool    // by the DER of the issuer's key
	met      map[string]*series // the same, of those who signed it
}

// maxIssuers bounds what a list remembers. One key signs a list; few share its
// name.
const maxIssuers = 16

// parseCRLs reads one list in DER, or all of a PEM file.
func parseCRLs(data []byte) ([]*revocationList, *ListError) {
	text := bytes.TrimSpace(data)
	if !bytes.HasPrefix(text, pemBegin) {
		list, refused := parseCRL(data) // as it is: the last byte of DER may look like a space
		return []*revocationList{list}, refused
	}
	var lists []*revocationList
	for len(text) > 0 {
		// Decode passes over what it cannot read, damaged blocks too. A list
		// that is passed over is a list that revokes nothing.
		block, rest := pem.Decode(text)
		if block == nil || block.Type != "X509 CRL" || !bytes.HasPrefix(text, pemBegin) || bytes.Count(text[:len(text)-len(rest)], pemBegin) != 1 {
			return nil, malformed("PEM block %d: found something else, expected nothing but blocks of type X509 CRL", len(lists))
		}
		list, refused := parseCRL(block.Bytes)
		if refused != nil {
			refused.Detail = fmt.Sprintf("PEM block %d: %s", len(lists), refused.Detail)
			return nil, refused
		}
		lists = append(lists, list)
		text = bytes.TrimSpace(rest)
	}
	return lists, nil
}

var pemBegin = []byte("-----BEGIN")

func parseCRL(der []byte) (*revocationList, *ListError) {
	crl, err := x509.ParseRevocationList(bytes.Clone(der))
	if err != nil {
		return nil, &ListError{Reason: MalformedList, Detail: "found something that is not a revocation list in DER", Err: err}
	}
	switch {
	case len(crl.Raw) != len(der):
		return nil, malformed("found %d bytes after the list, expected none", len(der)-len(crl.Raw))
	case crl.NextUpdate.IsZero():
		return nil, unsupported("found no nextUpdate, without which it would be current for ever")
	case crl.NextUpdate.Before(crl.ThisUpdate):
		return nil, malformed("found nextUpdate %s, expected one after thisUpdate %s", stamp(crl.NextUpdate), stamp(crl.ThisUpdate))
	case crl.SignatureAlgorithm != x509.ECDSAWithSHA384:
		return nil, unsupported("found a signature with %s, expected %s", crl.SignatureAlgorithm, x509.ECDSAWithSHA384)
	}
	list := &revocationList{crl: crl, verified: map[string]bool{}, met: map[string]*series{}}
	if refused := list.readExtensions(); refused != nil {
		return nil, refused
	}
	if refused := list.readEntries(); refused != nil {
		return nil, refused
	}
	return list, nil
}

func (l *revocationList) readExtensions() *ListError {
	seen := map[string]bool{}
	for _, extension := range l.crl.Extensions {
		id := extension.Id.String()
		if seen[id] {
			return malformed("found the extension %s twice", id)
		}
		seen[id] = true
		switch {
		case extension.Id.Equal(oidIssuingDistributionPoint):
			var err error
			if l.scope, err = parseScope(extension.Value); err != nil {
				return &ListError{Reason: UnsupportedList, Detail: "issuing distribution point", Err: err}
			}
		case extension.Id.Equal(oidDeltaCRLIndicator):
			return unsupported("found a delta CRL, which says only what has changed; expected a complete one")
		case extension.Critical:
			return unsupported("found the critical extension %s, expected none but an issuing distribution point", id)
		}
	}
	return nil
}

// readEntries keeps of each entry what a verification needs. The parsed ones take
// several times as much memory.
func (l *revocationList) readEntries() *ListError {
	l.revoked = make(map[string]time.Time, len(l.crl.RevokedCertificateEntries))
	for _, entry := range l.crl.RevokedCertificateEntries {
		if entry.SerialNumber.Sign() < 0 {
			return malformed("serial %x: found a negative number", entry.SerialNumber)
		}
		for _, extension := range entry.Extensions {
			if extension.Id.Equal(oidCertificateIssuer) || extension.Critical && !extension.Id.Equal(oidReasonCode) {
				return unsupported("serial %x: found the extension %s, expected none that changes the meaning of the entry", entry.SerialNumber, extension.Id)
			}
		}
		l.revoked[string(entry.SerialNumber.Bytes())] = entry.RevocationTime
	}
	l.crl = &x509.RevocationList{
		RawTBSRevocationList: l.crl.RawTBSRevocationList,
		RawIssuer:            l.crl.RawIssuer,
		Issuer:               l.crl.Issuer,
		AuthorityKeyId:       l.crl.AuthorityKeyId,
		Signature:            l.crl.Signature,
		SignatureAlgorithm:   l.crl.SignatureAlgorithm,
		ThisUpdate:           l.crl.ThisUpdate,
		NextUpdate:           l.crl.NextUpdate,
		Number:               l.crl.Number,
	}
	return nil
}

// revokes returns the date at which the list says that a serial number was
// revoked. The date plays no part in the decision: a key that is known to be
// compromised since then may have been before.
func (l *revocationList) revokes(serial *big.Int) (time.Time, bool) {
	date, ok := l.revoked[string(serial.Bytes())]
	return date, ok
}

// answers reports whether a certificate is good at a time because the list does
// not hold it: until nextUpdate, its end included. As in RFC 5280, section
// 6.3.3, thisUpdate does not bound it from below, for an entry stays on all
// lists until the certificate has expired (section 3.3): a list that is made
// after the verification time, but before that, knows more and not less.
func (l *revocationList) answers(cert *x509.Certificate, at time.Time) bool {
	return l.speaksOf(cert) && !at.After(l.crl.NextUpdate)
}

// speaksOf reports whether the list was made before a certificate expired.
func (l *revocationList) speaksOf(cert *x509.Certificate) bool {
	return !l.crl.ThisUpdate.After(cert.NotAfter)
}

// issue is what tells two lists of one series apart.
type issue struct {
	thisUpdate time.Time
	number     *big.Int // nil: none
}

func (l *revocationList) issue() issue { return issue{l.crl.ThisUpdate, l.crl.Number} }

// newerThan goes by the time of issue. Of two that bear the same second, the
// number decides.
func (i issue) newerThan(other issue) bool {
	if !i.thisUpdate.Equal(other.thisUpdate) || i.number == nil || other.number == nil {
		return i.thisUpdate.After(other.thisUpdate)
	}
	return i.number.Cmp(other.number) > 0
}

// signedBy reports whether an issuer signed the list and is allowed to. The
// issuer has to be authentic. It verifies once for each key, so that no peer
// can make it verify again and again: the same key comes in certificates of
// other bytes, for ECDSA signatures have two forms.
func (l *revocationList) signedBy(issuer *x509.Certificate) bool {
	if !bytes.Equal(l.crl.RawIssuer, issuer.RawSubject) || !issuer.IsCA || issuer.KeyUsage&x509.KeyUsageCRLSign == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := string(issuer.RawSubjectPublicKeyInfo)
	good, known := l.verified[key]
	if !known {
		good = issuer.CheckSignature(l.crl.SignatureAlgorithm, l.crl.RawTBSRevocationList, l.crl.Signature) == nil
		if len(l.verified) == maxIssuers {
			clear(l.verified)
		}
		l.verified[key] = good
	}
	return good
}

// remembered is the series of a list that issuer signed. The memory is asked once
// for each key, and only the one that signed the list gets here.
func (l *revocationList) remembered(m *memory, issuer *x509.Certificate) *series {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.met[string(issuer.RawSubjectPublicKeyInfo)]
	if s == nil {
		s = m.meet(issuer, l)
		l.met[string(issuer.RawSubjectPublicKeyInfo)] = s
	}
	return s
}
