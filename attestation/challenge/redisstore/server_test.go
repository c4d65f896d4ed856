package redisstore_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// TestMain silences go-redis, which reports every failed dial on standard error;
// these tests make thousands of them fail.
func TestMain(m *testing.M) {
	redis.SetLogger(quiet{})
	os.Exit(m.Run())
}

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// server is a real redis-server, or valkey-server, with a directory of its own.
// It listens on a Unix socket there, whose name nobody else can take between a
// stop and a start.
type server struct {
	t         testing.TB
	binary    string
	dir       string
	arguments []string
	command   *exec.Cmd
	exited    chan struct{}
	log       bytes.Buffer
}

// startServer starts one with the given options of redis.conf and stops it when
// the test is over.
func startServer(t testing.TB, arguments ...string) *server {
	t.Helper()
	binary := findServer(t)
	dir, err := os.MkdirTemp("", "redis") // t.TempDir is too long for a socket
	require.NoError(t, err)
	s := &server{t: t, binary: binary, dir: dir, arguments: arguments}
	t.Cleanup(func() {
		s.kill()
		require.NoError(t, os.RemoveAll(dir))
	})
	s.start()
	return s
}

func findServer(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"redis-server", "valkey-server"} {
		if binary, err := exec.LookPath(name); err == nil {
			return binary
		}
	}
	t.Skip("SKIPPED: neither redis-server nor valkey-server is installed")
	return ""
}

func (s *server) socket() string { return filepath.Join(s.dir, "socket") }

// start returns when the server has loaded its data and answers.
func (s *server) start() {
	s.t.Helper()
	arguments := append([]string{"--port", "0", "--unixsocket", s.socket(), "--dir", s.dir, "--save", "", "--daemonize", "no"}, s.arguments...)
	s.command = exec.Command(s.binary, arguments...)
	s.command.Stdout, s.command.Stderr = &s.log, &s.log
	require.NoError(s.t, s.command.Start())
	s.exited = make(chan struct{})
	go func(command *exec.Cmd, exited chan struct{}) {
		_ = command.Wait() // a killed process is no success
		close(exited)
	}(s.command, s.exited)

	client := s.client()
	defer client.Close()
	for client.Ping(s.t.Context()).Err() != nil {
		select {
		case <-s.exited:
			s.t.Fatalf("%s ended: %s", s.binary, s.log.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// kill stops the server as a crash does: it has no chance to write anything.
func (s *server) kill() {
	_ = s.command.Process.Kill() // it may have ended by itself
	<-s.exited
}

// clientOptions waits for a connection and for an answer as long as it takes,
// so that no outcome depends on how busy the machine is.
func (s *server) clientOptions() *redis.Options {
	return &redis.Options{
		Network:               "unix",
		Addr:                  s.socket(),
		ContextTimeoutEnabled: true,
		ReadTimeout:           -1,
		WriteTimeout:          -1,
		PoolTimeout:           time.Hour,
		PoolSize:              20,
		DialerRetries:         1,
	}
}

func (s *server) client() *redis.Client { return redis.NewClient(s.clientOptions()) }

// clientFor returns a client that is closed when the test is over.
func (s *server) clientFor(t testing.TB) *redis.Client {
	client := s.client()
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

// newCluster returns a client that takes the slots of a Redis Cluster in equal
// parts to the servers.
func newCluster(t testing.TB, servers ...*server) *redis.ClusterClient {
	t.Helper()
	const slots = 16384
	var table []redis.ClusterSlot
	sockets := map[string]string{}
	for i, s := range servers {
		address := fmt.Sprintf("shard-%d:6379", i)
		sockets[address] = s.socket()
		table = append(table, redis.ClusterSlot{
			Start: i * slots / len(servers),
			End:   (i+1)*slots/len(servers) - 1,
			Nodes: []redis.ClusterNode{{Addr: address}},
		})
	}
	cluster := redis.NewClusterClient(&redis.ClusterOptions{
		ClusterSlots:          func(context.Context) ([]redis.ClusterSlot, error) { return table, nil },
		Dialer:                dialSockets(sockets),
		ContextTimeoutEnabled: true,
		ReadTimeout:           -1,
		WriteTimeout:          -1,
		PoolTimeout:           time.Hour,
	})
	t.Cleanup(func() { require.NoError(t, cluster.Close()) })
	return cluster
}
