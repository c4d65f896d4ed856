package service_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
)

// blockedKit verifies one document at a time, and not before it is let go.
func blockedKit(t *testing.T, queue int) (k *kit, started <-chan struct{}, release func()) {
	begun, gone := make(chan struct{}, 100), make(chan struct{})
	var once sync.Once
	k = newKit(t, func(k *kit) {
		k.config.Concurrent, k.config.Queue = 1, queue
		k.write(t, "prod.json", policyJSON(t, k.hypervisor.Enclave().Image()))
		k.config.Policies = k.load(t, attestation.Config{Now: func() time.Time {
			begun <- struct{}{}
			<-gone
			return time.Now()
		}})
	})
	return k, begun, func() { once.Do(func() { close(gone) }) }
}

func TestTooManyAtATimeAreTurnedAwayAtOnce(t *testing.T) {
	k, started, release := blockedKit(t, 2)
	defer release()
	good := []object{k.good(t), k.good(t), k.good(t)}
	var wg sync.WaitGroup
	verdicts := make(chan object, len(good))
	send := func(request object) {
		wg.Go(func() {
			_, answer := k.send(t, "POST", "/v1/verify", toJSON(t, request))
			verdicts <- answer
		})
	}
	send(good[0])
	<-started // it holds the only place
	send(good[1])
	send(good[2])
	for !strings.Contains(k.metrics(t), "nitroattest_verifications_waiting 2") {
		time.Sleep(time.Millisecond)
	}

	response, problem := k.send(t, "POST", "/v1/verify", toJSON(t, k.good(t)))
	requireProblem(t, response, problem, http.StatusServiceUnavailable, "overloaded")
	assert.Equal(t, "1", response.Header.Get("Retry-After"))

	// What does not parse needs no place, and is refused all the same.
	garbage := k.verify(t, with(k.good(t), "document", "hESh"))
	assert.Equal(t, "malformed-evidence", garbage["reason"])

	release()
	wg.Wait()
	close(verdicts)
	for verdict := range verdicts {
		assert.Equal(t, true, verdict["accepted"], "%v", verdict)
	}
	require.Contains(t, k.metrics(t), `nitroattest_http_requests_total{method="POST",route="/v1/verify",status="503"} 1`)
	require.Contains(t, k.metrics(t), `nitroattest_verdicts_total{policy="prod",reason="accepted"} 3`)
}
