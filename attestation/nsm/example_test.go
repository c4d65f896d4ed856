package nsm_test

import (
	"fmt"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/nsm"
)

// simulator is a Transport to a simulated module, for tests of enclave code.
type simulator struct{ module *attestationtest.NSM }

func (s simulator) Exchange(request, response []byte) (int, error) {
	return copy(response, s.module.Process(request)), nil
}

func (s simulator) Close() error { return nil }

func Example() {
	h := attestationtest.NewHypervisor(attestationtest.WithSeed([]byte("example")))
	device := nsm.New(simulator{h.Enclave().NSM()}) // in an enclave: nsm.Open()

	document, err := device.Attest([]byte("hello"), nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	parsed, err := attestation.ParseUnverified(document)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", parsed.Document.UserData)
	// Output: hello
}
