package signedpolicy_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

func advance(t testing.TB, s signedpolicy.Store, name string, version uint64) uint64 {
	t.Helper()
	highest, err := s.Advance(name, version)
	require.NoError(t, err)
	return highest
}

// A version is remembered once its file has its name, also after a loss of power.
func TestAVersionLastsBeforeItCounts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	var synced []string
	var failure error
	s := signedpolicy.NewFileStoreSyncedBy(path, func(folder string) error {
		require.Equal(t, dir, folder)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		synced = append(synced, string(data))
		return failure
	})
	advance(t, s, "a", 3)
	advance(t, s, "a", 2) // nothing is written
	assert.Equal(t, []string{`{"versions":{"a":3}}` + "\n"}, synced)

	failure = os.ErrInvalid
	_, err := s.Advance("a", 4)
	require.ErrorIs(t, err, failure)
}

func TestStoresRememberTheHighest(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	for what, reopen := range map[string]func() signedpolicy.Store{
		"file": func() signedpolicy.Store { return signedpolicy.NewFileStore(path) },
		"memory": func() func() signedpolicy.Store {
			s := signedpolicy.NewMemoryStore()
			return func() signedpolicy.Store { return s }
		}(),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			assert.EqualValues(t, 3, advance(t, reopen(), "a", 3))
			assert.EqualValues(t, 3, advance(t, reopen(), "a", 2))
			assert.EqualValues(t, 1, advance(t, reopen(), "b \"é\"", 1))
			assert.EqualValues(t, 5, advance(t, reopen(), "a", 5))
			assert.EqualValues(t, 5, advance(t, reopen(), "a", 5))
			assert.EqualValues(t, 1, advance(t, reopen(), "b \"é\"", 1))
		})
	}
}

func TestFileStoreLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	advance(t, signedpolicy.NewFileStore(path), "a", 3)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "{\"versions\":{\"a\":3}}\n", string(data))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "the state and its lock")
}

// What was seen is unknown then, and a rollback could not be told.
func TestDamagedFilesFail(t *testing.T) {
	t.Parallel()
	for text, message := range map[string]string{
		"":                               "offset 0: found no JSON",
		"{}":                             "versions: missing",
		`{"versions":{"a":3,"a":2}}`:     "versions.a: the key is given twice",
		`{"versions":{"a":-3}}`:          "versions.a: found \"-3\"",
		`{"versions":{"a":3},"x":1}`:     "x: unknown key",
		`{"versions":{"a":3}`:            "offset 19: found no JSON",
		strings.Repeat(" ", 1<<20) + "x": "found more than 1048576 bytes",
	} {
		path := filepath.Join(t.TempDir(), "state.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := signedpolicy.NewFileStore(path).Advance("a", 4)
		assert.ErrorContains(t, err, "state.json: "+message)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, text, string(data))
	}
	_, err := signedpolicy.NewFileStore(filepath.Join(t.TempDir(), "none", "state.json")).Advance("a", 4)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// Two stores on one file are what two processes are.
func TestFileStoresTakeTurns(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			store := signedpolicy.NewFileStore(path)
			for n := range 10 {
				version := uint64(n*8 + i + 1)
				highest, err := store.Advance("a", version)
				assert.NoError(t, err)
				assert.GreaterOrEqual(t, highest, version)
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 80, advance(t, signedpolicy.NewFileStore(path), "a", 1))
}
