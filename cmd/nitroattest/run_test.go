package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
)

var nautilus = filepath.Join(evidenceDir, "nautilus-weather-7e9164.cbor")

// fullDisk refuses every write.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// A verdict that could not be written down must not end in status 0.
func TestOutputThatCannotBeWrittenIsAnError(t *testing.T) {
	for _, args := range [][]string{
		{"verify", "--recorded", "--insecure-any-image", nautilus},
		{"verify", "--recorded", "--insecure-any-image", "--json", nautilus},
		{"inspect", nautilus},
		{"inspect", "--json", nautilus},
	} {
		t.Run(strings.Join(args[:len(args)-1], " "), func(t *testing.T) {
			var stderr bytes.Buffer
			status := run(args, stdio{strings.NewReader(""), fullDisk{}, &stderr})
			assert.Equal(t, exitUsage, status)
			assert.Equal(t, "nitroattest: standard output: no space left on device\n", stderr.String())
		})
	}
}

func TestInputThatCannotBeReadIsAnError(t *testing.T) {
	var stdout, stderr bytes.Buffer
	status := run([]string{"verify", "--recorded", "--insecure-any-image", "-"}, stdio{iotest.ErrReader(errors.New("reset by peer")), &stdout, &stderr})
	assert.Equal(t, exitUsage, status)
	assert.Empty(t, stdout.String())
	assert.Equal(t, "nitroattest: -: reset by peer\n", stderr.String())
}

// An appraisal that did not take place is no acceptance. The flags rule out
// every mistake in Expect, so this cannot be reached from outside.
func TestReportThatIsNoVerdictIsNotAccepted(t *testing.T) {
	verifier, err := attestation.NewVerifier(attestation.Config{InsecureAnyImage: true})
	require.NoError(t, err)
	var stdout, stderr bytes.Buffer
	std := stdio{strings.NewReader(""), &stdout, &stderr}
	p := newPrinter(std, style{})
	require.NoError(t, p.print(appraise(verifier, attestation.Expect{}, nautilus, std)[0]))
	require.NoError(t, p.finish())
	assert.Equal(t, exitError(exitUsage), p.status())
	assert.Empty(t, stdout.String())
	assert.Contains(t, stderr.String(), "states no freshness")
}

// The name of a file may hold anything but NUL and a slash.
func TestHostileFileNamesAreEscaped(t *testing.T) {
	for name, escaped := range map[string]string{
		"\x1b[2Jx":      `\x1b[2Jx`,
		"x\nACCEPTED y": `x\nACCEPTED y`,
		"\x9b31mx":      `\x9b31mx`,
		"\u202ex":       `\u202ex`,
	} {
		t.Run(escaped, func(t *testing.T) {
			status, stdout, stderr := command("verify", "--recorded", "--insecure-any-image", name)
			assert.Equal(t, exitUsage, status)
			assert.Empty(t, stdout)
			assert.Equal(t, "nitroattest: "+escaped+": open: no such file or directory\n", stderr)

			status, _, stderr = command("verify", "--recorded", "--policy", name, nautilus)
			assert.Equal(t, exitUsage, status)
			assert.Equal(t, "nitroattest: --policy: "+escaped+": open: no such file or directory\n", stderr)

			_, stdout, _ = command("verify", "--json", "--recorded", "--insecure-any-image", name)
			assert.Equal(t, 1, strings.Count(stdout, "\n"))
			assert.NotContains(t, stdout, "\x1b")
		})
	}
}

func TestHostileNamesOfDocumentsAreEscaped(t *testing.T) {
	evidence, err := os.ReadFile(nautilus)
	require.NoError(t, err)
	const hostile, escaped = "\x1b[2J\nACCEPTED \x9b", `\x1b[2J\nACCEPTED \x9b`
	file := filepath.Join(t.TempDir(), hostile)
	if err := os.WriteFile(file, evidence, 0o666); err != nil {
		t.Skip("no such names on this file system")
	}
	for verdict, args := range map[string][]string{
		"ACCEPTED  ":          {"verify", "--recorded", "--insecure-any-image"},
		"REFUSED  ":           {"verify", "--recorded", "--insecure-any-image", "--nonce", "00"},
		"NOT AUTHENTICATED  ": {"inspect"},
	} {
		_, stdout, stderr := command(append(args, file)...)
		first, _, _ := strings.Cut(stdout, "\n")
		assert.True(t, strings.HasPrefix(first, verdict), first)
		assert.Contains(t, first, escaped)
		assert.NotContains(t, stdout+stderr, "\x1b")
		assert.NotContains(t, stdout+stderr, "\x9b")
	}
}

// A policy may come from elsewhere, too.
func TestHostileNamesOfImagesAreEscaped(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy.json")
	for digit, verdict := range map[string]string{"2": "  image      ", "3": "  not image  "} {
		text := `{"images": [{"name": "\u001b[2Jx\n", "pcrs": {"0": "cbe1afb6ed0ff89f10295af0b802247ec5670da8f886e71a4226373b032c322f4e42c9c98288e7211682b258684505a` + digit + `"}}]}`
		require.NoError(t, os.WriteFile(policy, []byte(text), 0o666))
		_, stdout, stderr := command("verify", "--recorded", "--policy", policy, nautilus)
		assert.Contains(t, stdout, verdict+`\x1b[2Jx\n`+"\n")
		assert.NotContains(t, stdout+stderr, "\x1b")
	}
}
