package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy/sigstore/sigstoretest"
)

func payload(t testing.TB, bank pcr.Bank) []byte {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	data, err := signedpolicy.MarshalStatement(signedpolicy.Statement{
		Name: "example.com/payments", Version: 7, Issued: now.Add(-time.Hour), Expires: now.Add(time.Hour),
		Policy: pcr.Policy{Images: []pcr.Image{{Name: "v1.2.0", PCRs: bank}}},
	})
	require.NoError(t, err)
	return data
}

// files writes the trusted root and a bundle.
func files(t testing.TB, payload []byte) (root, bundle string, data []byte) {
	t.Helper()
	i := sigstoretest.New(t)
	dir := t.TempDir()
	root, bundle = filepath.Join(dir, "root.json"), filepath.Join(dir, "bundle.json")
	data = i.Bundle(payload, sigstoretest.Soon(), nil)
	require.NoError(t, os.WriteFile(root, i.Root, 0o600))
	require.NoError(t, os.WriteFile(bundle, data, 0o600))
	return root, bundle, data
}

func TestProgramVerifiesStandardInput(t *testing.T) {
	t.Parallel()
	want := payload(t, pcr.Bank{0: pcr.ForInstance("i-1")})
	root, _, bundle := files(t, want)
	var stdout, stderr bytes.Buffer
	status := run([]string{"--trusted-root", root, "--certificate-identity", sigstoretest.Identity, "--certificate-oidc-issuer", sigstoretest.Issuer}, bytes.NewReader(bundle), &stdout, &stderr)
	require.Zero(t, status, stderr.String())
	var got answer
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &got))
	assert.Equal(t, want, got.Payload)
	assert.Equal(t, sigstoretest.Identity, got.Signer.Identity)
	assert.Empty(t, stderr.String())
}

func TestProgramRefuses(t *testing.T) {
	t.Parallel()
	root, _, bundle := files(t, payload(t, pcr.Bank{0: pcr.ForInstance("i-1")}))
	var stdout, stderr bytes.Buffer
	status := run([]string{"--trusted-root", root, "--certificate-identity", "mallory@example.com", "--certificate-oidc-issuer", sigstoretest.Issuer}, bytes.NewReader(bundle), &stdout, &stderr)
	assert.Equal(t, 1, status)
	var got struct{ Reason, Detail, Payload string }
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &got))
	assert.Equal(t, "other-identity", got.Reason)
	assert.Contains(t, got.Detail, `expected "mallory@example.com"`)
	assert.Empty(t, got.Payload)
	assert.Empty(t, stderr.String())
}

func TestProgramMisused(t *testing.T) {
	t.Parallel()
	root, _, _ := files(t, payload(t, pcr.Bank{0: pcr.ForInstance("i-1")}))
	who := []string{"--certificate-identity", sigstoretest.Identity, "--certificate-oidc-issuer", sigstoretest.Issuer}
	for message, args := range map[string][]string{
		"--trusted-root: missing":      who,
		"no such file":                 append([]string{"--trusted-root", root + "x"}, who...),
		"expected either an issuer":    {"--trusted-root", root},
		`found argument "bundle.json"`: append([]string{"--trusted-root", root}, append(who, "bundle.json")...),
		"flag provided but not":        {"--x"},
	} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, 2, run(args, strings.NewReader(""), &stdout, &stderr), message)
		assert.Empty(t, stdout.String(), message)
		assert.Contains(t, stderr.String(), message)
	}
	var stdout, stderr bytes.Buffer
	assert.Equal(t, 2, run(append([]string{"--trusted-root", root}, who...), iotest.ErrReader(os.ErrClosed), &stdout, &stderr))
}

// The command finds this program beside it and takes its word. Both are built
// from the workspace.
func TestCommandVerifiesABundleThroughThisProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("builds two programs")
	}
	t.Parallel()
	dir := t.TempDir()
	for _, program := range []string{"cmd/nitroattest", "pcr/signedpolicy/sigstore/cmd/nitroattest-sigstore"} {
		out, err := exec.Command("go", "build", "-o", dir, "github.com/nitroattest/nitroattest/"+program).CombinedOutput()
		if err != nil {
			t.Skipf("outside of the workspace: %s", out)
		}
	}
	const evidence = "../../../../../testdata/evidence/yawn-attestation-19b717.cbor"
	nitroattest := func(args ...string) (string, error) {
		cmd := exec.Command(filepath.Join(dir, "nitroattest"), append(args, evidence)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		return string(out) + stderr.String(), err
	}
	policy, err := os.Open("../../../../../testdata/evidence/policies/yawn-nitro-cli.json")
	require.NoError(t, err)
	defer policy.Close()
	read, err := pcr.ReadPolicy(policy)
	require.NoError(t, err)
	root, bundle, _ := files(t, payload(t, read.Images[0].PCRs))
	args := []string{"verify", "--recorded", "--policy-bundle", bundle, "--trusted-root", root, "--policy-name", "example.com/payments", "--certificate-oidc-issuer", sigstoretest.Issuer, "--certificate-identity"}
	out, err := nitroattest(append(args, sigstoretest.Identity)...)
	require.NoError(t, err, out)
	assert.Contains(t, out, "ACCEPTED")
	assert.Contains(t, out, "v1.2.0")
	out, err = nitroattest(append(args, "mallory@example.com")...)
	assert.Error(t, err)
	assert.Contains(t, out, "other-identity")
	assert.NotContains(t, out, "ACCEPTED")
}
