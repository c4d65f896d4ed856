package attestation_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A program that imports the library gets these modules and no others. What needs
// more is a module of its own.
func TestLibraryDependencies(t *testing.T) {
	allowed := []string{
		"github.com/fxamacker/cbor/v2",
		"github.com/nitroattest/nitroattest",
		"github.com/veraison/go-cose",
		"github.com/x448/float16", // of cbor
	}
	packages := goList(t, "../attestation/...", "../pcr/...", "../certs/...")
	require.Contains(t, packages, "github.com/nitroattest/nitroattest/attestation/challenge")
	for _, module := range modulesOf(t, packages...) {
		assert.Contains(t, allowed, module)
	}
}

// modulesOf lists the modules that packages depend on, outside the standard
// library.
func modulesOf(t *testing.T, packages ...string) []string {
	t.Helper()
	return goList(t, append([]string{"-deps", "-f", "{{if and .Module (not .Standard)}}{{.Module.Path}}{{end}}"}, packages...)...)
}

func goList(t *testing.T, arguments ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, arguments...)...).Output()
	require.NoError(t, err)
	return strings.Fields(string(out))
}

// The library does its work with approved algorithms only, so it runs where
// Go refuses all others.
func TestRecordedDocumentsVerifyInFIPSMode(t *testing.T) {
	if strings.Contains(os.Getenv("GODEBUG"), "fips140=") {
		t.Skip("this is the run in FIPS mode")
	}
	if testing.Short() {
		t.Skip("the whole package once more; the full run has it")
	}
	binary, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(binary, "-test.run=^(TestRecorded|TestReport)", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "--- PASS: TestRecordedDocumentsVerifyAsOfTheirTimestamp")
}
