package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

const redisTestPassword = "a password of the tests"

// redisServer is a real redis-server, or valkey-server, that forgets nothing when
// it is killed. It listens on a Unix socket in a directory of its own, whose name
// nobody else can take between a stop and a start.
type redisServer struct {
	binary  string
	dir     string
	command *exec.Cmd
	exited  chan struct{}
	log     bytes.Buffer
}

func startRedis(t *testing.T) *redisServer {
	t.Helper()
	s := &redisServer{binary: findRedis(t)}
	var err error
	s.dir, err = os.MkdirTemp("", "redis") // t.TempDir is too long for a socket
	require.NoError(t, err)
	t.Cleanup(func() {
		s.kill()
		require.NoError(t, os.RemoveAll(s.dir))
	})
	s.start(t)
	return s
}

func findRedis(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"redis-server", "valkey-server"} {
		if binary, err := exec.LookPath(name); err == nil {
			return binary
		}
	}
	t.Skip("SKIPPED: neither redis-server nor valkey-server is installed")
	return ""
}

func (s *redisServer) socket() string { return filepath.Join(s.dir, "socket") }

// start returns when the server has loaded its data and answers.
func (s *redisServer) start(t *testing.T) {
	t.Helper()
	s.command = exec.Command(s.binary, "--port", "0", "--unixsocket", s.socket(), "--dir", s.dir, "--requirepass", redisTestPassword,
		"--save", "", "--appendonly", "yes", "--appendfsync", "always", "--daemonize", "no")
	s.command.Stdout, s.command.Stderr = &s.log, &s.log
	require.NoError(t, s.command.Start())
	s.exited = make(chan struct{})
	go func(command *exec.Cmd, exited chan struct{}) {
		_ = command.Wait() // a killed process is no success
		close(exited)
	}(s.command, s.exited)

	client := redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket(), Password: redisTestPassword})
	defer client.Close()
	for client.Ping(t.Context()).Err() != nil {
		select {
		case <-s.exited:
			t.Fatalf("%s ended: %s", s.binary, s.log.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// kill stops the server as a crash does.
func (s *redisServer) kill() {
	if s.command == nil {
		return
	}
	_ = s.command.Process.Kill() // it may have ended by itself
	<-s.exited
}
