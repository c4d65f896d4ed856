// Command attestedclient shows a client that talks to an attested enclave and
// to nobody else:
//
//	go run ./examples/attestedclient
//
// It starts a server in a simulated enclave, and an impostor who has the
// enclave's genuine documents, but not its key. What is simulated is the
// hypervisor; TLS, verification and the attack are what they would be.
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/attestedtls"
	"github.com/nitroattest/nitroattest/pcr"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	hypervisor := attestationtest.NewHypervisor()
	enclave, err := startEnclave(hypervisor.Enclave().NSM()) // in an enclave: nsm.Open()
	if err != nil {
		return err
	}
	defer enclave.Close()
	impostor, err := startImpostor(enclave.url)
	if err != nil {
		return err
	}
	defer impostor.Close()

	image := hypervisor.Enclave().Image() // yours: pcr.ReadPolicy of what nitro-cli printed
	image.Name = "v1.2.0"
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{image}},
		Roots:  hypervisor.Roots(), // leave it out to trust AWS's root
	})
	if err != nil {
		return err
	}
	transport, err := attestedtls.NewTransport(attestedtls.Config{Verifier: verifier})
	if err != nil {
		return err
	}
	client := &http.Client{Transport: transport}

	answer, image, err := ask(client, enclave.url)
	if err != nil {
		return err
	}
	fmt.Printf("enclave:  runs %s and says %q\n", image.Name, answer)

	_, _, err = ask(client, impostor.url)
	if !errors.Is(err, attestedtls.NotBound) {
		return fmt.Errorf("the impostor was not refused as one: %w", err)
	}
	fmt.Printf("impostor: refused (%s); of the secret it saw %q\n", attestedtls.NotBound, impostor.Heard())
	return nil
}

// ask sends a secret and returns the answer, and the image that gave it.
func ask(client *http.Client, url string) (string, pcr.Image, error) {
	response, err := client.Post(url, "text/plain", strings.NewReader("the secret"))
	if err != nil {
		return "", pcr.Image{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", pcr.Image{}, err
	}
	result, ok := attestedtls.FromContext(response.Request.Context())
	if !ok {
		return "", pcr.Image{}, errors.New("the response is not of an attested enclave")
	}
	return string(body), result.Image, nil
}
