//go:build linux

package command_test

import (
	"bufio"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/command"
	"github.com/nitroattest/nitroattest/pcr"
)

// A listener that fails while the service runs is no mistake in the flags, and who
// restarts it by the exit status must see the difference.
func TestAListenerThatFailsIsNoMistakeInTheFlags(t *testing.T) {
	dir := t.TempDir()
	hypervisor := attestationtest.NewHypervisor()
	policy, err := json.Marshal(pcr.Policy{Images: []pcr.Image{hypervisor.Enclave().Image()}})
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "policies"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "policies", "prod.json"), policy, 0o600))
	root := filepath.Join(dir, "root.pem")
	require.NoError(t, os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: hypervisor.Root().Raw}), 0o600))

	log, stderr := io.Pipe()
	status := make(chan int, 1)
	go func() {
		status <- command.Run([]string{"--policies", filepath.Join(dir, "policies"), "--root", root, "--listen", "127.0.0.1:0"}, io.Discard, stderr, nil)
		stderr.Close()
	}()
	var last string
	for lines := bufio.NewScanner(log); lines.Scan(); {
		last = lines.Text()
		var line struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			breakListener(t, line.Address)
		}
	}
	assert.Equal(t, 1, <-status)
	assert.True(t, strings.HasPrefix(last, "nitroattest-server: serving: "), last)
}

// breakListener makes the socket of this process that listens there fail.
func breakListener(t *testing.T, address string) {
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	files, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	for _, file := range files {
		fd, err := strconv.Atoi(file.Name())
		require.NoError(t, err)
		listening, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
		if err != nil || listening == 0 {
			continue
		}
		name, err := syscall.Getsockname(fd)
		require.NoError(t, err)
		if at, ok := name.(*syscall.SockaddrInet4); ok && at.Port == number {
			require.NoError(t, syscall.Shutdown(fd, syscall.SHUT_RDWR))
			return
		}
	}
	require.Fail(t, "no socket listens there", address)
}
