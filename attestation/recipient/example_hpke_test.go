//go:build go1.26

package recipient_test

import (
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/pcr"
)

func ExampleOpenHPKE() {
	secret, err := hex.DecodeString(p384Key)
	if err != nil {
		log.Fatal(err)
	}
	key, err := ecdh.P384().NewPrivateKey(secret)
	if err != nil {
		log.Fatal(err)
	}
	envelope, err := hex.DecodeString(p384Envelope)
	if err != nil {
		log.Fatal(err)
	}
	plaintext, err := recipient.OpenHPKE(envelope, key)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", plaintext)
	// Output: hello nitro enclave
}

// A secret that has to stay one when there are quantum computers. The key is too
// large for the document, which commits to it instead.
func ExampleSealHybrid() {
	hypervisor := attestationtest.NewHypervisor()
	enclave := hypervisor.Enclave()
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{enclave.Image()}},
		Roots:  hypervisor.Roots(), // with real enclaves, leave it out
	})
	if err != nil {
		log.Fatal(err)
	}
	nonce := []byte(rand.Text())

	// The enclave, with a key that never leaves it. It sends document and key.
	key, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		log.Fatal(err)
	}
	beside := key.PublicKey().Bytes()
	commitment, err := recipient.Commitment(key.PublicKey())
	if err != nil {
		log.Fatal(err)
	}
	document, err := enclave.NSM().Attest(commitment, nonce, nil)
	if err != nil {
		log.Fatal(err)
	}

	// The relying party.
	result, err := verifier.Verify(document, attestation.Expect{Nonce: nonce})
	if err != nil {
		log.Fatal(err)
	}
	envelope, err := recipient.SealHybrid(result, beside, []byte("the database password"))
	if err != nil {
		log.Fatal(err)
	}

	// The enclave.
	secret, err := recipient.OpenHybrid(envelope, key)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("a key of %d bytes, a commitment of %d: %s\n", len(beside), len(commitment), secret)

	// A key that the parent instance put in its place.
	swapped, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		log.Fatal(err)
	}
	_, err = recipient.SealHybrid(result, swapped.PublicKey().Bytes(), []byte("the database password"))
	fmt.Println(err)
	// Output:
	// a key of 1216 bytes, a commitment of 78: the database password
	// key-not-committed: user_data: found the commitment to another key than the one beside the document
}
