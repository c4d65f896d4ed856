package recipient_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/pcr"
)

// What an enclave does with the answer of AWS KMS to GenerateDataKey. Its key
// pair is usually made at start and never written down; this one is published
// together with the recorded answer.
func ExampleOpen() {
	text, err := os.ReadFile("../../testdata/kms/edgebit_datakey.key.pem")
	if err != nil {
		log.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		log.Fatal(err)
	}
	ciphertextForRecipient, err := os.ReadFile("../../testdata/kms/edgebit_datakey.ber")
	if err != nil {
		log.Fatal(err)
	}

	dataKey, err := recipient.Open(ciphertextForRecipient, key.(*rsa.PrivateKey))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(hex.EncodeToString(dataKey))
	// Output: 3be82c440f06cb4d44c4c2ec3bf30d472407d3a9125aa4c1842b98f6bdd26e41
}

// A secret goes only where a verifier says it may. The document here is a
// recorded one, so the program looks at it as of its own time and has to say that
// a recording will do. Seal itself takes fresh ones only.
func ExampleSealer() {
	document, err := os.ReadFile("../../testdata/evidence/yawn-attestation-19b717.cbor")
	if err != nil {
		log.Fatal(err)
	}
	image, err := pcr.ParseValue("8bb159f202bb95d6d4d98e0e103918246cea734f1d57cd263e4fd56075ed53f6fa8c68854817a32749a241e11874c26b")
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy:   pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: pcr.Bank{0: image}}}},
		Recorded: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	result, err := verifier.Verify(document, attestation.Expect{})
	if err != nil {
		log.Fatal(err)
	}

	asOfThen := recipient.Sealer{Now: func() time.Time { return result.VerifiedAt }, InsecureAllowRecorded: true}
	envelope, err := asOfThen.Seal(result, []byte("the database password"))
	fmt.Println(len(envelope), "bytes:", err)

	_, err = recipient.Seal(result, []byte("the database password"))
	fmt.Println(errors.Is(err, recipient.RecordedResult))
	// Output:
	// 477 bytes: <nil>
	// true
}
