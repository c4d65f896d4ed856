package certs_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
)

// What is known of the chain saves its signatures and no others.
func TestSignaturesWithTheCache(t *testing.T) {
	h := simulated()
	cached, count := counting(t, h.Roots(), 100)
	bare, bareCount := counting(t, h.Roots(), 0)
	first := h.Enclave()
	for _, step := range []struct {
		name    string
		enclave *attestationtest.Enclave
		want    int64
	}{
		{"cold", first, 4},
		{"leaf cached", first, 0},
		{"another enclave on the instance", first.Instance().NewEnclave(), 1},
		{"another instance in the zone", first.Instance().Zone().NewInstance().NewEnclave(), 2},
		{"another zone in the region", h.NewZone().NewInstance().NewEnclave(), 3},
		{"another region", h.NewZone(attestationtest.WithRegion("eu-west-1")).NewInstance().NewEnclave(), 4},
		{"leaf cached still", first, 0},
	} {
		chain, _ := chainOf(t, step.enclave.Attest(attestationtest.Request{}))
		for _, v := range []*certs.Verifier{cached, bare} {
			count.Store(0)
			bareCount.Store(0)
			_, err := v.Verify(chain, someTime)
			require.NoError(t, err, step.name)
			if v == cached {
				assert.Equal(t, step.want, count.Load(), step.name)
			} else {
				assert.EqualValues(t, 4, bareCount.Load(), step.name)
			}
		}
	}

	// A leaf is replaced after some hours; what is above it has not changed.
	chain, _ := chainOf(t, first.Attest(attestationtest.Request{Time: someTime.Add(-10 * time.Minute)}))
	count.Store(0)
	_, err := cached.Verify(chain, someTime.Add(-9*time.Minute))
	require.NoError(t, err)
	assert.EqualValues(t, 1, count.Load(), "a rotated leaf")
}

// Whatever is verified, no more is remembered than was said, and a chain that
// is longer than the cache is verified all the same.
func TestCacheIsBounded(t *testing.T) {
	h := simulated()
	for _, size := range []int{1, 2, 3, 4, 7} {
		v, count := counting(t, h.Roots(), size)
		for range 3 {
			for range 3 {
				chain, _ := chainOf(t, h.Enclave().Instance().Zone().NewInstance().NewEnclave().Attest(attestationtest.Request{}))
				_, err := v.Verify(chain, someTime)
				require.NoError(t, err)
				assert.LessOrEqual(t, certs.CachedCertificates(v), size)
			}
			assert.Equal(t, size, certs.CachedCertificates(v))
		}
		assert.LessOrEqual(t, count.Load(), int64(4*9))
	}
}

// A cache that holds one chain, and two chains in turn: what they share stays and
// the rest makes room for each other.
func TestChainsInTurn(t *testing.T) {
	h := simulated()
	first := h.Enclave()
	for name, c := range map[string]struct {
		second *attestationtest.Enclave
		want   int64 // signatures each time
	}{
		"one instance": {first.Instance().NewEnclave(), 1},
		"one zone":     {first.Instance().Zone().NewInstance().NewEnclave(), 2},
	} {
		t.Run(name, func(t *testing.T) {
			v, count := counting(t, h.Roots(), 4)
			one, _ := chainOf(t, first.Attest(attestationtest.Request{}))
			other, _ := chainOf(t, c.second.Attest(attestationtest.Request{}))
			_, err := v.Verify(one, someTime)
			require.NoError(t, err)
			for range 6 {
				count.Store(0)
				_, err := v.Verify(other, someTime)
				require.NoError(t, err)
				require.Equal(t, c.want, count.Load())
				one, other = other, one
			}
		})
	}
}

// A certificate is known under the parent that signed it only: the same bytes
// under another are verified, and refused.
func TestCacheKnowsCertificatesUnderTheirParent(t *testing.T) {
	h := simulated()
	v, _ := counting(t, h.Roots(), 100)
	chain, _ := chainOf(t, h.Attest(attestationtest.Request{}))
	_, err := v.Verify(chain, someTime)
	require.NoError(t, err)

	// An instance certificate with the same name and another key.
	b := h.Blueprint(attestationtest.Request{})
	b.Chain[attestationtest.LevelInstance].Key = b.NewKey("reissued")
	other, _ := chainOf(t, b.Document())
	_, err = v.Verify(other, someTime)
	require.NoError(t, err, "a reissued instance certificate is as good")

	for name, mixed := range map[string]certs.Chain{
		"the old leaf under the new instance certificate": {Bundle: other.Bundle, Leaf: chain.Leaf, ModuleID: chain.ModuleID},
		"the new leaf under the old instance certificate": {Bundle: chain.Bundle, Leaf: other.Leaf, ModuleID: chain.ModuleID},
	} {
		_, err = v.Verify(mixed, someTime)
		requireReason(t, certs.Signature, err)
		assert.ErrorContains(t, err, "certificate 4", name)
	}
}

// The caller's buffers are its own again after a verification.
func TestCacheSharesNoMemory(t *testing.T) {
	h := simulated()
	v, _ := counting(t, h.Roots(), 100)
	chain, _ := chainOf(t, h.Attest(attestationtest.Request{}))
	used := clone(chain)
	got, err := v.Verify(used, someTime)
	require.NoError(t, err)
	for _, der := range append(used.Bundle, used.Leaf) {
		clear(der)
	}
	assert.Equal(t, chain.Leaf, got[0].Raw)
	again, err := v.Verify(chain, someTime)
	require.NoError(t, err)
	assert.Same(t, got[0], again[0])
	again[0] = nil
	third, err := v.Verify(chain, someTime)
	require.NoError(t, err)
	assert.NotNil(t, third[0], "the slice is the caller's")
}

// A leaf that nobody signed below the genuine chain of a recorded document: what
// is above it is verified once.
func TestForgedLeafCostsOneSignature(t *testing.T) {
	h := simulated()
	v, count := counting(t, h.Roots(), 100)
	chain, _ := chainOf(t, h.Attest(attestationtest.Request{}))
	forged := clone(chain)
	forged.Leaf[len(forged.Leaf)-1] ^= 1
	for i := range 5 {
		count.Store(0)
		_, err := v.Verify(forged, someTime)
		assert.Equal(t, 4, requireReason(t, certs.Signature, err).Position)
		assert.Equal(t, int64([]int{4, 1, 1, 1, 1}[i]), count.Load())
		assert.Equal(t, 3, certs.CachedCertificates(v), "a forged certificate is never remembered")
	}
	count.Store(0)
	_, err := v.Verify(chain, someTime)
	require.NoError(t, err)
	assert.EqualValues(t, 1, count.Load(), "the genuine leaf")

	// A chain that is revoked, or of another module, is no different.
	revocations, err := certs.NewRevocations(certs.RevocationConfig{Unknown: certs.RefuseUnknown})
	require.NoError(t, err)
	v, err = certs.NewVerifier(h.Roots(), certs.Config{Revocations: revocations, CachedCertificates: 100})
	require.NoError(t, err)
	_, err = v.Verify(chain, someTime)
	requireReason(t, certs.RevocationUnknown, err)
	assert.Equal(t, 4, certs.CachedCertificates(v))
}

// Whatever chains come in whatever order, genuine, mixed or with a forged
// certificate somewhere: the verdict is that of a verifier without a cache, the
// bound holds, and a large cache verifies exactly the certificates that it has
// not seen below the same ones, down to the first bad one.
func TestPrefixesAreRememberedWhateverFollows(t *testing.T) {
	h := simulated()
	var chains []certs.Chain
	zones := []*attestationtest.Zone{h.Enclave().Instance().Zone(), h.NewZone()}
	for _, zone := range zones {
		for range 2 {
			instance := zone.NewInstance()
			for range 2 {
				chain, _ := chainOf(t, instance.NewEnclave().Attest(attestationtest.Request{}))
				chains = append(chains, chain)
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	bare, _ := counting(t, h.Roots(), 0)
	for _, size := range []int{1, 5, 1000} {
		v, count := counting(t, h.Roots(), size)
		known := map[string]bool{} // by all bytes from the root down
		tries := 100
		if testing.Short() {
			tries = 25
		}
		for range tries {
			chain := clone(chains[random.IntN(len(chains))])
			if random.IntN(3) == 0 { // the beginning of one and the end of another
				other := chains[random.IntN(len(chains))]
				cut := 1 + random.IntN(4)
				chain.Bundle = append(chain.Bundle[:cut:cut], clone(other).Bundle[cut:]...)
				chain.Leaf, chain.ModuleID = bytes.Clone(other.Leaf), other.ModuleID
			}
			if random.IntN(2) == 0 { // a signature that nobody made
				der := *certificate(&chain, 1+random.IntN(4))
				der[len(der)-1] ^= byte(1 + random.IntN(7))
			}
			count.Store(0)
			_, err := v.Verify(chain, someTime)
			_, want := bare.Verify(chain, someTime)
			require.Equal(t, want, err)
			require.LessOrEqual(t, certs.CachedCertificates(v), size)
			var fault *certs.Error
			good := len(chain.Bundle) + 1
			if errors.As(err, &fault) {
				good = fault.Position
				if fault.Reason != certs.Signature {
					require.Zero(t, count.Load())
					continue
				}
			}
			var verified int64
			path := string(chain.Bundle[0])
			for i, der := range append(slices.Clone(chain.Bundle[1:]), chain.Leaf) {
				path += string(der)
				if !known[path] && i+1 <= good {
					verified++
				}
				if i+1 < good {
					known[path] = true
				}
			}
			if size == 1000 {
				require.Equal(t, verified, count.Load())
				require.Equal(t, len(known), certs.CachedCertificates(v))
			}
		}
	}
}
