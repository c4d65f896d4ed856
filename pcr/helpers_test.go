package pcr_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
)

const evidenceDir = "../testdata/evidence"

// filled returns a value that holds one byte 48 times: filled(0xa1) is
// "a1a1...". None of the tests depends on what a value is.
func filled(b byte) pcr.Value {
	var v pcr.Value
	for i := range v {
		v[i] = b
	}
	return v
}

// expand replaces <xx> in a text by the hex digits of filled(0xxx).
func expand(text string) string {
	for b := range 256 {
		text = strings.ReplaceAll(text, fmt.Sprintf("<%02x>", b), filled(byte(b)).String())
	}
	return text
}

func readPolicy(text string) (pcr.Policy, error) {
	return pcr.ReadPolicy(strings.NewReader(expand(text)))
}

// requireRefused fails unless the text is refused with exactly this message,
// and without a policy.
func requireRefused(t *testing.T, text, message string) {
	t.Helper()
	policy, err := readPolicy(text)
	require.Error(t, err)
	require.Equal(t, expand(message), unplaced(err))
	require.Zero(t, policy, "no policy comes with an error")
}

// unplaced is the text of an error without lines and columns, which tests of
// their own look at.
func unplaced(err error) string {
	text := linesAndColumns.ReplaceAllString(err.Error(), "")
	if f := os.Getenv("MISMATCHES"); f != "" {
		out, _ := os.OpenFile(f, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		fmt.Fprintf(out, "%s\n", text)
		out.Close()
	}
	return text
}

var linesAndColumns = regexp.MustCompile(` \(line \d+, column \d+\)|: line \d+, column \d+`)

// refusal is a text that ReadPolicy refuses, and what it says.
type refusal struct{ name, text, message string }

func requireAllRefused(t *testing.T, refusals []refusal) {
	t.Helper()
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) { requireRefused(t, r.text, r.message) })
	}
}

// recordedDocument is what the tests need of an entry of the index of recorded
// documents.
type recordedDocument struct {
	File string   `json:"file"`
	Kind pcr.Kind `json:"kind"`
	PCRs pcr.Bank `json:"pcrs"`
}

func loadIndex(t testing.TB) []recordedDocument {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(evidenceDir, "index.json"))
	require.NoError(t, err)
	var index []recordedDocument
	require.NoError(t, json.Unmarshal(data, &index))
	require.NotEmpty(t, index)
	return index
}
