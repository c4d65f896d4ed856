// Command relyingparty is a service that gives a secret to an enclave, once it
// knows what the enclave runs, and the enclave that asks for it.
//
//	go run ./examples/relyingparty
//
// The enclave is simulated. Point it at a real one by leaving out Roots, which
// trusts AWS, and by reading the policy from what nitro-cli build-enclave printed.
package main

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/examples/relyingparty/attested"
	"github.com/nitroattest/nitroattest/pcr"
)

func main() {
	log.SetFlags(0)
	hypervisor := attestationtest.NewHypervisor()
	service, err := newService(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{hypervisor.Enclave().Image()}},
		Roots:  hypervisor.Roots(),
	})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(service)
	defer server.Close()

	client := &enclave{nsm: hypervisor.Enclave().NSM(), service: server.URL}
	secret, err := client.fetch("/secret")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("the enclave was attested and given: %s", secret)

	// The same code on a machine that is not AWS's.
	client.nsm = attestationtest.NewHypervisor().Enclave().NSM()
	_, err = client.fetch("/secret")
	fmt.Println("another one was not:", err)
}

// newService is the relying party: everything but the two paths of attested is
// behind a session.
func newService(config attestation.Config) (http.Handler, error) {
	verifier, err := attestation.NewVerifier(config)
	if err != nil {
		return nil, err
	}
	store, err := challenge.NewMemory(100_000)
	if err != nil {
		return nil, err
	}
	issuer, err := challenge.New(challenge.Config{Store: store})
	if err != nil {
		return nil, err
	}
	sessions, err := attested.New(attested.Config{Verifier: verifier, Issuer: issuer, Lifetime: time.Hour, Capacity: 100_000})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /secret", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "a secret for %s\n", attested.From(r).Document.ModuleID)
	})
	return sessions.Handler(mux), nil
}
