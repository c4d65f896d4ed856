package signedpolicy

import "crypto"

// Sign returns a DSSE envelope, on one line of JSON, with one signature of each
// signer over the statement. A signer has an Ed25519 key or an ECDSA key on
// P-256 or P-384; one that implements [crypto.MessageSigner] is given the whole
// message. Its signature is verified before it is taken.
//
// A statement that [Verifier.Verify] would not read is an error, an *[Error]
// with [MalformedStatement]; so are no signer, and two with the same key.
func Sign(s Statement, signers ...crypto.Signer) ([]byte, error) {
	payload, err := MarshalStatement(s)
	if err != nil {
		return nil, err
	}
	e := &envelope{payloadType: PayloadType, payload: payload}
	return e.sign(signers)
}

// AddSignatures returns the envelope with signatures of more keys over the same
// statement, for people who approve it in other places. The signatures that are
// there stay as they are; they are not verified. Whoever signs should look at
// the statement first: [ParseUnverified] shows it.
func AddSignatures(envelope []byte, signers ...crypto.Signer) ([]byte, error) {
	e, err := parseEnvelope(envelope)
	if err != nil {
		return nil, err
	}
	if _, err := parseStatement(e.payload); err != nil {
		return nil, err
	}
	return e.sign(signers)
}

func (e *envelope) sign(signers []crypto.Signer) ([]byte, error) {
	if err := e.addSignatures(signers); err != nil {
		return nil, err
	}
	return e.marshal()
}

// Unverified is a signed policy that anybody may have written. Nothing of it
// was checked but its form.
type Unverified struct {
	Statement  Statement
	Signatures int    // how many the envelope has, of whatever keys
	Payload    []byte // the JSON of the statement
}

// ParseUnverified reads an envelope and verifies none of its signatures, nor
// its name, version or times. The images that Revoked names are still in the
// policy. It is for showing an envelope to people; for a verdict use a
// [Verifier].
func ParseUnverified(envelope []byte) (*Unverified, error) {
	e, err := parseEnvelope(envelope)
	if err != nil {
		return nil, err
	}
	s, err := parseStatement(e.payload)
	if err != nil {
		return nil, err
	}
	return &Unverified{*s, len(e.signatures), e.payload}, nil
}
