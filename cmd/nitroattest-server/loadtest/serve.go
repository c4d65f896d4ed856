//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
	"github.com/nitroattest/nitroattest/pcr"
)

// hypervisor is the same in every process.
var hypervisor = attestationtest.NewHypervisor(attestationtest.WithSeed([]byte("loadtest")))

// serve is the service as the command sets it up, with a challenge lifetime that
// is long enough to prepare all requests first. Its log is written and thrown
// away.
func serve() error {
	debug.SetGCPercent(400) // as the command does
	dir, err := os.MkdirTemp("", "loadtest")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	policy, err := json.Marshal(pcr.Policy{Images: []pcr.Image{hypervisor.Enclave().Image()}})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "load.json"), policy, 0o600); err != nil {
		return err
	}
	config := service.Config{Logger: slog.New(slog.NewJSONHandler(io.Discard, nil))}
	if config.Policies, err = service.LoadPolicies(dir, build, config.Logger); err != nil {
		return err
	}
	memory, err := challenge.NewMemory(1_000_000)
	if err != nil {
		return err
	}
	if config.Issuer, err = challenge.New(challenge.Config{Store: memory, Lifetime: challenge.MaxLifetime}); err != nil {
		return err
	}
	if config.Signer, err = newSigner(); err != nil {
		return err
	}
	s, err := service.New(config)
	if err != nil {
		return err
	}
	listener, err := service.Listen(service.Listening{Address: "127.0.0.1:0", Connections: 1024})
	if err != nil {
		return err
	}
	nothing, err := serveNothing()
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr(), nothing)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return s.Serve(ctx, listener, service.Running{PolicyInterval: 5 * time.Second, ShutdownTimeout: 10 * time.Second})
}

// serveNothing answers every request with as many bytes as a verdict has, once it
// has read it, and returns its address.
func serveNothing() (net.Addr, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	answer := append([]byte(`{"accepted":true}`), bytes.Repeat([]byte(" "), 1000)...)
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(answer)
		}))
	}()
	return listener.Addr(), nil
}

func build(file io.Reader) (*attestation.Verifier, error) {
	policy, err := pcr.ReadPolicy(file)
	if err != nil {
		return nil, err
	}
	return attestation.NewVerifier(attestation.Config{Policy: policy, Roots: hypervisor.Roots()})
}

func newSigner() (*service.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return service.ParseSigner(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), "loadtest")
}
