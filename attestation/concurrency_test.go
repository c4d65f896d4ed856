package attestation_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/nitroattest/nitroattest/attestation"
)

// One verifier serves many goroutines, with a cache so small that certificates
// come and go all the time. No verdict differs from the one that a verifier
// without a cache gives when nothing else runs.
func TestConcurrentVerdictsAreTheSequentialOnes(t *testing.T) {
	tr := newTree(t)
	documents := append([][]byte{}, tr.documents...)
	for i := range tr.documents {
		if i%6 == 0 {
			broken := append([]byte{}, tr.documents[i]...)
			broken[len(broken)-1-i] ^= 1
			documents = append(documents, broken)
		}
	}
	for name, config := range map[string]attestation.Config{
		"one clock":            {Now: func() time.Time { return treeTime }},
		"each at its own time": {Recorded: true},
	} {
		t.Run(name, func(t *testing.T) {
			config.Roots, config.InsecureAnyImage = tr.roots, true
			config.Limits.CachedCertificates = attestation.NoCache
			sequential := newVerifier(t, config)
			config.Limits.CachedCertificates = 3
			shared := newVerifier(t, config)

			expect := attestation.Expect{InsecureNoFreshness: true}
			want := make([]string, len(documents))
			accepted := 0
			for i, evidence := range documents {
				want[i] = verdict(t, sequential, evidence, expect)
				if sequential.Appraise(evidence, expect).Accepted() {
					accepted++
				}
			}
			assert.Positive(t, accepted)
			assert.Less(t, accepted, len(documents))

			tries := 40
			if testing.Short() {
				tries = 15
			}
			var group sync.WaitGroup
			for worker := range uint64(8) {
				group.Go(func() {
					random := rand.New(rand.NewPCG(worker, 2))
					for range tries {
						i := random.IntN(len(documents))
						if got := verdict(t, shared, documents[i], expect); got != want[i] {
							t.Errorf("document %d: found %s, expected %s", i, got, want[i])
							return
						}
					}
				})
			}
			group.Wait()
		})
	}
}
