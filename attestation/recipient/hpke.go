//go:build go1.26

package recipient

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/hpke"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/nitroattest/nitroattest/attestation"
)

// hpkeInfo is the info string of RFC 9180, section 5. It keeps envelopes of
// this package apart from everything else that is encrypted to the same key.
const hpkeInfo = "nitroattest/recipient/hpke v1"

// Lengths of the raw public keys that are told apart by their length.
const (
	x25519KeySize    = 32 // RFC 7748
	p384KeySize      = 97 // SEC 1, uncompressed: 04, x, y
	suiteHeaderSize  = 10
	aeadTagSize      = 16
	uncompressedForm = 0x04
)

// suite is a cipher suite of RFC 9180 and the curve that selects it.
type suite struct {
	curve   ecdh.Curve
	name    string
	kdf     hpke.KDF
	encSize int // Nenc of RFC 9180, section 7.1
}

// suiteFor returns the one suite for a curve. Both use AES-256-GCM, which FIPS
// 140 approves; X25519 it does not.
func suiteFor(curve ecdh.Curve) (suite, error) {
	switch curve {
	case ecdh.X25519():
		return suite{curve, "X25519", hpke.HKDFSHA256(), x25519KeySize}, nil
	case ecdh.P384():
		return suite{curve, "P-384", hpke.HKDFSHA384(), p384KeySize}, nil
	}
	return suite{}, errorf(InvalidKey, "found a key on %v, expected X25519 or P-384", curve)
}

func (s suite) header() []byte { return suiteHeader(hpke.DHKEM(s.curve).ID(), s.kdf.ID()) }

// suiteHeader returns suite_id of RFC 9180, section 5.1, which starts an envelope.
func suiteHeader(kem, kdf uint16) []byte {
	header := append(make([]byte, 0, suiteHeaderSize), "HPKE"...)
	header = binary.BigEndian.AppendUint16(header, kem)
	header = binary.BigEndian.AppendUint16(header, kdf)
	return binary.BigEndian.AppendUint16(header, hpke.AES256GCM().ID())
}

// SealHPKE encrypts plaintext, at most [MaxPlaintextSize] bytes and possibly
// none, to the X25519 or P-384 public key in a verified document with HPKE
// (RFC 9180). [OpenHPKE] reads it; the package documentation has the form.
//
// The document's public_key is the 32 bytes of an X25519 key, the 97 bytes of
// an uncompressed P-384 point (SEC 1), or the DER of a SubjectPublicKeyInfo of
// either. Nothing tells 32 bytes that are an Ed25519 key from an X25519 key;
// what is sealed to one, nobody can open. X25519 is an error in the FIPS
// 140-only mode of the standard library.
//
// Results and errors are as for [Seal].
func SealHPKE(res *attestation.Result, plaintext []byte) ([]byte, error) {
	return Sealer{}.SealHPKE(res, plaintext)
}

// SealHPKE does what the function [SealHPKE] does.
func (s Sealer) SealHPKE(res *attestation.Result, plaintext []byte) ([]byte, error) {
	if err := s.checkClassical(res, plaintext); err != nil {
		return nil, err
	}
	return sealHPKE(res.Document.PublicKey, plaintext)
}

// OpenHPKE decrypts an envelope that [SealHPKE] made with the private key, on
// X25519 or P-384, whose public part was in the attestation document. The
// plaintext is returned only without an error, and is empty but not nil when
// nothing was sealed.
//
// The error is an *[Error] of one of these reasons: [InvalidKey], [TooLarge],
// [MalformedEnvelope], [UnsupportedAlgorithm] when the envelope's suite is not
// the one for this key, and [DecryptionFailed].
//
// That OpenHPKE succeeds says that nobody altered the envelope, not who made it.
func OpenHPKE(envelope []byte, key *ecdh.PrivateKey) ([]byte, error) {
	if key == nil {
		return nil, errorf(InvalidKey, "found no key, expected one on X25519 or P-384")
	}
	s, err := suiteFor(key.Curve())
	if err != nil {
		return nil, err
	}
	if err := checkSuite(envelope, s.header(), s.encSize, s.name); err != nil {
		return nil, err
	}
	private, err := hpke.NewDHKEMPrivateKey(key)
	if err != nil {
		return nil, errorf(InvalidKey, "found a key that HPKE cannot use")
	}
	return openHPKE(envelope, private, s.kdf)
}

// checkSuite refuses envelopes that are not of the one suite for a key.
func checkSuite(envelope, want []byte, encSize int, name string) error {
	if len(envelope) > MaxEnvelopeSize {
		return errorf(TooLarge, "found an envelope of %d bytes, expected at most %d", len(envelope), MaxEnvelopeSize)
	}
	if least := suiteHeaderSize + encSize + aeadTagSize; len(envelope) < least {
		return errorf(MalformedEnvelope, "found an envelope of %d bytes, expected at least %d", len(envelope), least)
	}
	found := envelope[:suiteHeaderSize]
	if !bytes.HasPrefix(found, []byte("HPKE")) {
		return &Error{Reason: MalformedEnvelope, Detail: `found another beginning, expected "HPKE"`}
	}
	if !bytes.Equal(found, want) {
		err := errorf(UnsupportedAlgorithm, "found suite %x, expected %x for a key on %s", found[4:], want[4:], name)
		err.Offset = 4
		return err
	}
	return nil
}

func sealHPKE(publicKey, plaintext []byte) ([]byte, error) {
	key, err := parseAgreementKey(publicKey)
	if err != nil {
		return nil, err
	}
	s, err := suiteFor(key.Curve())
	if err != nil {
		return nil, err
	}
	public, err := hpke.NewDHKEMPublicKey(key)
	if err != nil {
		return nil, errorf(InvalidKey, "found a public_key that HPKE cannot use")
	}
	sealed, err := hpke.Seal(public, s.kdf, hpke.AES256GCM(), []byte(hpkeInfo), plaintext)
	if err != nil {
		return nil, errorf(InvalidKey, "the public_key cannot be sealed to: %v", err)
	}
	return slices.Concat(s.header(), sealed), nil
}

// parseAgreementKey reads the public_key of a document as a raw X25519 key, a
// P-384 point, or the DER SubjectPublicKeyInfo of either (RFC 8410, RFC 5480).
func parseAgreementKey(publicKey []byte) (*ecdh.PublicKey, error) {
	var key *ecdh.PublicKey
	var err error
	switch {
	case len(publicKey) == 0:
		return nil, errorf(InvalidKey, "found no public_key in the document, expected one")
	case len(publicKey) == x25519KeySize:
		key, err = ecdh.X25519().NewPublicKey(publicKey)
	case len(publicKey) == p384KeySize && publicKey[0] == uncompressedForm:
		key, err = ecdh.P384().NewPublicKey(publicKey)
	default:
		key, err = parseAgreementSPKI(publicKey)
	}
	if err != nil {
		return nil, errorf(InvalidKey, "found a public_key of %d bytes, expected an X25519 key of 32 bytes, a P-384 point of 97 or the SubjectPublicKeyInfo of either: %v", len(publicKey), err)
	}
	return key, nil
}

func parseAgreementSPKI(der []byte) (*ecdh.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	switch key := parsed.(type) {
	case *ecdh.PublicKey:
		return key, nil
	case *ecdsa.PublicKey:
		return key.ECDH()
	}
	return nil, fmt.Errorf("found a key of type %T", parsed)
}
