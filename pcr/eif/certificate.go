package eif

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	_ "crypto/sha256" // for ES256
	_ "crypto/sha512" // for ES384 and ES512
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/veraison/go-cose"
)

const (
	pemAnyBegin = "-----BEGIN "
	pemBegin    = "-----BEGIN CERTIFICATE-----"
	pemEnd      = "-----END CERTIFICATE-----"
)

// parseCertificate returns the certificate at the start of text in PEM, and
// whether text holds something else too: a description before it, the rest of
// a chain after it.
//
// AWS's tools and QEMU take the first certificate that OpenSSL and GnuTLS
// find. The three parsers differ in what they skip, so the first line that
// looks like the start of anything has to be the start of the certificate.
func parseCertificate(text []byte) (*x509.Certificate, bool, error) {
	start := bytes.Index(text, []byte(pemAnyBegin))
	if start < 0 || start > 0 && text[start-1] != '\n' {
		return nil, false, errors.New("found no certificate as the first PEM block")
	}
	line, _, _ := bytes.Cut(text[start:], []byte("\n"))
	if string(bytes.TrimRight(line, " \t\r")) != pemBegin {
		return nil, false, errors.New("found no certificate as the first PEM block")
	}
	length := bytes.Index(text[start:], []byte(pemEnd))
	if length < 0 {
		return nil, false, errors.New("found a PEM block without an end")
	}
	end := start + length + len(pemEnd)
	block, rest := pem.Decode(text[start:end])
	if block == nil || len(block.Headers) > 0 || len(rest) > 0 {
		return nil, false, errors.New("found a PEM block that is not plain base64")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		if certificate = parseNarrow(block.Bytes); certificate == nil {
			return nil, false, err
		}
	}
	extra := len(bytes.TrimSpace(text[:start])) > 0 || len(bytes.TrimSpace(text[end:])) > 0
	return certificate, extra, nil
}

// parseNarrow reads of a certificate what the signature of an image needs, its
// key and its period, where crypto/x509 refuses the whole for something else: a
// negative serial number for example, which openssl makes and AWS's tools take.
// PCR8 covers the bytes, whatever they say. It returns nil where it cannot.
func parseNarrow(der []byte) *x509.Certificate {
	var outer struct {
		TBS struct {
			Version             asn1.RawValue `asn1:"optional,explicit,default:0,tag:0"`
			Serial              asn1.RawValue
			Algorithm           asn1.RawValue
			Issuer              asn1.RawValue
			Validity            struct{ NotBefore, NotAfter time.Time }
			Subject             asn1.RawValue
			Key                 asn1.RawValue
			IssuerID, SubjectID asn1.RawValue `asn1:"optional"`
			Extensions          asn1.RawValue `asn1:"optional"`
		}
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if rest, err := asn1.Unmarshal(der, &outer); err != nil || len(rest) > 0 {
		return nil
	}
	key, err := x509.ParsePKIXPublicKey(outer.TBS.Key.FullBytes)
	if err != nil {
		return nil
	}
	return &x509.Certificate{
		Raw: der, RawIssuer: outer.TBS.Issuer.FullBytes, RawSubject: outer.TBS.Subject.FullBytes,
		RawSubjectPublicKeyInfo: outer.TBS.Key.FullBytes, PublicKey: key,
		NotBefore: outer.TBS.Validity.NotBefore, NotAfter: outer.TBS.Validity.NotAfter,
	}
}

// algorithm is how a key of one curve signs (RFC 9053, section 2.1, with the
// pairing of curve and hash that AWS's tools insist on).
type algorithm struct {
	id   cose.Algorithm
	hash crypto.Hash
}

func algorithmFor(key crypto.PublicKey) (algorithm, error) {
	public, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return algorithm{}, fmt.Errorf("found a key of type %T, expected ECDSA", key)
	}
	switch public.Curve {
	case elliptic.P256():
		return algorithm{cose.AlgorithmES256, crypto.SHA256}, nil
	case elliptic.P384():
		return algorithm{cose.AlgorithmES384, crypto.SHA384}, nil
	case elliptic.P521():
		return algorithm{cose.AlgorithmES512, crypto.SHA512}, nil
	default:
		return algorithm{}, fmt.Errorf("found a key on %s, expected P-256, P-384 or P-521", public.Curve.Params().Name)
	}
}

// protected returns the only protected header that an image's signature has:
// {1: algorithm}.
func (a algorithm) protected() cose.ProtectedHeader {
	return cose.ProtectedHeader{cose.HeaderLabelAlgorithm: a.id}
}
