// Package server is the program nitroattest-simulate-serve: the HTTPS server of
// a simulated enclave. nitroattest starts it for "simulate serve", and so stays
// free of net/http and crypto/tls, which nothing else of it needs.
//
// The program is told what to do by a [simulate.ServeRequest] in JSON on its standard input,
// and stops when that ends: nobody is left behind when nitroattest is killed.
package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nitroattest/nitroattest/attestation/attestedtls"
	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/simulate"
)

// stopTime is how long requests have to finish when the server stops.
const stopTime = 5 * time.Second

// Main is the program. It prints its URL to stdout, and why it failed to stderr,
// in the words of the flags of "nitroattest simulate serve". It returns the exit
// status: 0 after a stop, 2 after a failure.
func Main(stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, stdin, stdout); err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	return 0
}

func serve(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	var request simulate.ServeRequest
	d := json.NewDecoder(stdin)
	d.DisallowUnknownFields()
	if err := d.Decode(&request); err != nil {
		return errors.New("standard input: found no request of this version; nitroattest simulate serve starts this program")
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, stdin)
	}()
	state, err := simulate.OpenState(request.State)
	if err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	simulator, err := state.New(request.Enclave)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", request.Address)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	if _, err := fmt.Fprintf(stdout, "https://%s\n", listener.Addr()); err != nil {
		return errors.Join(fmt.Errorf("standard output: %w", err), listener.Close())
	}
	if err := answer(ctx, simulator, listener); err != nil {
		return fmt.Errorf("--listen: %s: %w", request.Address, err)
	}
	return nil
}

// answer serves HTTPS as an enclave with package attestedtls does: documents at
// attestedtls.DefaultPath, and a greeting everywhere else. It returns when the
// context ends.
func answer(ctx context.Context, s *simulate.Simulator, listener net.Listener) error {
	const rate = attestedtls.DefaultRate
	identity, err := attestedtls.NewIdentity(attestedtls.IdentityConfig{
		Attester:   s.NSM(),
		Rate:       rate,
		ClientRate: rate, // whoever tries it out is the only client
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	mux := http.NewServeMux()
	mux.Handle(simulate.DocumentPath, identity)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(w, "hello from the simulated enclave %s\n", s.ModuleID())
	})
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
