package certs_test

import (
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
