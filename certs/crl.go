package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"time"
)

var (
	oidIssuingDistributionPoint = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidReasonCode               = asn1.ObjectIdentifier{2, 5, 29, 21}
)

// revocationList is a parsed CRL and the issuers under whom its signature was
// found good or bad.
type revocationList struct {
	crl     *x509.RevocationList
	scope   []string       // URLs of the issuing distribution point; empty: everything the issuer issues
	entries map[string]int // by the bytes of the serial number

	mu       sync.Mutex
	verified map[string]bool // by the DER of the issuer
}

// maxIssuers bounds what a list remembers. One issuer signs a list; a handful
// of certificates may be reissued with its name.
const maxIssuers = 16

// parseCRLs reads one list in DER, or all of a PEM file.
func parseCRLs(data []byte) ([]*revocationList, error) {
	data = bytes.TrimSpace(data)
	if !bytes.HasPrefix(data, []byte("-----BEGIN")) {
		list, err := parseCRL(data)
		return []*revocationList{list}, err
	}
	var lists []*revocationList
	for len(data) > 0 {
		block, rest := pem.Decode(data)
		if block == nil || block.Type != "X509 CRL" {
			return nil, errors.New("found something else, expected PEM blocks of type X509 CRL only")
		}
		list, err := parseCRL(block.Bytes)
		if err != nil {
			return nil, err
		}
		lists = append(lists, list)
		data = bytes.TrimSpace(rest)
	}
	return lists, nil
}

func parseCRL(der []byte) (*revocationList, error) {
	crl, err := x509.ParseRevocationList(bytes.Clone(der))
	if err != nil {
		return nil, err
	}
	if crl.NextUpdate.IsZero() {
		return nil, errors.New("found no nextUpdate, without which it would be current for ever")
	}
	if crl.SignatureAlgorithm != x509.ECDSAWithSHA384 {
		return nil, fmt.Errorf("found a signature with %s, expected %s", crl.SignatureAlgorithm, x509.ECDSAWithSHA384)
	}
	list := &revocationList{crl: crl, entries: map[string]int{}, verified: map[string]bool{}}
	for _, extension := range crl.Extensions {
		if extension.Id.Equal(oidIssuingDistributionPoint) {
			if list.scope, err = parseScope(extension.Value); err != nil {
				return nil, fmt.Errorf("issuing distribution point: %w", err)
			}
		} else if extension.Critical {
			return nil, fmt.Errorf("found the critical extension %s, expected none but an issuing distribution point", extension.Id)
		}
	}
	for i, entry := range crl.RevokedCertificateEntries {
		list.entries[string(entry.SerialNumber.Bytes())] = i
		for _, extension := range entry.Extensions {
			if extension.Critical && !extension.Id.Equal(oidReasonCode) {
				return nil, fmt.Errorf("serial %x: found the critical extension %s, expected none", entry.SerialNumber, extension.Id)
			}
		}
	}
	return list, nil
}

// issuingDistributionPoint is RFC 5280, section 5.2.5. Lists that cover less
// than all reasons, or certificates of other issuers, are refused.
type issuingDistributionPoint struct {
	DistributionPoint          distributionPointName `asn1:"optional,tag:0"`
	OnlyContainsUserCerts      bool                  `asn1:"optional,tag:1"`
	OnlyContainsCACerts        bool                  `asn1:"optional,tag:2"`
	OnlySomeReasons            asn1.BitString        `asn1:"optional,tag:3"`
	IndirectCRL                bool                  `asn1:"optional,tag:4"`
	OnlyContainsAttributeCerts bool                  `asn1:"optional,tag:5"`
}

type distributionPointName struct {
	FullName []asn1.RawValue `asn1:"optional,tag:0"`
}

// tagURI is uniformResourceIdentifier in GeneralName.
const tagURI = 6

func parseScope(der []byte) ([]string, error) {
	var point issuingDistributionPoint
	rest, err := asn1.Unmarshal(der, &point)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 || point.OnlyContainsUserCerts || point.OnlyContainsAttributeCerts || point.IndirectCRL || point.OnlySomeReasons.BitLength > 0 {
		return nil, errors.New("found a list that covers a part only, expected one for all certificates of the issuer or for authorities")
	}
	var scope []string
	for _, name := range point.DistributionPoint.FullName {
		if name.Class != asn1.ClassContextSpecific || name.Tag != tagURI {
			return nil, errors.New("found a name that is not a URL")
		}
		scope = append(scope, string(name.Bytes))
	}
	return scope, nil
}

// covers reports whether the list speaks of a certificate: it has no scope, or
// one of its URLs is one that the certificate names.
func (l *revocationList) covers(cert *x509.Certificate) bool {
	return len(l.scope) == 0 || slices.ContainsFunc(cert.CRLDistributionPoints, func(url string) bool {
		return slices.Contains(l.scope, url)
	})
}

// currentAt includes both ends.
func (l *revocationList) currentAt(at time.Time) bool {
	return !at.Before(l.crl.ThisUpdate) && !at.After(l.crl.NextUpdate)
}

// find returns the entry of a serial number. The date in it plays no part: a
// key that was compromised later may have been compromised earlier.
func (l *revocationList) find(serial *big.Int) *x509.RevocationListEntry {
	i, ok := l.entries[string(serial.Bytes())]
	if !ok {
		return nil
	}
	return &l.crl.RevokedCertificateEntries[i]
}

// sameScope reports whether two lists are issues of the same one.
func (l *revocationList) sameScope(other *revocationList) bool {
	return bytes.Equal(l.crl.RawIssuer, other.crl.RawIssuer) && slices.Equal(l.scope, other.scope)
}

// signedBy reports whether an issuer, which has to be authentic and allowed to
// sign lists, signed this one. It verifies once for each issuer.
func (l *revocationList) signedBy(issuer *x509.Certificate) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := string(issuer.Raw)
	good, known := l.verified[key]
	if !known {
		good = l.crl.CheckSignatureFrom(issuer) == nil
		if len(l.verified) == maxIssuers {
			clear(l.verified)
		}
		l.verified[key] = good
	}
	return good
}
