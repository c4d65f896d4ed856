package main_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "multiparty")
	out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	out, err = exec.Command(binary).CombinedOutput()
	require.NoError(t, err, string(out))
	for _, line := range []string{
		"Ada: bid, and learned that Grace wins with 57500000003",
		"Grace: bid, and learned that Grace wins with 57500000003",
		"Katherine: bid, and learned that Grace wins with 57500000003",
		"with Ada's bid in them: false",
		"with Grace's bid in them: true",
		"with Katherine's bid in them: false",
	} {
		assert.Contains(t, string(out), line)
	}
}
