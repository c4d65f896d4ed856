package release

import (
	"crypto/rand"
	"fmt"
	"io"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/examples/keyrelease/stream"
)

// Owner has a secret and says by the verifier which enclaves may see it.
type Owner struct{ Verifier *attestation.Verifier }

// Release sends the secret to the enclave behind parent and returns what the
// enclave made of it. Nothing but a nonce is sent before the enclave is
// verified. The result is the enclave's, for this secret and in this exchange,
// or there is an error.
func (o Owner) Release(parent io.ReadWriter, secret []byte) ([]byte, error) {
	nonce := make([]byte, 32)
	rand.Read(nonce)
	if err := stream.Send(parent, nonce); err != nil {
		return nil, err
	}
	document, err := stream.Receive(parent)
	if err != nil {
		return nil, fmt.Errorf("release: no document: %w", err)
	}
	verified, err := o.Verifier.Verify(document, attestation.Expect{Nonce: nonce})
	if err != nil {
		return nil, err
	}

	resultKey := make([]byte, resultKeySize)
	defer clear(resultKey)
	rand.Read(resultKey)
	plaintext := append(append(make([]byte, 0, len(resultKey)+len(secret)), resultKey...), secret...)
	defer clear(plaintext)
	envelope, err := recipient.SealHPKE(verified, plaintext)
	if err != nil {
		return nil, err
	}
	if err := stream.Send(parent, envelope); err != nil {
		return nil, err
	}

	answer, err := stream.Receive(parent)
	if err != nil {
		return nil, fmt.Errorf("release: no result: %w", err)
	}
	return openResult(resultKey, answer, exchange(document, envelope))
}
