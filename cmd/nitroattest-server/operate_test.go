package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore/redistest"
)

// manager is the socket of a service manager.
func manager(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(shortDir(t), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

// shortDir is for sockets, whose paths are short.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "server")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

func requireTold(t *testing.T, manager *net.UnixConn, expected string) {
	t.Helper()
	text := make([]byte, 100)
	n, err := manager.Read(text)
	require.NoError(t, err)
	require.Equal(t, expected, string(text[:n]))
}

func healthcheckOf(address string, args ...string) (string, int) {
	command := exec.Command("nitroattest-server", append([]string{"healthcheck", "--admin-listen", address}, args...)...)
	text, err := command.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(text), exit.ExitCode()
	}
	return string(text), 0
}

func TestSignals(t *testing.T) {
	flags := replicaFlags(t, redistest.New(t, redisOptions...))
	policies := flags[3]
	systemd := manager(t)
	admin := "unix:" + filepath.Join(shortDir(t), "admin")
	r := startReplica(t, append(flags, "--listen", "127.0.0.1:0", "--admin-listen", admin, "--policy-interval", "1h", "--shutdown-delay", "1h"),
		"NOTIFY_SOCKET="+systemd.LocalAddr().String())
	requireTold(t, systemd, "READY=1")
	for _, args := range [][]string{nil, {"--ready"}} {
		said, status := healthcheckOf(admin, args...)
		assert.Zero(t, status, said)
	}

	// A hangup reads the files again. A broken one leaves the service ready.
	require.NoError(t, os.WriteFile(filepath.Join(policies, "more.json"), []byte("{"), 0o600))
	require.NoError(t, r.command.Process.Signal(syscall.SIGHUP))
	requireTold(t, systemd, "RELOADING=1")
	requireTold(t, systemd, "READY=1")
	said, status := healthcheckOf(admin, "--ready")
	assert.Zero(t, status, said)

	// It stops, takes connections for an hour more, and then does not.
	require.NoError(t, r.command.Process.Signal(syscall.SIGTERM))
	requireTold(t, systemd, "STOPPING=1")
	said, status = healthcheckOf(admin)
	assert.Zero(t, status, said)
	said, status = healthcheckOf(admin, "--ready")
	assert.Equal(t, 1, status)
	assert.Contains(t, said, "nitroattest-server: the service is not well: /readyz: status 503: ")
	a, err := r.post("/v1/challenges", "{}")
	require.NoError(t, err)
	assert.Equal(t, 201, a.status)

	var exit *exec.ExitError
	require.ErrorAs(t, r.end(syscall.SIGTERM), &exit)
	assert.Equal(t, 1, exit.ExitCode())
	assert.Contains(t, r.log.String(), `"msg":"policy file cannot be used","policy":"more"`)
	assert.True(t, strings.HasSuffix(r.log.String(), "nitroattest-server: shutting down: some requests were not finished, as a second signal wanted it\n"), r.log.String())

	said, status = healthcheckOf(admin)
	assert.Equal(t, 1, status)
	assert.Contains(t, said, "the service is not well: ")
	said, status = healthcheckOf("")
	assert.Equal(t, 2, status)
	assert.Contains(t, said, "--admin-listen: not given")
}
