package attestedtls_test

import (
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/attestedtls"
	"github.com/nitroattest/nitroattest/pcr"
)

func Example() {
	if err := example(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// hello from the enclave
	// attested: true
}

func example() error {
	h := attestationtest.NewHypervisor() // in an enclave: nsm.Open()

	// The server, in the enclave.
	identity, err := attestedtls.NewIdentity(attestedtls.IdentityConfig{Attester: h.Enclave().NSM()})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(attestedtls.DefaultPath, identity)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello from the enclave") })
	server := &http.Server{Handler: mux}
	identity.Configure(server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer server.Close()
	go server.ServeTLS(listener, "", "")

	// The client.
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{h.Enclave().Image()}},
		Roots:  h.Roots(), // leave it out for AWS's
	})
	if err != nil {
		return err
	}
	transport, err := attestedtls.NewTransport(attestedtls.Config{Verifier: verifier})
	if err != nil {
		return err
	}
	client := &http.Client{Transport: transport}
	response, err := client.Get("https://" + listener.Addr().String())
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	result, _ := attestedtls.FromContext(response.Request.Context())
	fmt.Printf("%sattested: %v\n", body, result.Verified())
	return nil
}
