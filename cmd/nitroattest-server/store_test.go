package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore/redistest"
)

// operator is somebody who may do anything to a store.
func operator(t *testing.T, store *redistest.Server) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: store.Socket(), Password: redisTestPassword})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

// requireReady waits until the last answer of the store is forgotten.
func requireReady(t *testing.T, r *replica, ready bool) {
	t.Helper()
	for {
		a, err := r.get("/readyz")
		require.NoError(t, err)
		require.Equal(t, *a.Ready, a.status == http.StatusOK)
		if *a.Ready == ready {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestAFlushEndsTheChallengesThatAreOut(t *testing.T) {
	store := redistest.New(t, redisOptions...)
	replicas := startReplicas(t, store, 2)
	redeemed, waiting := exchange(t, replicas[0]), exchange(t, replicas[0])
	requireVerdict(t, replicas[0], redeemed, "")
	require.NoError(t, operator(t, store).FlushAll(t.Context()).Err())
	for _, r := range replicas {
		for _, request := range []string{redeemed, waiting} {
			requireVerdict(t, r, request, "unknown-nonce")
		}
		awaitReady(t, r)
	}
	request := exchange(t, replicas[0])
	requireVerdict(t, replicas[1], request, "")
	requireVerdict(t, replicas[0], request, "nonce-already-redeemed")
}

// Ready is who can redeem: a store that answers is not enough.
func TestReadyIsWhoCanRedeem(t *testing.T) {
	store := redistest.New(t, append(redisOptions, "--maxmemory-policy", "noeviction")...)
	r := startReplicas(t, store, 1)[0]
	requireReady(t, r, true)
	client := operator(t, store)

	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "1").Err())
	requireReady(t, r, false)
	a, err := r.post("/v1/verify", exchange(t, r))
	require.NoError(t, err)
	requireUnavailable(t, a)
	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "0").Err())
	requireReady(t, r, true)

	// A server that evicts forgets. While it does nothing is accepted, and of what
	// was issued before never again.
	before := exchange(t, r)
	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err())
	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "100mb").Err())
	requireReady(t, r, false)
	a, err = r.post("/v1/verify", before)
	require.NoError(t, err)
	requireUnavailable(t, a)
	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "0").Err())
	requireReady(t, r, true)
	requireVerdict(t, r, before, "unknown-nonce")
	requireVerdict(t, r, exchange(t, r), "")

	require.NoError(t, client.ReplicaOf(t.Context(), "127.0.0.1", "1").Err())
	requireReady(t, r, false)
	a, err = r.post("/v1/verify", exchange(t, r))
	require.NoError(t, err)
	requireUnavailable(t, a)
	require.NoError(t, client.ReplicaOf(t.Context(), "NO", "ONE").Err())
	awaitReady(t, r)
	requireVerdict(t, r, exchange(t, r), "")
}

// A store that hangs costs each request its time limit, until nobody asks any more.
func TestAStoreThatHangs(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for time limits")
	}
	store := redistest.New(t, redisOptions...)
	r := startReplicas(t, store, 1)[0]
	waiting := exchange(t, r)
	store.Pause()
	for _, a := range together(t, []*replica{r}, 10, waiting) {
		requireUnavailable(t, a)
	}
	metrics := metricsOf(t, r)
	assert.Contains(t, metrics, "\nnitroattest_store_given_up 1")
	store.Continue()
	awaitReady(t, r)
	requireVerdict(t, r, exchange(t, r), "")
	assert.Contains(t, metricsOf(t, r), "\nnitroattest_store_given_up 0")
}

// A replica of the store takes over by Sentinel. What the old master was told
// last it may not know.
func TestAFailoverAcceptsNothingTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("Sentinel takes seconds")
	}
	masterPort, replicaPort, sentinelPort := freePort(t), freePort(t), freePort(t)
	auth := []string{"--requirepass", redisTestPassword, "--masterauth", redisTestPassword}
	master := redistest.New(t, append(auth, "--port", masterPort, "--repl-diskless-sync-delay", "0")...)
	second := redistest.New(t, append(auth, "--port", replicaPort, "--replicaof", "127.0.0.1 "+masterPort)...)
	startSentinel(t, sentinelPort, masterPort)

	flags := append(replicaFlags(t, master), "--listen", "127.0.0.1:0", "--redis", "redis+sentinel://127.0.0.1:"+sentinelPort+"?master_name=challenges")
	r := startReplica(t, flags)
	redeemed := exchange(t, r)
	requireVerdict(t, r, redeemed, "")
	for client := operator(t, second); ; time.Sleep(10 * time.Millisecond) {
		info, err := client.Info(t.Context(), "replication").Result()
		require.NoError(t, err)
		if strings.Contains(info, "master_link_status:up") {
			break
		}
	}
	master.Kill()
	for {
		a, err := r.post("/v1/verify", redeemed)
		require.NoError(t, err)
		if a.status == http.StatusOK {
			require.False(t, *a.Accepted)
			require.Contains(t, []string{"nonce-already-redeemed", "unknown-nonce"}, a.Reason)
			if a.Reason == "unknown-nonce" {
				break
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	awaitReady(t, r)
	request := exchange(t, r)
	requireVerdict(t, r, request, "")
	requireVerdict(t, r, request, "nonce-already-redeemed")
}

func freePort(t testing.TB) string {
	t.Helper()
	_, port, err := net.SplitHostPort(freeAddress(t))
	require.NoError(t, err)
	return port
}

// startSentinel watches a master, alone and impatiently.
func startSentinel(t *testing.T, port, master string) {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("SKIPPED: redis-server is not installed")
	}
	config := filepath.Join(shortDir(t), "sentinel.conf")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `port %s
sentinel monitor challenges 127.0.0.1 %s 1
sentinel auth-pass challenges "%s"
sentinel down-after-milliseconds challenges 500
sentinel failover-timeout challenges 2000
`, port, master, redisTestPassword), 0o600))
	command := exec.Command(binary, config, "--sentinel")
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed
	})
	client := redis.NewSentinelClient(&redis.Options{Addr: "127.0.0.1:" + port})
	defer client.Close()
	for {
		replicas, err := client.Replicas(t.Context(), "challenges").Result()
		if err == nil && len(replicas) > 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func metricsOf(t *testing.T, r *replica) string {
	t.Helper()
	response, err := http.Get(r.url + "/metrics")
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(text)
}
