package attestation_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A program that imports the library gets these modules and no others.
func TestLibraryDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if and .Module (not .Standard)}}{{.Module.Path}}{{end}}",
		"../attestation/...", "../pcr/...", "../certs/...").Output()
	require.NoError(t, err)
	allowed := []string{
		"github.com/fxamacker/cbor/v2",
		"github.com/nitroattest/nitroattest",
		"github.com/veraison/go-cose",
		"github.com/x448/float16", // of cbor
	}
	for _, module := range strings.Fields(string(out)) {
		assert.Contains(t, allowed, module)
	}
}

// The library does its work with approved algorithms only, so it runs where
// Go refuses all others.
func TestRecordedDocumentsVerifyInFIPSMode(t *testing.T) {
	if strings.Contains(os.Getenv("GODEBUG"), "fips140=") {
		t.Skip("this is the run in FIPS mode")
	}
	binary, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(binary, "-test.run=^(TestRecorded|TestReport)", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "--- PASS: TestRecordedDocumentsVerifyAsOfTheirTimestamp")
}
