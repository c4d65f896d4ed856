package attestationtest_test

import (
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
)

const levels = 5

// chainOf returns the DER of the certificates of a document, root first.
func chainOf(t *testing.T, evidence []byte) [][]byte {
	t.Helper()
	unverified, err := attestation.ParseUnverified(evidence)
	require.NoError(t, err)
	return append(unverified.CABundle, unverified.Certificate)
}

// shared counts the certificates, from the root down, that two chains share.
func shared(a, b [][]byte) int {
	for level := range a {
		if !slices.Equal(a[level], b[level]) {
			return level
		}
	}
	return levels
}

func TestSiblingsShareWhatIsAboveThem(t *testing.T) {
	t.Parallel()
	h := seeded()
	first := chainOf(t, h.Attest(attestationtest.Request{}))
	instance := h.Enclave().Instance()
	attest := func(e *attestationtest.Enclave) [][]byte { return chainOf(t, e.Attest(attestationtest.Request{})) }

	assert.Equal(t, 5, shared(first, attest(h.Enclave())), "the same enclave")
	assert.Equal(t, 4, shared(first, attest(instance.NewEnclave())), "another enclave on the instance")
	assert.Equal(t, 3, shared(first, attest(instance.Zone().NewInstance().NewEnclave())), "another instance in the zone")
	assert.Equal(t, 2, shared(first, attest(h.NewZone().NewInstance().NewEnclave())), "another zone of the region")
	assert.Equal(t, 1, shared(first, attest(h.NewZone(attestationtest.WithRegion("eu-west-1")).NewInstance().NewEnclave())), "another region")
	assert.Equal(t, 0, shared(first, chainOf(t, attestationtest.NewHypervisor().Attest(attestationtest.Request{}))), "another hypervisor")
}

func TestSiblingsHaveNamesAndOptionsOfTheirOwn(t *testing.T) {
	t.Parallel()
	h := seeded(attestationtest.WithInstanceID("i-1234567890abcdef0"), attestationtest.WithDebugMode())
	sibling := h.Enclave().Instance().NewEnclave()
	assert.NotEqual(t, h.Enclave().ModuleID(), sibling.ModuleID())
	assert.NotEqual(t, h.Enclave().Image(), sibling.Image())
	assert.False(t, parse(t, sibling.Attest(attestationtest.Request{})).PCRs.Debug(), "debug mode is the first enclave's")
	other := h.Enclave().Instance().Zone().NewInstance(attestationtest.WithRole("arn"))
	assert.NotEqual(t, "i-1234567890abcdef0", other.ID())
	assert.False(t, parse(t, other.NewEnclave().Attest(attestationtest.Request{})).PCRs[3].IsZero())
}

// The recorded documents are at most 8523 s younger than their leaf.
func TestLeavesAreReused(t *testing.T) {
	t.Parallel()
	h := seeded()
	at := func(offset time.Duration) [][]byte {
		return chainOf(t, h.Attest(attestationtest.Request{Time: someTime.Add(offset)}))
	}
	first := at(0)
	leaf, err := x509.ParseCertificate(first[attestationtest.LevelLeaf])
	require.NoError(t, err)
	assert.Equal(t, someTime.Truncate(time.Second).Add(-3*time.Second), leaf.NotBefore)
	assert.Equal(t, levels, shared(first, at(time.Second)))
	assert.Equal(t, levels, shared(first, at(8523*time.Second)))
	assert.Less(t, shared(first, at(8700*time.Second)), levels, "replaced while there is validity left")
	assert.Equal(t, levels, shared(at(8700*time.Second), at(8701*time.Second)), "and the new one reused")
	assert.Less(t, shared(first, at(-time.Second)), levels, "no leaf is from the future")
}

// A leaf goes on with the chain that it was issued under, which may have been
// replaced since.
func TestChainsStayValidAcrossReplacements(t *testing.T) {
	t.Parallel()
	h := seeded()
	seen := [levels]map[string]bool{{}, {}, {}, {}, {}}
	for offset := time.Duration(0); offset < 400*time.Hour; offset += 53 * time.Minute {
		at := someTime.Add(offset)
		for level, der := range chainOf(t, h.Attest(attestationtest.Request{Time: at})) {
			seen[level][string(der)] = true
			cert, err := x509.ParseCertificate(der)
			require.NoError(t, err)
			assert.False(t, at.Before(cert.NotBefore), "%s at %s", attestationtest.Level(level), at)
			assert.False(t, at.After(cert.NotAfter), "%s at %s", attestationtest.Level(level), at)
		}
	}
	assert.Len(t, seen[attestationtest.LevelRoot], 1)
	assert.InDelta(t, 400/108, len(seen[attestationtest.LevelRegional]), 2)
	assert.InDelta(t, 400/15+400/108, len(seen[attestationtest.LevelZonal]), 3)
	assert.InDelta(t, 400/11+400/15, len(seen[attestationtest.LevelInstance]), 12)
	assert.Greater(t, len(seen[attestationtest.LevelLeaf]), 120)
}

func TestLevelNames(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "root", attestationtest.LevelRoot.String())
	assert.Equal(t, "leaf", attestationtest.LevelLeaf.String())
	assert.Equal(t, "unknown", attestationtest.Level(-1).String())
	assert.Equal(t, "unknown", attestationtest.Level(5).String())
}
