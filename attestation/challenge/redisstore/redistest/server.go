// Package redistest starts a real Redis server, or Valkey, for a test, which can
// kill it and start it again.
package redistest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// Server is a redis-server, or valkey-server, with a directory of its own. It
// listens on a Unix socket there, whose name nobody else can take between a stop
// and a start.
type Server struct {
	t         testing.TB
	binary    string
	dir       string
	arguments []string
	command   *exec.Cmd
	exited    chan struct{}
	log       bytes.Buffer
}

// New starts a server with the given options of redis.conf and stops it when the
// test is over. Where there is none to start it skips the test.
func New(t testing.TB, arguments ...string) *Server {
	t.Helper()
	binary := find(t)
	dir, err := os.MkdirTemp("", "redis") // t.TempDir is too long for a socket
	require.NoError(t, err)
	s := &Server{t: t, binary: binary, dir: dir, arguments: arguments}
	t.Cleanup(func() {
		s.Kill()
		require.NoError(t, os.RemoveAll(dir))
	})
	s.Start()
	return s
}

func find(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"redis-server", "valkey-server"} {
		if binary, err := exec.LookPath(name); err == nil {
			return binary
		}
	}
	t.Skip("SKIPPED: neither redis-server nor valkey-server is installed")
	return ""
}

// Socket is the path of the socket.
func (s *Server) Socket() string { return filepath.Join(s.dir, "socket") }

// Start returns when the server has loaded its data and answers. New has done it
// once; it is for after a Kill.
func (s *Server) Start() {
	s.t.Helper()
	arguments := append([]string{"--port", "0", "--unixsocket", s.Socket(), "--dir", s.dir, "--save", "", "--daemonize", "no"}, s.arguments...)
	s.command = exec.Command(s.binary, arguments...)
	s.command.Stdout, s.command.Stderr = &s.log, &s.log
	require.NoError(s.t, s.command.Start())
	s.exited = make(chan struct{})
	go func(command *exec.Cmd, exited chan struct{}) {
		_ = command.Wait() // a killed process is no success
		close(exited)
	}(s.command, s.exited)

	client := redis.NewClient(&redis.Options{Network: "unix", Addr: s.Socket(), ReadTimeout: -1, WriteTimeout: -1})
	defer client.Close()
	for !answers(client.Ping(s.t.Context()).Err()) {
		select {
		case <-s.exited:
			s.t.Fatalf("%s ended: %s", s.binary, s.log.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// answers takes a question for the password for an answer.
func answers(err error) bool { return err == nil || strings.HasPrefix(err.Error(), "NOAUTH") }

// Pause makes the server hang, as a machine does that is overloaded, until
// Continue or Kill.
func (s *Server) Pause() { require.NoError(s.t, s.command.Process.Signal(syscall.SIGSTOP)) }

// Continue ends a Pause.
func (s *Server) Continue() { require.NoError(s.t, s.command.Process.Signal(syscall.SIGCONT)) }

// Kill stops the server as a crash does: it has no chance to write anything.
func (s *Server) Kill() {
	if s.command == nil || s.exited == nil {
		return // it never started
	}
	_ = s.command.Process.Kill() // it may have ended by itself
	<-s.exited
}
