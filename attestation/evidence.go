package attestation

import (
	"bytes"
	"fmt"
	"slices"
)

// Unverified is a document that nobody has vouched for: any of its fields may
// be forged, its certificates included.
type Unverified struct {
	Document    Document
	Certificate []byte   // the leaf, DER
	CABundle    [][]byte // root first, DER
	// Unsigned says that the signature is nothing but zeros, as an emulator of
	// the Nitro Security Module writes it (QEMU's machine nitro-enclave). Such a
	// document is there to be looked at: a Verifier refuses it.
	Unsigned bool
}

// ParseUnverified decodes evidence without verifying anything, for inspection
// only: to trust a field of it, use [Verifier.Verify]. It makes the checks from
// [CheckEvidence] to [CheckKind] with the default [Limits], for documents of
// either kind, and returns an [*Error] when one fails. A module_id may have a form
// that no Verifier takes, see [Config.InsecureAnyModuleID]. Of a document that nobody
// signed, see [Unverified.Unsigned], the protected header and the size of the
// signature may be any. A program that verifies the same document too uses
// [Verifier.Parse], which goes by the Limits of the verifier.
func ParseUnverified(evidence []byte) (*Unverified, error) {
	limits, err := Limits{}.withDefaults()
	if err != nil {
		return nil, err
	}
	parsed, _, refused := parse(evidence, limits)
	if parsed != nil {
		return &parsed.unverified, nil // refused or not
	}
	return nil, refused
}

// Evidence is a document that was parsed and not verified, see
// [Verifier.Parse]. It cannot be changed, and it is safe for concurrent use.
type Evidence struct {
	size       int // of the whole document, in bytes
	envelope   envelope
	unverified Unverified
}

// Parse decodes evidence, the bytes of a COSE_Sign1, within the Limits of v. It
// is the first part of [Verifier.Verify], for callers that have to look at a
// document before they verify it: to choose a policy by its kind, for example,
// or to look up the nonce. Documents of either kind are parsed. What is wrong
// is an [*Error].
//
// Nothing of the result is verified: pass it to [Verifier.VerifyParsed].
func (v *Verifier) Parse(evidence []byte) (*Evidence, error) {
	parsed, _, refused := parse(evidence, v.config.Limits)
	if refused != nil {
		return nil, refused
	}
	return parsed, nil
}

// Unverified returns the fields of the document, which may be forged. It is a
// copy: what is done to it does not reach what [Verifier.VerifyParsed] looks
// at. It is nil for an Evidence that no Verifier made.
func (e *Evidence) Unverified() *Unverified {
	if e == nil || e.size == 0 {
		return nil
	}
	return e.unverified.clone()
}

func (u *Unverified) clone() *Unverified {
	c := &Unverified{Document: u.Document.clone(), Certificate: bytes.Clone(u.Certificate), CABundle: slices.Clone(u.CABundle), Unsigned: u.Unsigned}
	for i := range c.CABundle {
		c.CABundle[i] = bytes.Clone(c.CABundle[i])
	}
	return c
}

// parse makes the checks from CheckEvidence to CheckKind, but for the comparison
// with the kind asked for, and for a form of module_id that could be anything's. The failing check is returned too. Of a document
// that is refused for its envelope and that nobody signed, there is evidence
// beside the refusal, to be shown.
func parse(evidence []byte, limits Limits) (*Evidence, checkID, *Error) {
	if len(evidence) == 0 {
		return nil, checkEvidence, &Error{Reason: MalformedEvidence, Detail: "empty"}
	}
	if refused := limits.checkSize(len(evidence)); refused != nil {
		return nil, checkEvidence, refused
	}
	// A copy, so that what is verified is what was decoded even where the caller
	// or somebody else writes to the evidence meanwhile.
	envelope, failed, refused := readEnvelope(bytes.Clone(evidence))
	if refused != nil && !envelope.unsigned() {
		return nil, failed, refused
	}
	parsed, failedLater, refusedLater := parsePayload(envelope, limits)
	if refused != nil {
		refused.unsigned(len(envelope.signature))
		return parsed, failed, refused
	}
	if parsed != nil {
		parsed.size = len(evidence)
	}
	return parsed, failedLater, refusedLater
}

func parsePayload(envelope envelope, limits Limits) (*Evidence, checkID, *Error) {
	payload, failed, refused := readPayload(envelope.payload)
	if refused != nil {
		return nil, failed, refused
	}
	if refused := payload.check(limits); refused != nil {
		return nil, checkFields, refused
	}
	kind, refused := payload.kind()
	if refused != nil {
		return nil, checkKind, refused
	}
	return &Evidence{envelope: envelope, unverified: Unverified{payload.document(kind), payload.Certificate, payload.CABundle, envelope.unsigned()}}, 0, nil
}

// checkAgain applies limits to evidence that was parsed within others, those of
// another Verifier. Whatever else Parse checks does not depend on its Verifier.
func (e *Evidence) checkAgain(limits Limits) (checkID, *Error) {
	if refused := limits.checkSize(e.size); refused != nil {
		return checkEvidence, refused
	}
	d := &e.unverified.Document
	return checkFields, limits.checkFields(d.PublicKey, d.UserData, d.Nonce)
}

func (l Limits) checkSize(size int) *Error {
	if size > l.EvidenceSize {
		return &Error{Reason: MalformedEvidence, Detail: fmt.Sprintf("found %d bytes, expected at most %d", size, l.EvidenceSize)}
	}
	return nil
}

func (l Limits) checkFields(publicKey, userData, nonce []byte) *Error {
	for _, field := range []struct {
		name  string
		value []byte
	}{{"public_key", publicKey}, {"user_data", userData}, {"nonce", nonce}} {
		if size := len(field.value); size > l.FieldSize {
			return &Error{Reason: InvalidField, Detail: fmt.Sprintf("%s: found %d bytes, expected at most %d", field.name, size, l.FieldSize)}
		}
	}
	return nil
}
