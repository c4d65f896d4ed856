package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/simulate"
	"github.com/nitroattest/nitroattest/pcr"
)

// serverName is the program that serves. It alone needs net/http and crypto/tls.
const (
	serverName   = "nitroattest-simulate-serve"
	serverFolder = "cmd/nitroattest/" + serverName
)

func newSimulateServe(std stdio) *cobra.Command {
	var f enclaveFlags
	var address string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve HTTPS as an enclave does, with documents that name its certificate",
		Long: `Serve stands in for the server in an enclave, for clients of package attestedtls
and for those in other languages:

  GET ` + simulate.DocumentPath + `?nonce=<hex>

answers with a document that holds a hash of the nonce and, in user_data, a label
and the SHA-256 of the certificate of this connection. Every other path says
hello. The key of the certificate is made at the start and kept nowhere.

It prints its URL, and stops on SIGTERM or SIGINT.

The server is a program of its own, ` + serverName + `, which has to be
beside this one or on PATH. go install ./` + serverFolder + `
installs it from a clone.`,
		Example: `  nitroattest simulate serve --listen 127.0.0.1:8443
  curl -k 'https://127.0.0.1:8443` + simulate.DocumentPath + `?nonce=00112233445566778899aabbccddeeff' -o document.cbor`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return serveSimulated(ctx, &f, address, std)
		},
	}
	f.register(cmd)
	cmd.Flags().StringVar(&address, "listen", "127.0.0.1:8443", "`ADDRESS` to listen on, host:port; port 0 for a free one")
	return cmd
}

func serveSimulated(ctx context.Context, f *enclaveFlags, address string, std stdio) error {
	if pcr.Kind(f.kind).Is(pcr.NitroTPM) {
		return errors.New("--kind: found nitrotpm, expected enclave: an instance with NitroTPM is no such server")
	}
	config, err := f.config(pcr.Kind(f.kind), std)
	if err != nil {
		return err
	}
	dir, err := f.stateDir()
	if err != nil {
		return err
	}
	if _, err := f.start(config); err != nil { // what is wrong with the flags is told here
		return err
	}
	request, err := json.Marshal(simulate.ServeRequest{State: dir, Enclave: config, Address: address})
	if err != nil {
		return err
	}
	program, err := findProgram(serverName, serverFolder)
	if err != nil {
		return err
	}
	return runServer(ctx, program, request, std)
}

// runServer returns when the program ends. It ends its standard input with the
// context, on which the program stops; with this process the input ends, too.
func runServer(ctx context.Context, program string, request []byte, std stdio) error {
	cmd := exec.Command(program)
	var complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = std.out, &complaint
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("%s: %w", serverName, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", serverName, pathless(err))
	}
	// A program that has already ended says why itself.
	_, _ = stdin.Write(request)
	defer context.AfterFunc(ctx, func() { _ = stdin.Close() })()
	err = cmd.Wait()
	if text := bytes.TrimSpace(complaint.Bytes()); err != nil && len(text) > 0 {
		return errors.New(string(text))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", serverName, err)
	}
	return nil
}
