package attestationtest_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr"
)

// admit stands for the code under test: what a service does with a document.
func admit(verifier *attestation.Verifier, document, nonce []byte) string {
	result, err := verifier.Verify(document, attestation.Expect{Nonce: nonce})
	if err != nil {
		var refused *attestation.Error
		errors.As(err, &refused)
		return "refused: " + string(refused.Reason)
	}
	return "welcome, " + result.Document.ModuleID
}

// The test of a service tells its verifier to trust the simulated hypervisor
// and hands it documents of every sort.
func Example() {
	h := attestationtest.NewHypervisor(
		attestationtest.WithInstanceID("i-1234567890abcdef0"),
		attestationtest.WithEnclaveID("0123456789abcdef"))
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{h.Enclave().Image()}},
		Roots:  h.Roots(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	nonce := []byte("of this exchange")
	fmt.Println(admit(verifier, h.Attest(attestationtest.Request{Nonce: nonce}), nonce))
	fmt.Println(admit(verifier, h.Attest(attestationtest.Request{Nonce: []byte("of another")}), nonce))

	debug := h.Enclave().Instance().NewEnclave(
		attestationtest.WithImage(h.Enclave().Image().PCRs), attestationtest.WithDebugMode())
	fmt.Println(admit(verifier, debug.Attest(attestationtest.Request{Nonce: nonce}), nonce))

	yesterday := attestationtest.Request{Nonce: nonce, Time: time.Now().Add(-24 * time.Hour)}
	fmt.Println(admit(verifier, h.Attest(yesterday), nonce))
	// Output:
	// welcome, i-1234567890abcdef0-enc0123456789abcdef
	// refused: nonce-mismatch
	// refused: debug-mode
	// refused: certificate-expired
}

// A program in an enclave measures its configuration into a register and
// locks it before it asks for a document.
func ExampleEnclave_NSM() {
	enclave := attestationtest.NewHypervisor().Enclave()
	nsm := enclave.NSM()
	measured, err := nsm.ExtendPCR(16, []byte("configuration"))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := nsm.LockPCR(16); err != nil {
		fmt.Println(err)
		return
	}
	_, err = nsm.ExtendPCR(16, []byte("another configuration"))
	fmt.Println(err)

	document, err := nsm.Attest(nil, []byte("nonce"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	unverified, err := attestation.ParseUnverified(document)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(unverified.Document.PCRs[16] == measured)
	// Output:
	// ReadOnlyIndex: ExtendPCR
	// true
}

// A blueprint is a document with one thing wrong and everything else signed
// anew: here the leaf is that of another enclave.
func ExampleBlueprint() {
	h := attestationtest.NewHypervisor()
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{h.Enclave().Image()}},
		Roots:  h.Roots(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	nonce := []byte("of this exchange")
	other := h.Enclave().Instance().NewEnclave().Blueprint(attestationtest.Request{})
	b := h.Blueprint(attestationtest.Request{Nonce: nonce})
	b.Certificate.Subject = other.Certificate.Subject
	fmt.Println(admit(verifier, b.Document(), nonce))
	// Output: refused: invalid-chain
}
