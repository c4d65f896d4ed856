package attestation_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The example of the README is, line by line, code that is compiled and run
// here as Example.
func TestReadmeShowsTheExample(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	source, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(readme)
	require.NotNil(t, block)
	lines := strings.Split(strings.TrimSpace(string(block[1])), "\n")
	assert.LessOrEqual(t, len(lines), 20)
	indented := "\t" + strings.ReplaceAll(strings.TrimSpace(string(block[1])), "\n", "\n\t")
	assert.Contains(t, strings.ReplaceAll(string(source), "\n\t\n", "\n\n"), strings.ReplaceAll(indented, "\n\t\n", "\n\n"))
}
