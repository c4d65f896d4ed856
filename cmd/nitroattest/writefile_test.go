package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever goes wrong, the old file is there and nothing else is.
func TestFileThatCannotBeReplacedStaysAsItIs(t *testing.T) {
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.json")
	create := []string{"policy", "create", "--name", "v1", "--eif", "../../testdata/eif/v4_unsigned.eif"}

	status, _, stderr := command(append(create, "-o", policy)...)
	require.Equal(t, exitAccepted, status, stderr)
	before, err := os.ReadFile(policy)
	require.NoError(t, err)

	// A loop of links is neither there nor absent.
	loop := filepath.Join(dir, "loop")
	require.NoError(t, os.Symlink(loop, loop))
	status, stdout, stderr := command(append(create, "-o", loop)...)
	assert.Equal(t, exitUsage, status)
	assert.Empty(t, stdout)
	assert.Equal(t, "nitroattest: "+loop+": stat: too many levels of symbolic links\n", stderr)

	// Its name is too long to be a file's.
	long := filepath.Join(dir, strings.Repeat("x", 300))
	status, _, stderr = command(append(create, "-o", long)...)
	assert.Equal(t, exitUsage, status)
	assert.Equal(t, "nitroattest: "+long+": stat: file name too long\n", stderr)

	after, err := os.ReadFile(policy)
	require.NoError(t, err)
	assert.Equal(t, before, after)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "policy.json and loop")
}

// New files have the mode that the umask leaves; the mode of others stays.
func TestModeOfWrittenFiles(t *testing.T) {
	dir := t.TempDir()
	policy, other := filepath.Join(dir, "policy.json"), filepath.Join(dir, "other")
	require.NoError(t, os.WriteFile(other, nil, 0o666))
	create := []string{"policy", "create", "--name", "v1", "--eif", "../../testdata/eif/v4_unsigned.eif", "-o", policy}
	status, _, stderr := command(create...)
	require.Equal(t, exitAccepted, status, stderr)
	want, err := os.Stat(other)
	require.NoError(t, err)
	got, err := os.Stat(policy)
	require.NoError(t, err)
	assert.Equal(t, want.Mode(), got.Mode())

	require.NoError(t, os.Chmod(policy, 0o640))
	command(create...)
	got, err = os.Stat(policy)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o640), got.Mode())
}
