//go:build go1.26

package attestationtest_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func withoutFIPS(f func()) { fips140.WithoutEnforcement(f) }

// FIPS 140-3 mode refuses what is not approved; SHA-1 identifiers are let pass.
func TestHypervisorWorksInFIPSMode(t *testing.T) {
	t.Parallel()
	if strings.Contains(os.Getenv("GODEBUG"), "fips140=") {
		t.Skip("this is the run in FIPS mode")
	}
	binary, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(binary, "-test.run=^(TestVerifierAccepts|TestSeedDetermines|TestNSM|TestCase)", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "--- PASS: TestVerifierAcceptsTheHypervisorItTrusts")
}
