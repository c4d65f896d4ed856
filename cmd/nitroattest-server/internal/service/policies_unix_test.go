//go:build unix

package service_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whoever opens a pipe waits for somebody to write to it.
func TestAPipeIsNoPolicyFile(t *testing.T) {
	k := newKit(t)
	require.NoError(t, syscall.Mkfifo(filepath.Join(k.dir, "pipe.json"), 0o600))
	k.reload()
	_, state := k.send(t, "GET", "/readyz", "")
	assert.Contains(t, state["broken"].(object)["pipe"], "found no regular file")
	assert.Equal(t, true, k.verify(t, k.good(t))["accepted"])
}
