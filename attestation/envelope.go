package attestation

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/veraison/go-cose"
)

// signatureSize is the length of r || s on P-384 (RFC 9053, section 2.1).
const signatureSize = 96

// tagSign1 is the tag of a COSE_Sign1 (RFC 9052, section 2). AWS's text shows
// it; none of its documents has it.
const tagSign1 = 18

// protectedES384 is the only protected header there is: the map {1: -35}, that
// is alg: ES384.
var protectedES384 = []byte{0xa1, 0x01, 0x38, 0x22}

// rawProtectedES384 is the same as the byte string that is signed.
var rawProtectedES384 = append([]byte{0x44}, protectedES384...)

// headerES384 is the same decoded, as go-cose wants it. It only reads it.
var headerES384 = cose.ProtectedHeader{cose.HeaderLabelAlgorithm: cose.AlgorithmES384}

// envelope is a COSE_Sign1 (RFC 9052, section 4.2) after both of its headers
// were checked. The slices lie in what it was read from.
type envelope struct {
	payload   []byte
	signature []byte
}

// unsigned reports whether the signature is nothing but zeros, and no longer than
// a real one. No key makes such a signature; emulators do, for want of a key.
func (e *envelope) unsigned() bool {
	return len(e.signature) > 0 && len(e.signature) <= signatureSize && len(bytes.Trim(e.signature, "\x00")) == 0
}

// unsigned says in the detail of an error what is the matter with a document
// whose signature is size zeros, whatever else is wrong with it.
func (e *Error) unsigned(size int) {
	detail := fmt.Sprintf("an emulator made this document and nobody signed it: its signature is %d zero bytes", size)
	if e.Detail != "" {
		detail += "; " + e.Detail
	}
	e.Detail = detail
}

// readEnvelope opens the COSE_Sign1 and leaves the payload and the signature
// unread. The failing check is returned too, and the parts beside it once the
// array could be taken apart.
func readEnvelope(evidence []byte) (envelope, checkID, *Error) {
	var e envelope
	protected, unprotected, err := e.split(evidence)
	if err != nil {
		return envelope{}, checkEvidence, &Error{Reason: MalformedEvidence, Err: err}
	}
	if !bytes.Equal(protected, protectedES384) {
		return e, checkAlgorithm, &Error{Reason: UnsupportedAlgorithm,
			Detail: fmt.Sprintf("protected header: found %s, expected %x, which is {1: -35} for ES384", excerpt(protected), protectedES384)}
	}
	if err := e.check(unprotected); err != nil {
		return e, checkEnvelope, &Error{Reason: MalformedEvidence, Err: err}
	}
	return e, 0, nil
}

// split takes the four parts of the array apart.
func (e *envelope) split(evidence []byte) (protected []byte, unprotected head, err error) {
	c := &cursor{data: evidence}
	array, err := c.head()
	if err == nil && array.major == majorTag && array.argument == tagSign1 {
		array, err = c.head()
	}
	if err != nil {
		return nil, head{}, err
	}
	if array.major != majorArray {
		return nil, head{}, fmt.Errorf("found %s, expected the array of a COSE_Sign1, untagged or with tag %d", array, tagSign1)
	}
	count := 0
	for ; ; count++ {
		more, err := c.more(array, count)
		if err != nil {
			return nil, head{}, err
		}
		if !more {
			break
		}
		switch count {
		case 0:
			protected, err = c.bytes()
		case 1:
			unprotected, err = c.unprotected()
		case 2:
			e.payload, err = c.bytes()
		case 3:
			e.signature, err = c.bytes()
		default:
			err = c.errorf("found more than 4 elements, expected the 4 of a COSE_Sign1")
		}
		if err != nil {
			return nil, head{}, fmt.Errorf("%s: %w", envelopeParts[min(count, 3)], err)
		}
	}
	if count != 4 {
		return nil, head{}, fmt.Errorf("found %d elements, expected the 4 of a COSE_Sign1", count)
	}
	if c.left() > 0 {
		return nil, head{}, c.errorf("found %d bytes after the document, expected its end", c.left())
	}
	return protected, unprotected, nil
}

var envelopeParts = [4]string{"protected header", "unprotected header", "payload", "signature"}

// unprotected reads the second part. What it holds matters only in that it has
// to be nothing, so of a map with content just the head is kept.
func (c *cursor) unprotected() (head, error) {
	at := *c
	if err := c.scan(); err != nil {
		return head{}, err
	}
	h, err := at.head()
	if err != nil {
		return head{}, err
	}
	if h.indefinite && at.data[at.pos] == cborBreak {
		h = head{major: h.major}
	}
	return h, nil
}

func (e *envelope) check(unprotected head) error {
	if unprotected != (head{major: majorMap}) {
		return fmt.Errorf("unprotected header: found %s that is not empty, expected an empty map", unprotected)
	}
	if len(e.payload) == 0 {
		return errors.New("payload: empty")
	}
	if len(e.signature) != signatureSize {
		return fmt.Errorf("signature: found %d bytes, expected %d", len(e.signature), signatureSize)
	}
	return nil
}

// verify checks the signature of the leaf over the payload as it was received
// (RFC 9052, section 4.4).
func (e *envelope) verify(leaf *x509.Certificate, signatures SignatureVerifier) *Error {
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return &Error{Reason: BadSignature, Detail: fmt.Sprintf("found a %s key in the leaf, expected ECDSA", leaf.PublicKeyAlgorithm)}
	}
	message := cose.Sign1Message{
		Headers: cose.Headers{
			RawProtected: rawProtectedES384,
			Protected:    headerES384,
		},
		Payload:   e.payload,
		Signature: e.signature,
	}
	if err := message.Verify(nil, es384{key, signatures}); err != nil {
		return &Error{Reason: BadSignature, Detail: "the leaf certificate's key did not sign this document"}
	}
	return nil
}

// es384 verifies ES384 signatures (RFC 9053, section 2.1) for go-cose. The
// library's own verifier checks again that the key is on the curve, which
// parsing the certificate has done.
type es384 struct {
	key        *ecdsa.PublicKey
	signatures SignatureVerifier // nil: package crypto/ecdsa
}

// Algorithm implements [cose.Verifier].
func (es384) Algorithm() cose.Algorithm { return cose.AlgorithmES384 }

// Verify implements [cose.Verifier]. High values of s pass, as AWS emits them;
// zero and values beyond the order of the curve do not.
func (v es384) Verify(content, signature []byte) error {
	digest := sha512.Sum384(content)
	valid := false
	if v.signatures == nil {
		valid = ecdsa.VerifyASN1(v.key, digest[:], derSignature(signature))
	} else {
		valid = v.signatures.VerifyP384(v.key, digest[:], signature[:signatureSize/2], signature[signatureSize/2:])
	}
	if !valid {
		return cose.ErrVerification
	}
	return nil
}

// derSignature turns r || s into the ECDSA-Sig-Value that package ecdsa takes
// (RFC 5480, appendix A).
func derSignature(signature []byte) []byte {
	const sequence, most = 0x30, 2 + 2*(3+signatureSize/2)
	der := append(make([]byte, 0, most), sequence, 0)
	der = appendInteger(der, signature[:signatureSize/2])
	der = appendInteger(der, signature[signatureSize/2:])
	der[1] = byte(len(der) - 2) // below 128, so one byte says it
	return der
}

// appendInteger appends a number of at most 48 bytes, big endian, as an INTEGER
// in DER: in as few bytes as there have to be, the first of them below 128.
func appendInteger(der, number []byte) []byte {
	const integer = 0x02
	number = bytes.TrimLeft(number, "\x00")
	if len(number) == 0 || number[0] >= 0x80 {
		der = append(der, integer, byte(len(number)+1), 0)
	} else {
		der = append(der, integer, byte(len(number)))
	}
	return append(der, number...)
}

// quote shows text that may be long and hostile.
func quote(text string) string {
	const most = 64
	if len(text) > most {
		return fmt.Sprintf("%q... (%d bytes)", text[:most], len(text))
	}
	return fmt.Sprintf("%q", text)
}

// excerpt shows the beginning of bytes that may be long.
func excerpt(b []byte) string {
	const most = 32
	if len(b) == 0 {
		return "nothing"
	}
	if len(b) > most {
		return fmt.Sprintf("%s... (%d bytes)", hex.EncodeToString(b[:most]), len(b))
	}
	return hex.EncodeToString(b)
}
