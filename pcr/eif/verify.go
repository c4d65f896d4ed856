package eif

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/veraison/go-cose"

	"github.com/nitroattest/nitroattest/pcr"
)

// readSignature verifies the signature section and adds PCR8. PCR0 is known by
// now.
func (i *Image) readSignature(data []byte, offset int64) error {
	fail := func(reason Reason, detail string, err error) error {
		return &Error{Reason: reason, Where: "signature section", Offset: offset, Detail: detail, Err: err}
	}
	entries, err := decodeEntries(data)
	if err != nil {
		return fail(MalformedSignature, "expected a CBOR array of certificates with signatures", err)
	}
	certificate, extra, err := parseCertificate(entries[0].Certificate)
	if err != nil {
		return fail(BadCertificate, "signing_certificate: expected a certificate in PEM", err)
	}
	a, err := algorithmFor(certificate.PublicKey)
	if err != nil {
		return fail(BadCertificate, "signing_certificate: cannot verify with its key", err)
	}
	message, err := parseSign1(entries[0].Signature, a)
	if err != nil {
		return fail(MalformedSignature, "signature: expected a COSE_Sign1 with {1: "+fmt.Sprint(int64(a.id))+"} as its only header", err)
	}
	if err := verify(message, certificate, a); err != nil {
		return fail(BadSignature, "signature: does not verify with the signing certificate", err)
	}
	pcr0 := i.Measurements[pcr.RegisterImage]
	if !bytes.Equal(message.Payload, signedPayload(pcr0)) {
		return fail(SignedRegister, describePayload(message.Payload)+", expected PCR0 of the image, "+pcr0.String(), nil)
	}
	i.Signature = &ImageSignature{Certificate: certificate, Algorithm: a.id.String()}
	i.Measurements[pcr.RegisterCertificate] = pcr.ForCertificate(certificate.Raw)
	if certificate.RawTBSCertificate == nil {
		_, err := x509.ParseCertificate(certificate.Raw)
		i.Warnings = append(i.Warnings, Warning{UnusualCertificate, fmt.Sprintf("only the key and the period of the signing certificate were read; the signature is good: %v", err)})
	}
	if now := time.Now(); now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
		i.Warnings = append(i.Warnings, Warning{ExpiredCertificate, fmt.Sprintf("the signing certificate is valid from %s to %s, and nitro-cli run-enclave refuses the image outside of that; PCR8 is the same",
			certificate.NotBefore.UTC().Format(time.RFC3339), certificate.NotAfter.UTC().Format(time.RFC3339))})
	}
	if len(entries) > 1 {
		i.Warnings = append(i.Warnings, Warning{ExtraSignatureData,
			fmt.Sprintf("found %d signatures, of which only the first counts", len(entries))})
	}
	if extra {
		i.Warnings = append(i.Warnings, Warning{ExtraSignatureData,
			"found something beside the first certificate in signing_certificate; only that certificate counts"})
	}
	return nil
}

// parseSign1 decodes a COSE_Sign1, tagged or not, whose headers are exactly
// those that AWS's tools write. go-cose alone would let through any further
// header, critical ones too.
func parseSign1(data []byte, a algorithm) (*cose.UntaggedSign1Message, error) {
	const tag = 6<<5 | cose.CBORTagSign1Message // fits the first byte
	if len(data) > 0 && data[0] == tag {
		data = data[1:]
	}
	var message cose.UntaggedSign1Message
	if err := message.UnmarshalCBOR(data); err != nil {
		return nil, err
	}
	protected, err := a.protected().MarshalCBOR()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(message.Headers.RawProtected, protected) {
		return nil, fmt.Errorf("found the protected header %x, expected %x", message.Headers.RawProtected, protected)
	}
	if len(message.Headers.Unprotected) > 0 {
		return nil, errors.New("found unprotected headers")
	}
	return &message, nil
}

func verify(message *cose.UntaggedSign1Message, certificate *x509.Certificate, a algorithm) error {
	verifier, err := cose.NewVerifier(a.id, certificate.PublicKey)
	if err != nil {
		return err
	}
	return message.Verify(nil, verifier)
}

// describePayload says what a signature is over that is not over PCR0.
func describePayload(payload []byte) string {
	var signed struct {
		Index uint64 `cbor:"register_index"`
		Value octets `cbor:"register_value"`
	}
	if err := strict.Unmarshal(payload, &signed); err != nil {
		return fmt.Sprintf("signature: found a payload of %d bytes that is no register", len(payload))
	}
	return fmt.Sprintf("signature: found register %d, %x", signed.Index, []byte(signed.Value))
}
