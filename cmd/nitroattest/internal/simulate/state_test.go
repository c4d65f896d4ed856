package simulate_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/simulate"
)

func root(t *testing.T, dir string) string {
	state, err := simulate.OpenState(dir)
	require.NoError(t, err)
	simulator, err := state.New(simulate.Config{})
	require.NoError(t, err)
	return string(simulator.Root())
}

func TestStateIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("permissions say nothing there")
	}
	dir := filepath.Join(t.TempDir(), "a", "b")
	root(t, dir)
	seed := filepath.Join(dir, "seed")
	for name, mode := range map[string]os.FileMode{dir: 0o700, seed: 0o600} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode().Perm(), name)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no temporary file is left")

	require.NoError(t, os.Chmod(seed, 0o640))
	_, err = simulate.OpenState(dir)
	assert.EqualError(t, err, seed+": found the mode 0640, expected 0600: others can read the keys")
	require.NoError(t, os.Chmod(seed, 0o600))
	require.NoError(t, os.Chmod(dir, 0o770))
	_, err = simulate.OpenState(dir)
	assert.EqualError(t, err, dir+": found the mode 0770, expected 0700: others can replace the keys")
}

// Processes that start together are one hypervisor.
func TestStateIsMadeOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	roots := make([]string, 8)
	var group sync.WaitGroup
	for i := range roots {
		group.Go(func() { roots[i] = root(t, dir) })
	}
	group.Wait()
	for _, other := range roots {
		assert.Equal(t, roots[0], other)
	}
	assert.NotEqual(t, roots[0], root(t, filepath.Join(t.TempDir(), "state")))
}

// A seed that is damaged is not taken for one, nor replaced.
func TestStateWithABrokenSeed(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "short": strings.Repeat("0", 63), "long": strings.Repeat("0", 66), "letters": strings.Repeat("x", 64),
		"two lines": strings.Repeat("0", 64) + "\n\n",
	} {
		dir := t.TempDir()
		require.NoError(t, os.Chmod(dir, 0o700))
		seed := filepath.Join(dir, "seed")
		require.NoError(t, os.WriteFile(seed, []byte(text), 0o600))
		_, err := simulate.OpenState(dir)
		assert.EqualError(t, err, seed+": found something else, expected 64 hex digits", name)
		left, err := os.ReadFile(seed)
		require.NoError(t, err)
		assert.Equal(t, text, string(left))
	}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o700))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "seed"), 0o700))
	_, err := simulate.OpenState(dir)
	assert.ErrorContains(t, err, "found something else than a file")
}
