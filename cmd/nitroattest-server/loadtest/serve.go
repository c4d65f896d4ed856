//go:build linux

package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/command"
	"github.com/nitroattest/nitroattest/pcr"
)

// hypervisor is the same in every process.
var hypervisor = attestationtest.NewHypervisor(attestationtest.WithSeed([]byte("loadtest")))

// serve is the command itself with its default flags, but for a challenge
// lifetime that is long enough to prepare all requests first. Its log is written
// and thrown away. With TLS it has the files of dir, and every client needs a
// certificate.
func serve(tlsDir string) error {
	dir, err := os.MkdirTemp("", "loadtest")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	args, err := flags(dir)
	if err != nil {
		return err
	}
	if tlsDir != "" {
		args = append(args, "--tls-cert", filepath.Join(tlsDir, "server.pem"), "--tls-key", filepath.Join(tlsDir, "server.key"),
			"--client-ca", filepath.Join(tlsDir, "ca.pem"))
	}
	nothing, err := serveNothing()
	if err != nil {
		return err
	}
	log := &servingLog{nothing: nothing}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
	}()
	if status := command.Run(args, io.Discard, log, nil); status != 0 {
		return errors.New(log.last)
	}
	return nil
}

func flags(dir string) ([]string, error) {
	policy, err := json.Marshal(pcr.Policy{Images: []pcr.Image{hypervisor.Enclave().Image()}})
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	policies := filepath.Join(dir, "policies")
	root, ear := filepath.Join(dir, "root.pem"), filepath.Join(dir, "ear.pem")
	return []string{"--listen", "127.0.0.1:0", "--policies", policies, "--root", root, "--ear-key", ear,
			"--challenge-lifetime", challenge.MaxLifetime.String(), "--signatures", *verifier},
		errors.Join(
			os.Mkdir(policies, 0o700),
			os.WriteFile(filepath.Join(policies, "load.json"), policy, 0o600),
			os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: hypervisor.Root().Raw}), 0o600),
			os.WriteFile(ear, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
}

// servingLog is the log of the service. It tells the addresses once it serves.
type servingLog struct {
	nothing net.Addr
	said    bool
	last    string
}

// Write implements [io.Writer]. It gets one line at a time.
func (l *servingLog) Write(p []byte) (int, error) {
	if l.said {
		return len(p), nil
	}
	for lines := bufio.NewScanner(bytes.NewReader(p)); lines.Scan(); {
		l.last = lines.Text()
		var line struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			fmt.Println(line.Address, l.nothing)
			l.said = true
		}
	}
	return len(p), nil
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
