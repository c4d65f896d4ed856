package durable_test

import (
	"io/fs"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/internal/durable"
)

func TestSyncFolder(t *testing.T) {
	t.Parallel()
	require.NoError(t, durable.SyncFolder(t.TempDir()))
	if runtime.GOOS != "windows" {
		require.ErrorIs(t, durable.SyncFolder(filepath.Join(t.TempDir(), "none")), fs.ErrNotExist)
	}
}
