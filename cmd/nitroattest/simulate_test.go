package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/attestedtls"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/simulate"
	"github.com/nitroattest/nitroattest/pcr"
)

const brokenAt = "2026-03-01T12:00:00Z"

// A mutation of each topic and reason is refused by verify for its reason, and a
// change that breaks nothing is accepted, with the flags that simulate itself
// names.
func TestSimulatedMutations(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	file := func(name string) string { return filepath.Join(dir, name) }
	simulated := func(args ...string) string {
		status, stdout, stderr := command(append([]string{"simulate", args[0], "--state", state}, args[1:]...)...)
		require.Equal(t, exitAccepted, status, stderr)
		return stdout
	}
	simulated("policy", "-o", file("enclave.json"))
	simulated("policy", "--kind", "nitrotpm", "-o", file("nitrotpm.json"))
	type class struct {
		topic  attestationtest.Topic
		reason attestation.Reason
		root   bool
	}
	tried := map[class]bool{}
	for _, m := range simulate.Mutations() {
		of := class{m.Topic, m.Reason, m.TrustsRoot}
		if tried[of] || testing.Short() && len(tried) == 5 {
			continue
		}
		tried[of] = true
		var made madeDocument
		require.NoError(t, json.Unmarshal([]byte(simulated("attest", "--broken", m.Name, "--time", brokenAt, "--json")), &made))
		assert.Equal(t, m.Reason, made.Broken.Reason)
		require.NoError(t, os.WriteFile(file("document"), made.Document, 0o600))
		simulated("root", "--broken", m.Name, "--time", brokenAt, "-o", file("root.pem"))
		args := append([]string{"verify", "--json", "--root", file("root.pem"), "--policy", file(string(made.Kind) + ".json")}, made.Broken.Verify...)
		_, stdout, stderr := command(append(args, file("document"))...)
		var verdict struct {
			Accepted bool               `json:"accepted"`
			Reason   attestation.Reason `json:"reason"`
			Detail   string             `json:"detail"`
		}
		require.NoError(t, json.Unmarshal([]byte(stdout), &verdict), "%s: %s", m.Name, stderr)
		assert.Equal(t, m.Reason == "", verdict.Accepted, m.Name)
		if m.Name != "input-empty" { // the command finds no document in the file
			assert.Equal(t, m.Reason, verdict.Reason, "%s: %s", m.Name, verdict.Detail)
		}
	}
}

// The mutations that the help names are there.
func TestSimulateHelpNamesMutations(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`--broken ([a-z0-9-]+)`).FindAllStringSubmatch(newSimulateAttest(stdio{}).Example, -1)
	require.NotEmpty(t, named)
	for _, name := range named {
		_, err := simulate.FindMutation(name[1])
		assert.NoError(t, err)
	}
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
