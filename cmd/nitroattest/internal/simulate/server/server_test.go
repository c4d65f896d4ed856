package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/simulate"
	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/simulate/server"
	"github.com/nitroattest/nitroattest/pcr"
)

func request(t *testing.T, address string) []byte {
	t.Helper()
	text, err := json.Marshal(simulate.ServeRequest{
		State:   filepath.Join(t.TempDir(), "state"),
		Enclave: simulate.Config{Kind: pcr.Enclave, Name: "n", PCRs: pcr.Bank{0: pcr.Value{1}, 16: pcr.Value{2}}, Debug: true},
		Address: address,
	})
	require.NoError(t, err)
	return text
}

func TestServerStopsAtTheEndOfItsInput(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	assert.Equal(t, 0, server.Main(bytes.NewReader(request(t, "127.0.0.1:0")), &stdout, &stderr))
	assert.True(t, strings.HasPrefix(stdout.String(), "https://127.0.0.1:"), stdout.String())
	assert.Empty(t, stderr.String())
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestServerSaysWhyItFails(t *testing.T) {
	t.Parallel()
	for expected, input := range map[string]string{
		"standard input: found no request":      "",
		"standard input: found no request ":     `{"unknown": 1}`,
		"--state: found an empty name":          `{"address": "127.0.0.1:0"}`,
		"--listen: listen tcp: address nowhere": string(request(t, "nowhere")),
	} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, 2, server.Main(strings.NewReader(input), &stdout, &stderr))
		assert.True(t, strings.HasPrefix(stderr.String(), expected), stderr.String())
		assert.Empty(t, stdout.String())
	}
	var stderr bytes.Buffer
	assert.Equal(t, 2, server.Main(bytes.NewReader(request(t, "127.0.0.1:0")), fullDisk{}, &stderr))
	assert.Equal(t, "standard output: no space left on device\n", stderr.String())
}

// The request has all of the enclave in it.
func TestRequestKeepsTheEnclave(t *testing.T) {
	t.Parallel()
	config := simulate.Config{Kind: pcr.Enclave, Name: "n", PCRs: pcr.Bank{0: pcr.Value{1}, 31: pcr.Value{2}}, Measured: true, Debug: true}
	text, err := json.Marshal(simulate.ServeRequest{State: "s", Enclave: config, Address: "a"})
	require.NoError(t, err)
	var read simulate.ServeRequest
	require.NoError(t, json.Unmarshal(text, &read))
	assert.Equal(t, simulate.ServeRequest{State: "s", Enclave: config, Address: "a"}, read)
}
