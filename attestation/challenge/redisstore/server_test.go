package redisstore_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore/redistest"
)

// TestMain silences go-redis, which reports every failed dial on standard error;
// these tests make thousands of them fail.
func TestMain(m *testing.M) {
	redis.SetLogger(quiet{})
	os.Exit(m.Run())
}

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// server is a real server with the clients of these tests.
type server struct{ *redistest.Server }

func startServer(t testing.TB, arguments ...string) *server {
	t.Helper()
	return &server{redistest.New(t, arguments...)}
}

// clientOptions waits for a connection and for an answer as long as it takes,
// so that no outcome depends on how busy the machine is.
func (s *server) clientOptions() *redis.Options {
	return &redis.Options{
		Network:               "unix",
		Addr:                  s.Socket(),
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
		sockets[address] = s.Socket()
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
