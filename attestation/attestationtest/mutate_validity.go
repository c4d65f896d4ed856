package attestationtest

import (
	"slices"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
)

// validityMutations are about times at which a certificate does not count. The
// dates of the others, and of the document, are in order.
func validityMutations() []Mutation {
	reason := func(r attestation.Reason, at func(Level) Mutation) func(Level) Mutation {
		return func(level Level) Mutation {
			m := at(level)
			m.Reason = r
			return m
		}
	}
	return slices.Concat(
		at(belowRoot, reason(attestation.CertificateExpired,
			certificate(TopicValidity, "expired", "it expired a second ago, after the document was made", func(b *Blueprint, c *Certificate) {
				c.NotAfter = b.judged().Add(-time.Second)
			}))),
		at(authorities, reason(attestation.CertificateNotYetValid,
			certificate(TopicValidity, "not-yet-valid", "it becomes valid in a second; only the leaf's beginning is tolerated", func(b *Blueprint, c *Certificate) {
				c.NotBefore = b.judged().Add(time.Second)
			}))),
		at([]Level{LevelLeaf}, reason(attestation.CertificateNotYetValid,
			certificate(TopicValidity, "not-yet-valid", "it becomes valid in 61 seconds, a second more than clocks may differ", func(b *Blueprint, c *Certificate) {
				c.NotBefore = b.judged().Add(attestation.DefaultClockSkew + time.Second)
			}))),
		at([]Level{LevelLeaf}, reason(attestation.CertificateExpired,
			certificate(TopicValidity, "validity-reversed", "notAfter is before notBefore, both past", func(b *Blueprint, c *Certificate) {
				c.NotBefore, c.NotAfter = b.judged().Add(-time.Minute), b.judged().Add(-2*time.Minute)
			}))),
		[]Mutation{{
			Name: "replay-of-last-year", Topic: TopicClock, Reason: attestation.CertificateExpired,
			Comment: "everything was in order a year ago: a verifier that goes by the document's own time accepts it",
			Arrange: func(c *Case) { c.MaxAge = 0 },
			Apply: func(b *Blueprint) {
				for _, c := range b.Chain[LevelRegional:] {
					c.NotBefore, c.NotAfter = c.NotBefore.AddDate(-1, 0, 0), c.NotAfter.AddDate(-1, 0, 0)
				}
				b.Set("timestamp", timestamp(b.time.AddDate(-1, 0, 0)))
			},
		}},
	)
}
