package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
)

// scope is what a revocation list covers of the certificates of its issuer. The
// zero value covers all.
type scope struct {
	urls        []string // those whose certificates name one of these; empty: any
	authorities bool     // authorities only
}

// issuingDistributionPoint is RFC 5280, section 5.2.5.
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

// parseScope refuses lists for less than all reasons, for leaves only, and for
// certificates of other issuers.
func parseScope(der []byte) (scope, error) {
	var point issuingDistributionPoint
	rest, err := asn1.Unmarshal(der, &point)
	if err != nil {
		return scope{}, err
	}
	// Unmarshal passes over fields that it does not know, nameRelativeToCRLIssuer
	// for example, and a list would seem to cover more than it does.
	again, err := asn1.Marshal(point)
	if err != nil || len(rest) > 0 || !bytes.Equal(again, der) {
		return scope{}, errors.New("found fields that are unknown or not in DER")
	}
	if point.OnlyContainsUserCerts || point.OnlyContainsAttributeCerts || point.IndirectCRL || point.OnlySomeReasons.BitLength > 0 {
		return scope{}, errors.New("found a list that covers a part only, expected one for all certificates of the issuer or for authorities")
	}
	names := point.DistributionPoint.FullName
	if names != nil && len(names) == 0 {
		return scope{}, errors.New("found an empty name")
	}
	s := scope{authorities: point.OnlyContainsCACerts}
	for _, name := range names {
		if name.Class != asn1.ClassContextSpecific || name.Tag != tagURI || name.IsCompound {
			return scope{}, errors.New("found a name that is not a URL")
		}
		s.urls = append(s.urls, string(name.Bytes))
	}
	return s, nil
}

func (s scope) covers(cert *x509.Certificate) bool {
	if s.authorities && !cert.IsCA {
		return false
	}
	return len(s.urls) == 0 || slices.ContainsFunc(cert.CRLDistributionPoints, func(url string) bool {
		return slices.Contains(s.urls, url)
	})
}

// key is equal for scopes that are.
func (s scope) key() string { return fmt.Sprintf("%t %q", s.authorities, s.urls) }

func (s scope) equal(other scope) bool {
	return s.authorities == other.authorities && slices.Equal(s.urls, other.urls)
}
