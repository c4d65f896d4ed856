// Command verify is a relying party at its smallest: it takes an attestation
// document and says whether it trusts the enclave behind it.
//
//	go run ./examples/verify
//
// It verifies a recorded document as of its own timestamp, for want of a
// running enclave. A real one gives out a random nonce first, leaves Recorded
// away and expects that nonce.
package main

import (
	"fmt"
	"log"
	"os"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/pcr"
)

func main() {
	log.SetFlags(0)
	file, err := os.Open("testdata/evidence/policies/nautilus-weather.json")
	if err != nil {
		log.Fatal(err)
	}
	policy, err := pcr.ReadPolicy(file)
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := attestation.NewVerifier(attestation.Config{Policy: policy, Recorded: true})
	if err != nil {
		log.Fatal(err)
	}
	evidence, err := os.ReadFile("testdata/evidence/nautilus-weather-7e9164.cbor")
	if err != nil {
		log.Fatal(err)
	}
	result, err := verifier.Verify(evidence, attestation.Expect{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s runs %s; its key is %x\n", result.Document.ModuleID, result.Image.Name, result.Document.PublicKey)
}
