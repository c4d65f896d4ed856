package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha512"
	"crypto/x509"
	"errors"
)

// SignatureVerifier verifies ECDSA signatures on P-384, the only ones that
// there are in a document and its chain, in place of package crypto/ecdsa.
//
// Whoever sets one trusts it as much as the pinned root: if it takes one forged
// signature, a document of anybody's making is authentic. Nothing here makes up
// for that. The known answers that a constructor runs through it find an
// implementation that is wrong, not one that is malicious, nor one that is
// wrong once in 2^60 times.
type SignatureVerifier interface {
	// VerifyP384 reports whether (r, s) is a signature of digest by key, with
	// exactly the verdict of [ecdsa.VerifyASN1] (FIPS 186-5, section 6.4.2): r
	// and s from 1 to n-1, high values of s too, and a key that is a point of the
	// curve. digest is a SHA-384 of 48 bytes; r and s are numbers of 48 bytes
	// each, big endian. It must not keep or change what it is given, and is
	// called by many goroutines at a time.
	VerifyP384(key *ecdsa.PublicKey, digest, r, s []byte) bool
}

// scalarSize is the length of a number below the order of P-384.
const scalarSize = 48

// errSignature reads as what package x509 says: a verdict does not tell who
// verified.
var errSignature = errors.New("x509: ECDSA verification failure")

// signatureCheck returns what verifies the signature of one certificate by the
// key of another. Both have passed checkProfile: P-384 keys, ecdsa-with-SHA384.
func signatureCheck(signatures SignatureVerifier) func(parent, child *x509.Certificate) error {
	if signatures == nil {
		return func(parent, child *x509.Certificate) error {
			return parent.CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature)
		}
	}
	return func(parent, child *x509.Certificate) error {
		key, ok := parent.PublicKey.(*ecdsa.PublicKey)
		r, s, wellFormed := splitSignature(child.Signature)
		if !ok || !wellFormed {
			return errSignature
		}
		digest := sha512.Sum384(child.RawTBSCertificate)
		if !signatures.VerifyP384(key, digest[:], r, s) {
			return errSignature
		}
		return nil
	}
}

// splitSignature takes an ECDSA-Sig-Value (RFC 5480, appendix A) apart. It takes
// the encodings that package crypto/ecdsa takes, DER and nothing else, as far as
// their numbers fit into 48 bytes; larger ones are no signatures on P-384.
func splitSignature(der []byte) (r, s []byte, ok bool) {
	const sequence = 0x30
	if len(der) < 2 || der[0] != sequence || der[1] >= 0x80 || int(der[1]) != len(der)-2 {
		return nil, nil, false
	}
	r, rest, ok := cutInteger(der[2:])
	if !ok {
		return nil, nil, false
	}
	s, rest, ok = cutInteger(rest)
	return r, s, ok && len(rest) == 0
}

// cutInteger takes an INTEGER off the front, as 48 bytes.
func cutInteger(der []byte) (number, rest []byte, ok bool) {
	const integer = 0x02
	if len(der) < 2 || der[0] != integer || der[1] == 0 || int(der[1]) > scalarSize+1 || int(der[1]) > len(der)-2 {
		return nil, nil, false
	}
	content, rest := der[2:2+der[1]], der[2+der[1]:]
	switch {
	case content[0] >= 0x80: // negative
		return nil, nil, false
	case content[0] == 0 && len(content) > 1 && content[1] < 0x80: // a zero too many
		return nil, nil, false
	}
	content = bytes.TrimLeft(content, "\x00")
	if len(content) > scalarSize {
		return nil, nil, false
	}
	number = make([]byte, scalarSize)
	copy(number[scalarSize-len(content):], content)
	return number, rest, true
}
