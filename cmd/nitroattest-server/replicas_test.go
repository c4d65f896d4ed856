package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore/redistest"
)

// exchange gets a challenge of a replica and returns the request with which an
// enclave answers it.
func exchange(t *testing.T, r *replica) string {
	t.Helper()
	a, err := r.post("/v1/challenges", "{}")
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, a.status)
	request, err := answerTo(a.Challenge)
	require.NoError(t, err)
	return request
}

// answerTo is the request with which an enclave answers a challenge.
func answerTo(challenge string) (string, error) {
	nonce, err := base64.RawURLEncoding.DecodeString(challenge)
	if err != nil {
		return "", err
	}
	request, err := json.Marshal(map[string]string{"policy": "prod", "challenge": challenge,
		"document": base64.StdEncoding.EncodeToString(challenged.Attest(attestationtest.Request{Nonce: nonce}))})
	return string(request), err
}

// together sends a request n times at once, to each replica in turn.
func together(t *testing.T, replicas []*replica, n int, request string) []answer {
	t.Helper()
	answers, errs := make([]answer, n), make([]error, n)
	start := make(chan struct{})
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() {
			<-start
			answers[i], errs[i] = replicas[i%len(replicas)].post("/v1/verify", request)
		})
	}
	close(start)
	done.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	return answers
}

func requireVerdict(t *testing.T, r *replica, request, reason string) {
	t.Helper()
	a, err := r.post("/v1/verify", request)
	require.NoError(t, err)
	require.NotNil(t, a.Accepted, "%+v", a)
	require.Equal(t, reason == "", *a.Accepted)
	require.Equal(t, reason, a.Reason)
}

func requireUnavailable(t *testing.T, a answer) {
	t.Helper()
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Equal(t, "tag:nitroattest.github.io,2026:problem:store-unavailable", a.Type)
	require.Nil(t, a.Accepted)
}

func TestReplicasAcceptAChallengeOnce(t *testing.T) {
	replicas := startReplicas(t, redistest.New(t, redisOptions...), 2)

	// What one has issued is redeemed at the other, and then at neither.
	request := exchange(t, replicas[0])
	requireVerdict(t, replicas[1], request, "")
	requireVerdict(t, replicas[0], request, "nonce-already-redeemed")
	requireVerdict(t, replicas[1], request, "nonce-already-redeemed")

	for round := range 5 {
		accepted := 0
		for _, a := range together(t, replicas, 100, exchange(t, replicas[round%2])) {
			require.NotNil(t, a.Accepted, "%+v", a)
			if *a.Accepted {
				accepted++
			} else {
				require.Equal(t, "nonce-already-redeemed", a.Reason)
			}
		}
		assert.Equal(t, 1, accepted)
	}
}

func TestReplicasAcceptNothingWithoutTheirStore(t *testing.T) {
	store := redistest.New(t, redisOptions...)
	replicas := startReplicas(t, store, 2)
	for _, r := range replicas {
		ready, err := r.get("/readyz")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, ready.status)
		require.Equal(t, "ok", ready.Store)
	}
	redeemed := exchange(t, replicas[0])
	requireVerdict(t, replicas[0], redeemed, "")

	store.Kill()
	for _, r := range replicas {
		requireReady(t, r, false)
		ready, err := r.get("/readyz")
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, ready.status)
		require.Equal(t, "unavailable", ready.Store)
	}
	waiting := exchange(t, replicas[0]) // challenges need no store
	for _, request := range []string{waiting, redeemed} {
		for _, a := range together(t, replicas, 10, request) {
			requireUnavailable(t, a)
		}
	}

	// A store that was down may have forgotten something, whether it has or not. The
	// challenges of before have ended.
	store.Start()
	for _, r := range replicas {
		awaitReady(t, r)
	}
	for _, request := range []string{redeemed, waiting} {
		requireVerdict(t, replicas[1], request, "unknown-nonce")
		requireVerdict(t, replicas[0], request, "unknown-nonce")
	}
	requireVerdict(t, replicas[0], exchange(t, replicas[1]), "")
}

// awaitReady returns once a replica has noticed that its store is back.
func awaitReady(t *testing.T, r *replica) {
	t.Helper()
	for {
		ready, err := r.get("/readyz")
		require.NoError(t, err)
		if ready.status == http.StatusOK {
			require.True(t, *ready.Ready)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
