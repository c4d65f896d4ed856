package simulate

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/nitroattest/nitroattest/attestation/attestedtls"
)

// stopTime is how long requests have to finish when the server stops.
const stopTime = 5 * time.Second

// Serve answers over HTTPS as an enclave with package attestedtls does: documents
// at attestedtls.DefaultPath, and application everywhere else. It returns when
// the context ends.
func (s *Simulator) Serve(ctx context.Context, listener net.Listener, application http.Handler) error {
	const rate = attestedtls.DefaultRate
	identity, err := attestedtls.NewIdentity(attestedtls.IdentityConfig{
		Attester:   s.hypervisor.Enclave().NSM(),
		Rate:       rate,
		ClientRate: rate, // whoever tries it out is the only client
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	mux := http.NewServeMux()
	mux.Handle(attestedtls.DefaultPath, identity)
	mux.Handle("/", application)
	server := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: stopTime,
		ErrorLog:          log.New(io.Discard, "", 0), // handshakes that clients broke off
	}
	identity.Configure(server)
	failed := make(chan error, 1)
	go func() { failed <- server.ServeTLS(listener, "", "") }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
}
