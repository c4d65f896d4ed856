package recipient_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"log"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/pcr"
)

// A whole exchange, with a simulated hypervisor: the enclave has its public key
// attested together with the nonce of the relying party, who verifies the
// document and seals a secret to that key.
func Example() {
	hypervisor := attestationtest.NewHypervisor()
	enclave := hypervisor.Enclave()

	// The relying party, once and for this exchange.
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{enclave.Image()}},
		Roots:  hypervisor.Roots(), // with real enclaves, leave it out
	})
	if err != nil {
		log.Fatal(err)
	}
	nonce := []byte(rand.Text())

	// The enclave, with a key that never leaves it.
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		log.Fatal(err)
	}
	document, err := enclave.NSM().Attest(nil, nonce, public)
	if err != nil {
		log.Fatal(err)
	}

	// The relying party.
	result, err := verifier.Verify(document, attestation.Expect{Nonce: nonce})
	if err != nil {
		log.Fatal(err)
	}
	envelope, err := recipient.Seal(result, []byte("the database password"))
	if err != nil {
		log.Fatal(err)
	}

	// The enclave. Another key opens nothing.
	secret, err := recipient.Open(envelope, key)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", secret)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	_, err = recipient.Open(envelope, other)
	fmt.Println(errors.Is(err, recipient.WrongRecipient))
	// Output:
	// the database password
	// true
}
