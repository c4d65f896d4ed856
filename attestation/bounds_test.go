package attestation_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
)

var boundsTime = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// blueprint is a simulated document of boundsTime.
func blueprint(t *testing.T, options ...attestationtest.EnclaveOption) *attestationtest.Blueprint {
	t.Helper()
	h := attestationtest.NewHypervisor(attestationtest.WithSeed([]byte("bounds")), attestationtest.WithTime(boundsTime))
	return h.Enclave().Instance().NewEnclave(options...).Blueprint(attestationtest.Request{})
}

// verifyAt trusts the root of the blueprint.
func verifyAt(t *testing.T, b *attestationtest.Blueprint, now time.Time, expect attestation.Expect, edits ...func(*attestation.Config)) (*attestation.Result, error) {
	t.Helper()
	root, err := b.Chain[attestationtest.LevelRoot].X509()
	require.NoError(t, err)
	roots, err := certs.NewRoots(root)
	require.NoError(t, err)
	config := attestation.Config{InsecureAnyImage: true, Roots: roots, Now: func() time.Time { return now }}
	for _, edit := range edits {
		edit(&config)
	}
	return newVerifier(t, config).Verify(b.Document(), expect)
}

var anyFreshness = attestation.Expect{InsecureNoFreshness: true}

func encoded(t *testing.T, value any) []byte {
	t.Helper()
	data, err := cbor.Marshal(value)
	require.NoError(t, err)
	return data
}

// FreshUntil is the earliest notAfter, whichever certificate has it.
func TestFreshUntilIsTheEarliestOfTheChain(t *testing.T) {
	t.Parallel()
	for level := attestationtest.LevelRoot; level <= attestationtest.LevelLeaf; level++ {
		b := blueprint(t)
		earliest := boundsTime.Add(7 * time.Minute)
		b.Chain[level].NotAfter = earliest
		result, err := verifyAt(t, b, boundsTime, anyFreshness)
		require.NoError(t, err)
		assert.Equal(t, earliest, result.FreshUntil, level.String())
	}
}

// A document of each kind is one for a verifier of its kind and for no other.
func TestKindsAreTheOnesAskedFor(t *testing.T) {
	t.Parallel()
	for _, made := range []attestation.Kind{attestation.Enclave, attestation.NitroTPM} {
		for _, asked := range []attestation.Kind{attestation.Enclave, attestation.NitroTPM} {
			var options []attestationtest.EnclaveOption
			if made == attestation.NitroTPM {
				options = append(options, attestationtest.WithNitroTPM())
			}
			result, err := verifyAt(t, blueprint(t, options...), boundsTime, anyFreshness, func(c *attestation.Config) { c.Kind = asked })
			if made != asked {
				requireReason(t, attestation.WrongDocumentKind, err)
				continue
			}
			require.NoError(t, err)
			assert.Equal(t, made, result.Document.Kind)
		}
	}
}

// A key that is there twice is refused wherever the second stands: beside the
// first, at the end or at the beginning, in the payload and in the registers.
func TestRepeatedKeys(t *testing.T) {
	t.Parallel()
	of := map[string]func(*attestationtest.Blueprint) *[]attestationtest.Entry{
		"payload":   func(b *attestationtest.Blueprint) *[]attestationtest.Entry { return &b.Payload },
		"registers": func(b *attestationtest.Blueprint) *[]attestationtest.Entry { return &b.PCRs },
	}
	for name, entries := range of {
		count := len(*entries(blueprint(t)))
		for i := range count {
			if i%4 != 0 && testing.Short() {
				continue
			}
			for _, to := range []int{0, i, i + 1, count} {
				b := blueprint(t)
				list := entries(b)
				*list = slices.Insert(*list, to, (*list)[i])
				_, err := verifyAt(t, b, boundsTime, anyFreshness)
				requireReason(t, attestation.MalformedEvidence, err)
				assert.ErrorContains(t, err, "twice", "%s: %d again at %d", name, i, to)
			}
		}
	}
}

// Both ends of each bound on the timestamp are within it.
func TestBoundsOfTheTimestamp(t *testing.T) {
	t.Parallel()
	leaf := blueprint(t).Certificate
	limited := attestation.Expect{MaxAge: time.Minute}
	const ms = time.Millisecond
	for name, test := range map[string]struct {
		timestamp, now time.Time
		expect         attestation.Expect
		reason         attestation.Reason
	}{
		"notBefore":            {leaf.NotBefore, boundsTime, anyFreshness, ""},
		"before notBefore":     {leaf.NotBefore.Add(-ms), boundsTime, anyFreshness, attestation.TimestampOutOfRange},
		"notAfter":             {leaf.NotAfter, leaf.NotAfter, anyFreshness, ""},
		"after notAfter":       {leaf.NotAfter.Add(ms), leaf.NotAfter, anyFreshness, attestation.TimestampOutOfRange},
		"as old as may be":     {boundsTime, boundsTime.Add(time.Minute), limited, ""},
		"older":                {boundsTime, boundsTime.Add(time.Minute + ms), limited, attestation.Stale},
		"as far ahead":         {boundsTime.Add(time.Minute), boundsTime, limited, ""},
		"further ahead":        {boundsTime.Add(time.Minute + ms), boundsTime, limited, attestation.TimestampOutOfRange},
		"ahead without limit":  {boundsTime.Add(time.Minute + ms), boundsTime, anyFreshness, attestation.TimestampOutOfRange},
		"leaf of a minute on":  {leaf.NotBefore, leaf.NotBefore.Add(-time.Minute), anyFreshness, ""},
		"leaf of some ms more": {leaf.NotBefore, leaf.NotBefore.Add(-time.Minute - ms), anyFreshness, attestation.CertificateNotYetValid},
		"leaf of the past":     {leaf.NotAfter, leaf.NotAfter.Add(ms), anyFreshness, attestation.CertificateExpired},
	} {
		b := blueprint(t)
		b.Set("timestamp", encoded(t, uint64(test.timestamp.UnixMilli())))
		_, err := verifyAt(t, b, test.now, test.expect)
		if test.reason == "" {
			require.NoError(t, err, name)
			continue
		}
		requireReason(t, test.reason, err)
	}
}

// What a limit says is within it, and one more is not.
func TestLimitsAreExact(t *testing.T) {
	t.Parallel()
	b := blueprint(t)
	size := len(b.Document())
	limited := func(limits attestation.Limits) func(*attestation.Config) {
		return func(c *attestation.Config) { c.Limits = limits }
	}
	_, err := verifyAt(t, b, boundsTime, anyFreshness, limited(attestation.Limits{EvidenceSize: size}))
	require.NoError(t, err)
	_, err = verifyAt(t, b, boundsTime, anyFreshness, limited(attestation.Limits{EvidenceSize: size - 1}))
	requireReason(t, attestation.MalformedEvidence, err)

	for _, field := range []string{"public_key", "user_data", "nonce"} {
		b := blueprint(t)
		b.Set(field, encoded(t, make([]byte, 33)))
		_, err := verifyAt(t, b, boundsTime, anyFreshness, limited(attestation.Limits{FieldSize: 33}))
		require.NoError(t, err, field)
		_, err = verifyAt(t, b, boundsTime, anyFreshness, limited(attestation.Limits{FieldSize: 32}))
		requireReason(t, attestation.InvalidField, err)
	}

	nested := func(levels int) []byte { return append(bytes.Repeat([]byte{0x81}, levels), 0) }
	pairs := func(n int) []byte {
		m := map[int]int{}
		for i := range n {
			m[i] = i
		}
		return encoded(t, m)
	}
	// The payload is the first of 8 levels, and an array of n is n+1 items.
	for name, test := range map[string]struct{ good, bad []byte }{
		"levels": {nested(7), nested(8)},
		"pairs":  {pairs(64), pairs(65)},
	} {
		b := blueprint(t)
		b.Set("unknown", test.good)
		_, err := verifyAt(t, b, boundsTime, anyFreshness)
		require.NoError(t, err, name)
		b.Set("unknown", test.bad)
		_, err = verifyAt(t, b, boundsTime, anyFreshness)
		requireReason(t, attestation.MalformedEvidence, err)
	}
}
