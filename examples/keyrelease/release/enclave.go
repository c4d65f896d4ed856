package release

import (
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/examples/keyrelease/stream"
)

// Module is a Nitro Security Module: /dev/nsm, or the simulated one of package
// attestationtest.
type Module interface {
	Attest(userData, nonce, publicKey []byte) (document []byte, err error)
}

// Enclave is the program inside the enclave.
type Enclave struct {
	Module Module
	// Work is what the enclave does with a secret. It must not keep it, and what
	// it returns is wiped.
	Work func(secret []byte) (result []byte, err error)
}

// Serve takes part in one exchange. The error is for the enclave only: the other
// side learns no more than that there is no answer.
func (e Enclave) Serve(parent io.ReadWriter) error {
	key, err := ecdh.P384().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	nonce, err := stream.Receive(parent)
	if err != nil {
		return fmt.Errorf("release: no nonce: %w", err)
	}
	document, err := e.Module.Attest(nil, nonce, key.PublicKey().Bytes())
	if err != nil {
		return err
	}
	if err := stream.Send(parent, document); err != nil {
		return err
	}
	envelope, err := stream.Receive(parent)
	if err != nil {
		return fmt.Errorf("release: no envelope: %w", err)
	}
	plaintext, err := recipient.OpenHPKE(envelope, key)
	if err != nil {
		return err
	}
	defer clear(plaintext)
	if len(plaintext) < resultKeySize {
		return errors.New("release: the envelope holds no key for the result")
	}
	result, err := e.Work(plaintext[resultKeySize:])
	if err != nil {
		return err
	}
	defer clear(result)
	answer, err := sealResult(plaintext[:resultKeySize], result, exchange(document, envelope))
	if err != nil {
		return err
	}
	return stream.Send(parent, answer)
}
