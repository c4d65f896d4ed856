package attestation_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr"
)

// A service makes one verifier at start, from the reference values of the
// images it trusts, and expects its own nonce in every document.
func Example() {
	err := verifyOnce(openPolicy("nautilus-weather.json"))
	if errors.Is(err, attestation.CertificateExpired) {
		fmt.Println("refused: the example has a recorded document to show")
	}
	// Output: refused: the example has a recorded document to show
}

func verifyOnce(file io.Reader) error {
	policy, err := pcr.ReadPolicy(file) // the images you built
	if err != nil {
		return err
	}
	verifier, err := attestation.NewVerifier(attestation.Config{Policy: policy})
	if err != nil {
		return err
	}

	nonce := []byte(rand.Text()) // yours, for this exchange only
	evidence := askEnclave(nonce)
	result, err := verifier.Verify(evidence, attestation.Expect{Nonce: nonce})
	if err != nil {
		return err // errors.Is(err, attestation.MeasurementMismatch) tells why
	}
	fmt.Println("trusted:", result.Image.Name, result.Document.ModuleID)
	return nil
}

// An auditor appraises a recorded document as of its own timestamp, and sees
// every check.
func ExampleVerifier_Appraise() {
	policy, err := pcr.ReadPolicy(openPolicy("turnkey.json"))
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := attestation.NewVerifier(attestation.Config{Policy: policy, Recorded: true})
	if err != nil {
		log.Fatal(err)
	}
	evidence, err := os.ReadFile("../testdata/evidence/tk-rust-turnkey-attestation-1269f0.cbor")
	if err != nil {
		log.Fatal(err)
	}
	report := verifier.Appraise(evidence, attestation.Expect{Nonce: []byte("another nonce")})
	fmt.Println("authentic:", report.Authentic())
	fmt.Println("image:", report.Matched.Name)
	for _, check := range report.Checks {
		if check.Status == attestation.Fail {
			fmt.Println(check.Name, "failed:", check.Reason)
		}
	}
	// Output:
	// authentic: true
	// image: turnkey 2024-07
	// nonce failed: nonce-mismatch
}

// A report of a refused document has fields that look like those of an accepted
// one. Only Accepted and Result say which it is; of a document that is refused,
// Result returns nothing beside the error.
func ExampleReport_Result() {
	h := attestationtest.NewHypervisor()
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{h.Enclave().Image()}},
		Roots:  h.Roots(),
	})
	if err != nil {
		log.Fatal(err)
	}
	replayed := h.Attest(attestationtest.Request{Nonce: []byte("of another exchange")})
	report := verifier.Appraise(replayed, attestation.Expect{Nonce: []byte("of this exchange")})
	fmt.Println("authentic:", report.Authentic(), "matches an image:", report.Matched != nil)
	fmt.Println("accepted:", report.Accepted(), "image:", report.Image)
	result, err := report.Result()
	fmt.Println(result, errors.Is(err, attestation.NonceMismatch))
	// Output:
	// authentic: true matches an image: true
	// accepted: false image: <nil>
	// <nil> true
}

// A nonce that got lost is nil, and nil would ask for none. Required makes it an
// error.
func ExampleRequired() {
	h := attestationtest.NewHypervisor()
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{h.Enclave().Image()}},
		Roots:  h.Roots(),
	})
	if err != nil {
		log.Fatal(err)
	}
	sessions := map[string][]byte{"alice": []byte("nonce of alice")}
	_, err = verifier.Verify(h.Attest(attestationtest.Request{}), attestation.Expect{
		Nonce:  attestation.Required(sessions["mallory"]),
		MaxAge: time.Minute,
	})
	fmt.Println(err)
	// Output:
	// attestation: Expect.Nonce: empty: an expected nonce has at least one byte; nil means that none is expected
}

func ExampleParseUnverified() {
	evidence, err := os.ReadFile("../testdata/evidence/nautilus-weather-7e9164.cbor")
	if err != nil {
		log.Fatal(err)
	}
	u, err := attestation.ParseUnverified(evidence)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("claims to be", u.Document.ModuleID)
	// Output: claims to be i-06e4b98c6549ff803-enc0196373b195fb723
}

func openPolicy(name string) *os.File {
	file, err := os.Open("../testdata/evidence/policies/" + name)
	if err != nil {
		log.Fatal(err)
	}
	return file
}

// askEnclave stands for a request to the enclave.
func askEnclave([]byte) []byte {
	evidence, err := os.ReadFile("../testdata/evidence/nautilus-weather-7e9164.cbor")
	if err != nil {
		log.Fatal(err)
	}
	return evidence
}
