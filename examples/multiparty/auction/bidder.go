package auction

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/examples/keyrelease/stream"
)

// Bidder is one of the parties.
type Bidder struct {
	Verifier *attestation.Verifier // says which enclaves may see the bid
	Terms    Terms
	Place    int                // in Terms.Bidders
	Key      ed25519.PrivateKey // of that place
}

// Bid bids and returns how the auction went. Nothing but a nonce is sent before
// the enclave is verified. The result is the one of the verified enclave for
// these terms, with this bid counted, or there is an error.
func (b Bidder) Bid(parent io.ReadWriter, amount uint64) (Result, error) {
	if err := b.check(); err != nil {
		return Result{}, err
	}
	nonce := make([]byte, 32)
	rand.Read(nonce)
	if err := stream.Send(parent, nonce); err != nil {
		return Result{}, err
	}
	document, err := stream.Receive(parent)
	if err != nil {
		return Result{}, fmt.Errorf("auction: no document: %w", err)
	}
	verified, err := b.Verifier.Verify(document, attestation.Expect{Nonce: nonce})
	if err != nil {
		return Result{}, err
	}
	enclave, err := b.Terms.readIdentity(verified.Document.UserData)
	if err != nil {
		return Result{}, err
	}

	plaintext := encodeBid(b.Place, amount)
	defer clear(plaintext)
	envelope, err := recipient.SealHPKE(verified, plaintext)
	if err != nil {
		return Result{}, err
	}
	signature := ed25519.Sign(b.Key, signedBid(enclave, envelope))
	if err := stream.Send(parent, submission{b.Place, signature, envelope}.bytes()); err != nil {
		return Result{}, err
	}

	answer, err := stream.Receive(parent)
	if err != nil {
		return Result{}, fmt.Errorf("auction: no result: %w", err)
	}
	return readResult(answer, b.Terms, enclave, b.Place, envelope)
}

func (b Bidder) check() error {
	if err := b.Terms.check(); err != nil {
		return err
	}
	if b.Place < 0 || b.Place >= len(b.Terms.Bidders) || len(b.Key) != ed25519.PrivateKeySize ||
		!b.Terms.Bidders[b.Place].Equal(b.Key.Public()) {
		return errors.New("auction: the key is not the one of the bidder's place")
	}
	return nil
}
