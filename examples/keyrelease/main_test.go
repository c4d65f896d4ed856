package main_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "keyrelease")
	out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	out, err = exec.Command(binary).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), `owner: the enclave says "the median of 3 salaries is 58250"`)
	assert.Contains(t, string(out), "with the secret in them: false, with the result: false")
}
