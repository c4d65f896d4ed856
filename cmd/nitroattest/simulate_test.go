package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/simulate"
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
