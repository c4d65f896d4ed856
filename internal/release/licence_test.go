package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every module can be published: its files have names and sizes that a proxy
// takes, and a licence.
func TestEveryModuleHasALicence(t *testing.T) {
	modules, err := write("../..", t.TempDir(), "v0.1.0")
	require.NoError(t, err)
	require.NotEmpty(t, modules)
	for _, m := range modules {
		found := 0
		for _, f := range m.files {
			if f.Path() == "LICENSE" {
				found++
			}
		}
		assert.Equal(t, 1, found, m.path)
	}
}
