//go:build unix

package input_test

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/internal/input"
)

// Nobody writes to the pipe: a reader that waited for somebody would never end.
func TestPipesAndSocketsAreNotOpened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, socket, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "s"), filepath.Join(dir, "link")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.Symlink(pipe, link))
	if listener, err := net.Listen("unix", socket); err == nil {
		defer listener.Close()
		_, err := input.Open(socket)
		assert.EqualError(t, err, "found a socket, expected a file; - reads standard input")
	}
	for _, name := range []string{pipe, link} {
		_, err := input.Open(name)
		assert.EqualError(t, err, "found a pipe, expected a file; - reads standard input")
		_, err = input.ReadFile(name, nil)
		assert.EqualError(t, err, "found a pipe, expected a file; - reads standard input")
		_, err = input.Read(name, nil, 10)
		assert.EqualError(t, err, "found a pipe, expected a file; - reads standard input")
		documents := input.ReadDocuments(name, nil)
		require.Len(t, documents, 1)
		assert.EqualError(t, documents[0].Err, "found a pipe, expected a file; - reads standard input")
	}
}
