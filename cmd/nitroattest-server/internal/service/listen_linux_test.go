package service_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
)

// A process that is too busy to take a connection has not left its socket.
func TestASocketOfABusyProcessStays(t *testing.T) {
	path := filepath.Join(shortDir(t), "busy")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	defer syscall.Close(fd)
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}))
	require.NoError(t, syscall.Listen(fd, 0))
	for {
		conn, err := net.Dial("unix", path)
		if err != nil {
			break // nobody accepts, and no more wait for it
		}
		defer conn.Close()
	}
	_, err = service.Listen(service.Listening{Address: "127.0.0.1:0", Admin: []string{"unix:" + path}})
	require.ErrorContains(t, err, "found a socket that somebody may listen on: ")
	require.FileExists(t, path)
}

func TestNobodyElseOpensTheSocketOfOperators(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	path := filepath.Join(shortDir(t), "admin")
	listeners, err := service.Listen(service.Listening{Address: "127.0.0.1:0", Admin: []string{"unix:" + path}})
	require.NoError(t, err)
	defer listeners.Close()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o770), info.Mode().Perm())
}
