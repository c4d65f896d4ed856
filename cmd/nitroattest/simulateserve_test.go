package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestedtls"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/simulate"
	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/simulate/server"
	"github.com/nitroattest/nitroattest/pcr"
)

func simulateServer() { os.Exit(server.Main(os.Stdin, os.Stdout, os.Stderr)) }

// What only the server needs is not in this program.
func TestNoServerIsLinked(t *testing.T) {
	t.Parallel()
	linked, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	packages := strings.Fields(string(linked))
	assert.Contains(t, packages, "github.com/nitroattest/nitroattest/attestation")
	for _, name := range []string{"net/http", "crypto/tls", "github.com/nitroattest/nitroattest/attestation/attestedtls"} {
		assert.NotContains(t, packages, name)
	}
}

func TestSimulatedDocumentPath(t *testing.T) {
	t.Parallel()
	assert.Equal(t, attestedtls.DefaultPath, simulate.DocumentPath)
}

// What simulate serve answers is what clients of attestedtls take.
func TestSimulatedServer(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	flags := &enclaveFlags{state: state, changed: func(name string) bool { return name == "state" }}
	flags.container.changed = func(string) bool { return false }
	simulator, err := flags.open(pcr.Enclave, stdio{})
	require.NoError(t, err)
	block, _ := pem.Decode(simulator.Root())
	root, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	roots, err := certs.NewRoots(root)
	require.NoError(t, err)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	reader, writer := io.Pipe()
	stopped := make(chan error, 1)
	go func() { stopped <- serveSimulated(ctx, flags, "127.0.0.1:0", stdio{out: writer}) }()
	line := make([]byte, 100)
	n, err := reader.Read(line)
	require.NoError(t, err)
	url := strings.TrimSpace(string(line[:n]))

	ask := func(policy pcr.Policy) (string, error) {
		verifier, err := attestation.NewVerifier(attestation.Config{Policy: policy, Roots: roots})
		require.NoError(t, err)
		transport, err := attestedtls.NewTransport(attestedtls.Config{Verifier: verifier})
		require.NoError(t, err)
		defer transport.CloseIdleConnections()
		response, err := (&http.Client{Transport: transport}).Get(url)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return string(body), err
	}
	body, err := ask(simulator.Policy())
	require.NoError(t, err)
	assert.Equal(t, "hello from the simulated enclave "+simulator.ModuleID()+"\n", body)
	other := simulator.Policy()
	other.Images = []pcr.Image{{Name: "other", PCRs: pcr.Bank{0: {1}}}}
	_, err = ask(other)
	assert.ErrorIs(t, err, attestation.MeasurementMismatch)

	stop()
	assert.NoError(t, <-stopped)
}

// The command stops its server on a signal, and leaves none behind when it is
// killed. The output ends when both have ended.
func TestSimulatedServerEndsWithTheCommand(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no signals")
	}
	for signal, status := range map[os.Signal]int{os.Interrupt: 0, os.Kill: -1} {
		cmd := exec.Command("nitroattest", "simulate", "serve", "--listen", "127.0.0.1:0", "--state", filepath.Join(t.TempDir(), "state"))
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		out := bufio.NewReader(stdout)
		url, err := out.ReadString('\n')
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(url, "https://127.0.0.1:"), url)
		require.NoError(t, cmd.Process.Signal(signal))
		rest, err := io.ReadAll(out)
		require.NoError(t, err)
		assert.Empty(t, rest)
		_ = cmd.Wait()
		assert.Equal(t, status, cmd.ProcessState.ExitCode(), stderr.String())
	}
}

func TestSimulatedServerThatIsNotInstalled(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	status, stdout, stderr := command("simulate", "serve", "--state", filepath.Join(t.TempDir(), "state"))
	assert.Equal(t, exitUsage, status)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, "nitroattest: the program nitroattest-simulate-serve is neither beside nitroattest nor on PATH\n")
	assert.Contains(t, stderr, "go install ./cmd/nitroattest/nitroattest-simulate-serve installs it from a clone")
	status, stdout, _ = command("simulate", "serve", "--help")
	assert.Equal(t, exitAccepted, status)
	assert.Contains(t, stdout, "nitroattest-simulate-serve")
}
