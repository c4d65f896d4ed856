package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/attestation/attestedtls"
	"github.com/nitroattest/nitroattest/pcr"
)

func newSimulateServe(std stdio) *cobra.Command {
	var f enclaveFlags
	var address string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve HTTPS as an enclave does, with documents that name its certificate",
		Long: `Serve stands in for the server in an enclave, for clients of package attestedtls
and for those in other languages:

  GET ` + attestedtls.DefaultPath + `?nonce=<hex>

answers with a document that holds a hash of the nonce and, in user_data, a label
and the SHA-256 of the certificate of this connection. Every other path says
hello. The key of the certificate is made at the start and kept nowhere.

It prints its URL, and stops on SIGTERM or SIGINT.`,
		Example: `  nitroattest simulate serve --listen 127.0.0.1:8443
  curl -k 'https://127.0.0.1:8443` + attestedtls.DefaultPath + `?nonce=00112233445566778899aabbccddeeff' -o document.cbor`,
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
	simulator, err := f.open(pcr.Kind(f.kind), std)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	if err := printOut(std.out, []byte("https://"+listener.Addr().String()+"\n")); err != nil {
		return errors.Join(err, listener.Close())
	}
	err = simulator.Serve(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(w, "hello from the simulated enclave %s\n", simulator.ModuleID())
	}))
	if err != nil {
		return fmt.Errorf("--listen: %s: %w", address, err)
	}
	return nil
}
