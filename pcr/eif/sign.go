package eif

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha512"
	"encoding/asn1"
	"fmt"
	"io"
	"math/big"

	"github.com/veraison/go-cose"

	"github.com/nitroattest/nitroattest/pcr"
)

// Signing says who signs an image. The key's curve decides the algorithm:
// ES256 for P-256, ES384 for P-384, ES512 for P-521.
type Signing struct {
	// Key is an ECDSA key: an *[ecdsa.PrivateKey], or a key in a module or
	// service that returns signatures in ASN.1, as crypto.Signer demands. A
	// [crypto.MessageSigner] gets what is to be signed, not its digest.
	Key crypto.Signer
	// Certificate is that key's, in PEM. It goes into the image as it is;
	// PCR8 is over the DER of the first certificate in it.
	Certificate []byte
}

// sign returns the signature section over PCR0 of these sections.
func (s *Signing) sign(pieces []piece) (piece, error) {
	none := piece{}
	fail := func(field, detail string, err error) (piece, error) {
		return none, &SpecError{Field: "Signing." + field, Detail: detail, Err: err}
	}
	certificate, _, err := parseCertificate(s.Certificate)
	if err != nil {
		return fail("Certificate", "expected a certificate in PEM", err)
	}
	a, err := algorithmFor(certificate.PublicKey)
	if err != nil {
		return fail("Certificate", "its key cannot sign an image", err)
	}
	if s.Key == nil {
		return fail("Key", "missing", nil)
	}
	if public, ok := s.Key.Public().(*ecdsa.PublicKey); !ok || !public.Equal(certificate.PublicKey) {
		return fail("Key", "found another key than the certificate's", nil)
	}
	pcr0, err := measurePieces(pieces)
	if err != nil {
		return none, err
	}
	message := cose.UntaggedSign1Message{
		Headers: cose.Headers{Protected: a.protected()},
		Payload: signedPayload(pcr0),
	}
	if err := message.Sign(nil, nil, &coseSigner{s.Key, a}); err != nil {
		return none, fmt.Errorf("enclave image: signing: %w", err)
	}
	signature, err := message.MarshalCBOR()
	if err != nil {
		return none, fmt.Errorf("enclave image: signing: %w", err)
	}
	// A signer that returns nonsense would otherwise be noticed at boot.
	if err := verify(&message, certificate, a); err != nil {
		return none, fmt.Errorf("enclave image: signing: the key made a signature that does not verify: %w", err)
	}
	section := encodeEntries([]entry{{s.Certificate, signature}})
	if len(section) > MaxSignature {
		return fail("Certificate", fmt.Sprintf("makes a signature section of %d bytes, expected at most %d", len(section), MaxSignature), nil)
	}
	return newPiece(SectionSignature, "Signing", bytes.NewReader(section)), nil
}

func measurePieces(pieces []piece) (pcr.Value, error) {
	h := sha512.New384()
	for _, p := range pieces {
		if p.kind.measured() {
			if err := p.copyTo(h); err != nil {
				return pcr.Value{}, err
			}
		}
	}
	return pcr.Value{}.Extend(h.Sum(nil)), nil
}

// coseSigner signs for go-cose, whose own signers cannot be made deterministic
// and do not tell a crypto.Signer which hash was used.
type coseSigner struct {
	key crypto.Signer
	algorithm
}

// Algorithm implements [cose.Signer].
func (s *coseSigner) Algorithm() cose.Algorithm { return s.id }

// Sign implements [cose.Signer]. The signature is r || s, each as long as the
// order of the curve (RFC 9053, section 2.1).
func (s *coseSigner) Sign(_ io.Reader, content []byte) ([]byte, error) {
	var random io.Reader // nil: as RFC 6979 has it
	if _, ok := s.key.(*ecdsa.PrivateKey); !ok {
		random = rand.Reader
	}
	der, err := crypto.SignMessage(s.key, random, content, s.hash)
	if err != nil {
		return nil, err
	}
	var signature struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &signature); err != nil {
		return nil, fmt.Errorf("found no ECDSA signature in ASN.1: %w", err)
	}
	order := s.key.Public().(*ecdsa.PublicKey).Curve.Params().N
	out := make([]byte, 2*((order.BitLen()+7)/8))
	if err := cose.I2OSP(signature.R, out[:len(out)/2]); err != nil {
		return nil, err
	}
	if err := cose.I2OSP(signature.S, out[len(out)/2:]); err != nil {
		return nil, err
	}
	return out, nil
}
