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
	// Nonce is the nonce that was handed out. The client may send it along. It
	// can also be read out of the document by attestation.ParseUnverified, since
	// everything about it is checked here.
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
	switch {
	case verifier == nil:
		return nil, errors.New("challenge: verifier: nil")
	case expect.Nonce != nil:
		return nil, errors.New("challenge: Expect.Nonce: set, expected nil: Verify sets it to Response.Nonce")
	}
	if err := i.RefuseEarly(response.Nonce, response.Context); err != nil {
		return nil, err
	}
	expect.Nonce = response.Nonce
	result, err := verifier.Verify(response.Evidence, expect)
	if err != nil {
		return nil, err
	}
	if err := i.Redeem(ctx, response.Nonce, response.Context); err != nil {
		return nil, err
	}
	return result, nil
}
