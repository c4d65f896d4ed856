// Command measuredboot has an enclave that measures its configuration at every
// boot, and a client that talks to it only with the configuration that it knows.
//
//	go run ./examples/measuredboot
//
// One image serves many deployments: which program an enclave runs, and for whom,
// stands in a manifest that the parent instance hands over when it boots. The
// registers of the image say nothing about it. So the image measures the manifest
// into registers 16 and 17 and locks them, before it does what the manifest says.
// The hypervisor is simulated.
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/attestedtls"
	"github.com/nitroattest/nitroattest/pcr"
)

const (
	program = "#!/bin/sh\necho signed by two of three\n"
	agreed  = `{"program": "signer", "quorum": 2, "members": ["ada", "grace", "katherine"]}`
	changed = `{"program": "signer", "quorum": 1, "members": ["ada", "grace", "mallory"]}`
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	hypervisor := attestationtest.NewHypervisor()
	client, err := newClient(hypervisor, manifest{agreed, program})
	if err != nil {
		return err
	}

	answer, err := deploy(hypervisor.Enclave(), manifest{agreed, program}, client)
	if err != nil {
		return err
	}
	fmt.Printf("the manifest that was agreed on: %s", answer)

	// The same image, booted by a parent instance that has other plans.
	same := attestationtest.WithImage(hypervisor.Enclave().Image().PCRs)
	_, err = deploy(hypervisor.Enclave().Instance().NewEnclave(same), manifest{changed, program}, client)
	if !errors.Is(err, attestation.RegisterMismatch) {
		return fmt.Errorf("the changed manifest was not refused as one: %w", err)
	}
	fmt.Println("another manifest:", err)
	return nil
}

// deploy boots an enclave with a manifest, has the client ask it, and ends it.
func deploy(e *attestationtest.Enclave, m manifest, client *http.Client) (string, error) {
	server, err := boot(e.NSM(), m) // in an enclave: nsm.Open()
	if err != nil {
		return "", err
	}
	defer server.Close()
	response, err := client.Get(server.url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return string(answer), err
}

// newClient returns a client of enclaves that run the image and were booted with
// the manifest. The image says that it measures a manifest (Exchange), so that a
// program that forgets to expect one is refused every document.
func newClient(hypervisor *attestationtest.Hypervisor, m manifest) (*http.Client, error) {
	image := hypervisor.Enclave().Image() // yours: pcr.ReadPolicy of what nitro-cli printed
	image.Exchange = []int{registerManifest, registerProgram}
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{image}},
		Roots:  hypervisor.Roots(), // leave it out to trust AWS's root
	})
	if err != nil {
		return nil, err
	}
	transport, err := attestedtls.NewTransport(attestedtls.Config{
		Verifier: verifier,
		Expect:   attestation.Expect{PCRs: pcr.Replay(nil, m.events()...)},
	})
	return &http.Client{Transport: transport}, err
}
