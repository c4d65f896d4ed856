package certs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
)

var someTime = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// simulated is a hypervisor with a fixed seed, at someTime.
func simulated() *attestationtest.Hypervisor {
	return attestationtest.NewHypervisor(attestationtest.WithSeed([]byte("certs")), attestationtest.WithTime(someTime))
}

// chainOf takes the chain out of a document.
func chainOf(t testing.TB, evidence []byte) (certs.Chain, attestation.Document) {
	t.Helper()
	u, err := attestation.ParseUnverified(evidence)
	require.NoError(t, err)
	return certs.Chain{Bundle: u.CABundle, Leaf: u.Certificate, ModuleID: u.Document.ModuleID}, u.Document
}

// recordedChain is the chain of a recorded document with the time at which the
// document was made.
type recordedChain struct {
	file  string
	chain certs.Chain
	at    time.Time
}

func recordedChains(t testing.TB) []recordedChain {
	t.Helper()
	files, err := filepath.Glob("../testdata/evidence/*.cbor")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 25)
	var out []recordedChain
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "bedrock-bfd95b") {
			continue // under a root that is not AWS's
		}
		evidence, err := os.ReadFile(file)
		require.NoError(t, err)
		chain, document := chainOf(t, evidence)
		out = append(out, recordedChain{filepath.Base(file), chain, document.Timestamp})
	}
	return out
}

// counting returns a verifier and the number of its signature verifications.
func counting(t testing.TB, roots *certs.Roots, cached int) (*certs.Verifier, *atomic.Int64) {
	t.Helper()
	v, err := certs.NewVerifier(roots, certs.Config{CachedCertificates: cached})
	require.NoError(t, err)
	return v, certs.CountSignatures(v)
}

// requireReason fails unless err is a refusal for exactly this reason.
func requireReason(t testing.TB, want certs.Reason, err error) *certs.Error {
	t.Helper()
	var fault *certs.Error
	require.ErrorAs(t, err, &fault)
	require.Equal(t, want, fault.Reason, err)
	require.ErrorIs(t, err, want)
	return fault
}

// clone copies a chain so that it can be changed.
func clone(c certs.Chain) certs.Chain {
	out := certs.Chain{Leaf: bytes.Clone(c.Leaf), ModuleID: c.ModuleID}
	for _, der := range c.Bundle {
		out.Bundle = append(out.Bundle, bytes.Clone(der))
	}
	return out
}
