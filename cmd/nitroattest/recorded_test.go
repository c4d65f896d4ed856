package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const evidenceDir = "../../testdata/evidence"

type recordedDocument struct {
	File      string            `json:"file"`
	Kind      string            `json:"kind"`
	Reason    string            `json:"reason"`
	Authentic bool              `json:"authentic"`
	Debug     bool              `json:"debug"`
	ModuleID  string            `json:"module_id"`
	PCRs      map[string]string `json:"pcrs"`
}

// recordedDocuments returns the entries of the index with the given property
// and the paths of their files.
func recordedDocuments(t *testing.T, want func(recordedDocument) bool) ([]recordedDocument, []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(evidenceDir, "index.json"))
	require.NoError(t, err)
	var index, chosen []recordedDocument
	require.NoError(t, json.Unmarshal(data, &index))
	var files []string
	for _, r := range index {
		if want(r) {
			chosen = append(chosen, r)
			files = append(files, filepath.Join(evidenceDir, r.File))
		}
	}
	require.NotEmpty(t, files)
	return chosen, files
}

// command runs one command line in this process.
func command(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = run(args, stdio{strings.NewReader(""), &out, &err})
	return status, out.String(), err.String()
}

func authentic(r recordedDocument) bool { return r.Authentic && r.Kind == "" }

func TestEveryAuthenticDocumentIsAcceptedInOneCall(t *testing.T) {
	_, files := recordedDocuments(t, authentic)
	status, stdout, stderr := command(append([]string{"verify", "--recorded", "--insecure-any-image", "--insecure-allow-debug"}, files...)...)
	assert.Equal(t, exitAccepted, status)
	assert.Empty(t, stderr)
	for _, file := range files {
		assert.Contains(t, "\n"+stdout, "\nACCEPTED  "+file+"  image not checked")
	}
	assert.Equal(t, len(files), strings.Count(stdout, "ACCEPTED"))
	assert.Contains(t, stdout, fmt.Sprintf("\n%d documents: %[1]d accepted\n", len(files)))
}

// Programs find in the JSON what tools that are not of this project read from
// the same documents.
func TestJSONOfEveryAuthenticDocumentAgreesWithTheIndex(t *testing.T) {
	documents, files := recordedDocuments(t, authentic)
	status, stdout, stderr := command(append([]string{"verify", "--json", "--recorded", "--insecure-any-image", "--insecure-allow-debug"}, files...)...)
	assert.Equal(t, exitAccepted, status)
	assert.Empty(t, stderr)
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	require.Len(t, lines, len(documents))
	for i, r := range documents {
		var got struct {
			File            string
			Accepted, Debug bool
			Document        struct {
				ModuleID string `json:"module_id"`
				PCRs     map[string]string
			}
		}
		require.NoError(t, json.Unmarshal([]byte(lines[i]), &got))
		assert.Equal(t, files[i], got.File)
		assert.True(t, got.Accepted)
		assert.Equal(t, r.Debug, got.Debug)
		assert.Equal(t, r.ModuleID, got.Document.ModuleID)
		assert.Equal(t, r.PCRs, got.Document.PCRs)
	}
}

func TestEveryAuthenticDocumentOfNitroTPMIsAccepted(t *testing.T) {
	_, files := recordedDocuments(t, func(r recordedDocument) bool { return r.Authentic && r.Kind == "nitrotpm" })
	status, stdout, stderr := command(append([]string{"verify", "--kind", "nitrotpm", "--recorded", "--any-image"}, files...)...)
	assert.Equal(t, exitAccepted, status)
	assert.Empty(t, stderr)
	assert.Equal(t, len(files), strings.Count(stdout, "ACCEPTED"))
	assert.Equal(t, 5, len(files))
}

func TestTamperedDocumentsAreNotAuthentic(t *testing.T) {
	_, files := recordedDocuments(t, func(r recordedDocument) bool { return !r.Authentic && r.Reason == "" })
	require.Len(t, files, 2)
	for _, file := range files {
		status, stdout, stderr := command("verify", "--recorded", "--insecure-any-image", "--insecure-allow-debug", file)
		assert.Equal(t, exitNotAuthentic, status)
		assert.True(t, strings.HasPrefix(stdout, "REFUSED  "+file+"  bad-signature\n"), stdout)
		assert.Contains(t, stderr, file+": bad-signature\n")
	}
}

func TestDebugDocumentsAreRefusedByDefault(t *testing.T) {
	_, files := recordedDocuments(t, func(r recordedDocument) bool { return r.Authentic && r.Debug })
	require.Len(t, files, 10)
	for _, file := range files {
		status, stdout, stderr := command("verify", "--recorded", "--insecure-any-image", file)
		assert.Equal(t, exitRefused, status)
		assert.True(t, strings.HasPrefix(stdout, "REFUSED  "+file+"  debug-mode\n"), stdout)
		assert.Contains(t, stderr, file+": debug-mode\n")
	}
}

// Whatever the documents are, inspect gives no verdict.
func TestInspectNeverSaysThatADocumentIsAuthentic(t *testing.T) {
	_, files := recordedDocuments(t, func(recordedDocument) bool { return true })
	status, stdout, stderr := command(append([]string{"inspect"}, files...)...)
	assert.Equal(t, exitAccepted, status)
	assert.Empty(t, stderr)
	assert.Equal(t, len(files), strings.Count(stdout, "NOT AUTHENTICATED  "))
	assert.NotRegexp(t, `(?i)accepted|verified|trusted`, stdout)

	status, stdout, _ = command(append([]string{"inspect", "--json"}, files...)...)
	assert.Equal(t, exitAccepted, status)
	assert.Equal(t, len(files), strings.Count(stdout, `"authenticated":false`))
	assert.NotRegexp(t, `(?i)accepted|"authenticated":true|verified`, stdout)
}
