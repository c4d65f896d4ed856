package attestation_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
)

// caseOf carries out a change and returns the verifier for it.
func caseOf(t *testing.T, m attestationtest.Mutation) (attestationtest.Case, *attestation.Verifier) {
	t.Helper()
	c := attestationtest.NewHypervisor(attestationtest.WithSeed([]byte(t.Name()))).Case(m)
	return c, newVerifier(t, c.Config())
}

// Whichever certificate expires first ends the freshness.
func TestFreshUntilIsTheEarliestNotAfter(t *testing.T) {
	t.Parallel()
	for level := attestationtest.LevelRoot; level <= attestationtest.LevelLeaf; level++ {
		t.Run(level.String(), func(t *testing.T) {
			t.Parallel()
			var want time.Time
			c, v := caseOf(t, attestationtest.Mutation{Name: "earliest", TrustsRoot: true, Apply: func(b *attestationtest.Blueprint) {
				want = b.Chain[attestationtest.LevelLeaf].NotAfter.Add(-time.Minute)
				b.Chain[level].NotAfter = want
			}})
			result, err := v.Verify(c.Document, c.Expect())
			require.NoError(t, err)
			assert.True(t, want.Equal(result.FreshUntil), "found %s, expected %s", result.FreshUntil, want)
			assert.True(t, want.Equal(*v.Appraise(c.Document, c.Expect()).JSON().FreshUntil))
		})
	}
}

// A document of either kind is refused by whoever asks for the other, whatever
// else is waived.
func TestKindsAreNotMixed(t *testing.T) {
	t.Parallel()
	for asked, made := range map[attestation.Kind]bool{attestation.Enclave: true, attestation.NitroTPM: false} {
		c, _ := caseOf(t, attestationtest.Mutation{Name: "kind", NitroTPM: made})
		config := attestation.Config{Kind: asked, InsecureAnyImage: true, InsecureAllowDebug: true, Roots: c.Config().Roots, Now: c.Config().Now}
		_, err := newVerifier(t, config).Verify(c.Document, attestation.Expect{InsecureNoFreshness: true})
		requireReason(t, attestation.WrongDocumentKind, err)
		config.Kind = map[attestation.Kind]attestation.Kind{attestation.Enclave: attestation.NitroTPM, attestation.NitroTPM: attestation.Enclave}[asked]
		_, err = newVerifier(t, config).Verify(c.Document, attestation.Expect{InsecureNoFreshness: true})
		require.NoError(t, err)
	}
}

// A key that is there twice is refused wherever the two stand, next to each other
// or far apart, in the payload and among the registers, with one value or two.
func TestRepeatedKeysAnywhere(t *testing.T) {
	t.Parallel()
	repeat := func(entries []attestationtest.Entry, from, to int) []attestationtest.Entry {
		return slices.Insert(slices.Clone(entries), to, entries[from])
	}
	for from := range 9 {
		for _, to := range []int{0, from, from + 1, 9} {
			for where, apply := range map[string]func(*attestationtest.Blueprint){
				"payload":   func(b *attestationtest.Blueprint) { b.Payload = repeat(b.Payload, from, to) },
				"registers": func(b *attestationtest.Blueprint) { b.PCRs = repeat(b.PCRs, from, to) },
			} {
				c, v := caseOf(t, attestationtest.Mutation{Name: "repeated", Apply: apply})
				_, err := v.Verify(c.Document, c.Expect())
				require.ErrorIs(t, err, attestation.MalformedEvidence, "%s: key %d again at %d", where, from, to)
				assert.ErrorContains(t, err, "found the same map key twice")
			}
		}
	}
}

// Both ends of the leaf's validity are good times for a document to be made, and
// a millisecond outside of them is not, also where the verifier's clock would
// let it pass.
func TestTimestampWithinTheLeaf(t *testing.T) {
	t.Parallel()
	for offset, good := range map[string]map[time.Duration]bool{
		"notBefore": {0: true, time.Millisecond: true, -time.Millisecond: false},
		"notAfter":  {0: true, -time.Millisecond: true, time.Millisecond: false},
	} {
		for by, accepted := range good {
			t.Run(fmt.Sprint(offset, by), func(t *testing.T) {
				t.Parallel()
				var now time.Time
				c, v := caseOf(t, attestationtest.Mutation{Name: "timestamp",
					Arrange: func(c *attestationtest.Case) { now, c.MaxAge = c.Now, 0 },
					Apply: func(b *attestationtest.Blueprint) {
						leaf := b.Chain[attestationtest.LevelLeaf]
						made := leaf.NotBefore
						if offset == "notAfter" {
							leaf.NotAfter, made = now, now // its last moment
						}
						b.Set("timestamp", cborTime(made.Add(by)))
					}})
				_, err := v.Verify(c.Document, c.Expect())
				if accepted {
					require.NoError(t, err)
					return
				}
				requireReason(t, attestation.TimestampOutOfRange, err)
				assert.ErrorContains(t, err, "expected a time within the validity of the leaf")
			})
		}
	}
}

// cborTime is a timestamp as documents have it: an integer of 8 bytes.
func cborTime(at time.Time) []byte {
	out := []byte{0x1b}
	for shift := 56; shift >= 0; shift -= 8 {
		out = append(out, byte(uint64(at.UnixMilli())>>shift))
	}
	return out
}

// The zero Report has the keys of every other, says that nothing was accepted,
// and whoever embeds its form can say more.
func TestReportJSONCanBeEmbedded(t *testing.T) {
	t.Parallel()
	c, v := caseOf(t, attestationtest.Mutation{Name: "valid"})
	for name, report := range map[string]*attestation.Report{"zero": {}, "accepted": v.Appraise(c.Document, c.Expect())} {
		keys := keysOf(t, report)
		embedded := keysOf(t, struct {
			File string `json:"file"`
			attestation.ReportJSON
		}{"name", report.JSON()})
		assert.ElementsMatch(t, append([]string{"file"}, keys...), embedded, name)
		assert.Len(t, keys, 14, name)
		assert.NotNil(t, report.JSON().Chain)
		assert.NotNil(t, report.JSON().Checks)
		assert.NotNil(t, report.JSON().Registers)
		assert.Equal(t, name == "accepted", report.JSON().Accepted)
	}
}
