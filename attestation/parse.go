package attestation

import (
	"bytes"
	"fmt"
)

// Unverified is a document that nobody has vouched for: any of its fields may
// be forged, its certificates included.
type Unverified struct {
	Document    Document
	Certificate []byte   // the leaf, DER
	CABundle    [][]byte // root first, DER
}

// ParseUnverified decodes evidence without verifying anything, for inspection
// only: to trust a field of it, use [Verifier.Verify]. It makes checks 1 to 10
// with the default [Limits], for documents of either kind, and returns an
// [*Error] when one fails.
func ParseUnverified(evidence []byte) (*Unverified, error) {
	limits, err := Limits{}.withDefaults()
	if err != nil {
		return nil, err
	}
	parsed, _, refused := parse(evidence, limits)
	if refused != nil {
		return nil, refused
	}
	return &parsed.unverified, nil
}

// parsed is evidence after checks 1 to 10.
type parsed struct {
	envelope   envelope
	unverified Unverified
}

// parse makes checks 1 to 10 but for the comparison with the kind asked for.
// The failing check is returned too.
func parse(evidence []byte, limits Limits) (*parsed, checkID, *Error) {
	if len(evidence) == 0 {
		return nil, checkEvidence, &Error{Reason: MalformedEvidence, Detail: "empty"}
	}
	if len(evidence) > limits.EvidenceSize {
		return nil, checkEvidence, &Error{Reason: MalformedEvidence,
			Detail: fmt.Sprintf("found %d bytes, expected at most %d", len(evidence), limits.EvidenceSize)}
	}
	// A copy, so that what is verified is what was decoded even where the caller
	// or somebody else writes to the evidence meanwhile. Every field below lies
	// in it.
	envelope, failed, refused := readEnvelope(bytes.Clone(evidence))
	if refused != nil {
		return nil, failed, refused
	}
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
	return &parsed{envelope, Unverified{payload.document(kind), payload.Certificate, payload.CABundle}}, 0, nil
}
