package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/nitroattest/nitroattest/attestation/attestedtls"
	"github.com/nitroattest/nitroattest/pcr"
)

// module is the Nitro Security Module: an *nsm.Device in an enclave, here a
// simulated one.
type module interface {
	ExtendPCR(register int, data []byte) (pcr.Value, error)
	LockPCR(register int) error
	Attest(userData, nonce, publicKey []byte) ([]byte, error)
}

// server is what runs in the enclave after it booted.
type server struct {
	http.Server
	url string
}

// boot does what the first program of the image does: it measures what the parent
// instance handed over, and starts it then and not before. The registers are
// locked, so that the program cannot measure anything into them itself.
func boot(m module, given manifest) (*server, error) {
	for _, event := range given.events() {
		if _, err := m.ExtendPCR(event.Register, event.Data); err != nil {
			return nil, fmt.Errorf("measuring into PCR%d: %w", event.Register, err)
		}
		if err := m.LockPCR(event.Register); err != nil {
			return nil, fmt.Errorf("locking PCR%d: %w", event.Register, err)
		}
	}
	return start(m, given.program)
}

// start serves over TLS that ends in the enclave. The program stands for one that
// does something: its last line is what it answers.
func start(m module, program string) (*server, error) {
	identity, err := attestedtls.NewIdentity(attestedtls.IdentityConfig{Attester: m})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, answer, _ := strings.Cut(program, "echo ")
		fmt.Fprint(w, answer)
	})
	mux.Handle(attestedtls.DefaultPath, identity)
	s := &server{Server: http.Server{Handler: mux}}
	identity.Configure(&s.Server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.url = "https://" + listener.Addr().String()
	go func() { _ = s.ServeTLS(listener, "", "") }()
	return s, nil
}
