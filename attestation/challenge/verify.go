package challenge

import (
	"context"
	"errors"

	"github.com/nitroattest/nitroattest/attestation"
)

// Response is what comes back for a nonce.
type Response struct {
	// Evidence is the attestation document, the bytes of a COSE_Sign1.
	Evidence []byte
	// Nonce is the nonce that was handed out, as the client sends it along. Where it
	// does not, [Issuer.VerifyParsed] takes it out of the document.
	Nonce []byte
	// Context is what the nonce was issued for. It comes from the relying
	// party's own knowledge of the exchange, never from the client. Nil: none.
	Context []byte
}

// Verify appraises the evidence, expects the nonce in it and redeems that, in
// the order that the package documentation gives reasons for. It returns a
// result only if the document passed every check and this is the first
// redemption of its nonce. A document that is refused does not use the nonce
// up.
//
// The error is an [*Error] if the nonce was refused and an [*attestation.Error]
// if the document was; others are about misuse. The field expect.Nonce has to be
// nil, since it is set here, and freshness need not be stated beside it.
func (i *Issuer) Verify(ctx context.Context, verifier *attestation.Verifier, response Response, expect attestation.Expect) (*attestation.Result, error) {
	if err := checkCall(verifier, expect); err != nil {
		return nil, err
	}
	if err := i.RefuseEarly(response.Nonce, response.Context); err != nil {
		return nil, err
	}
	expect.Nonce = attestation.Required(response.Nonce)
	result, err := verifier.Verify(response.Evidence, expect)
	if err != nil {
		return nil, err
	}
	return i.redeemed(ctx, result, response.Nonce, response.Context)
}

// VerifyParsed is Verify for evidence that [attestation.Verifier.Parse] returned,
// and for the nonce that is in it, about which everything is checked here. The
// document is not parsed again. The context is that of Response.
func (i *Issuer) VerifyParsed(ctx context.Context, verifier *attestation.Verifier, evidence *attestation.Evidence, context []byte, expect attestation.Expect) (*attestation.Result, error) {
	if err := checkCall(verifier, expect); err != nil {
		return nil, err
	}
	unverified := evidence.Unverified()
	if unverified == nil {
		return nil, errors.New("challenge: evidence: found none that a Verifier has parsed")
	}
	nonce := unverified.Document.Nonce
	if err := i.RefuseEarly(nonce, context); err != nil {
		return nil, err
	}
	expect.Nonce = attestation.Required(nonce)
	result, err := verifier.VerifyParsed(evidence, expect)
	if err != nil {
		return nil, err
	}
	return i.redeemed(ctx, result, nonce, context)
}

// redeemed returns the result if this is the first redemption of its nonce.
func (i *Issuer) redeemed(ctx context.Context, result *attestation.Result, nonce, context []byte) (*attestation.Result, error) {
	if err := i.Redeem(ctx, nonce, context); err != nil {
		return nil, err
	}
	return result, nil
}

func checkCall(verifier *attestation.Verifier, expect attestation.Expect) error {
	switch {
	case verifier == nil:
		return errors.New("challenge: verifier: nil")
	case expect.Nonce != nil:
		return errors.New("challenge: Expect.Nonce: set, expected nil: Verify sets it to Response.Nonce")
	}
	return nil
}
