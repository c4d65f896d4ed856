package attestationtest

import (
	"time"

	"github.com/nitroattest/nitroattest/attestation"
)

func chainVariations() []Mutation {
	edit := func(topic Topic, name, comment string, level Level, f func(*Blueprint, *Certificate)) Mutation {
		return variation(topic, name, comment, func(b *Blueprint) { f(b, b.Chain[level]) })
	}
	return []Mutation{
		edit(TopicValidity, "leaf-expires-now", "the leaf expires in this second, which is its last", LevelLeaf, func(b *Blueprint, c *Certificate) {
			c.NotAfter = b.judged()
		}),
		edit(TopicValidity, "instance-valid-from-now", "the instance certificate becomes valid in this second", LevelInstance, func(b *Blueprint, c *Certificate) {
			c.NotBefore = b.judged()
		}),
		edit(TopicValidity, "leaf-valid-in-a-minute", "leaf and document are from a minute ahead, as clocks may differ", LevelLeaf, func(b *Blueprint, c *Certificate) {
			c.NotBefore = b.judged().Add(attestation.DefaultClockSkew)
			b.Set("timestamp", timestamp(c.NotBefore))
		}),
		edit(TopicValidity, "leaf-longer-than-issuer", "the leaf outlives its issuer, and the instance certificate the zonal one: validity need not nest", LevelZonal, func(b *Blueprint, c *Certificate) {
			c.NotAfter = b.judged().Add(time.Minute)
		}),
		edit(TopicConstraints, "instance-without-identifiers", "the instance certificate has no key identifiers, as until 2023", LevelInstance, func(_ *Blueprint, c *Certificate) {
			c.removeExtension(oidSubjectKeyID)
			c.removeExtension(oidAuthorityKeyID)
		}),
		edit(TopicConstraints, "leaf-critical-key-usage", "the leaf's key usage is critical, as RFC 5280 would have it", LevelLeaf, func(_ *Blueprint, c *Certificate) {
			c.setExtension(keyUsage(true, usageLeaf))
		}),
		edit(TopicConstraints, "unknown-non-critical", "the leaf has an extension of nobody's that is not critical", LevelLeaf, func(_ *Blueprint, c *Certificate) {
			c.Extensions = append(c.Extensions, padding(1))
		}),
		edit(TopicCertificateProfile, "serial-of-one-byte", "the zonal certificate has a serial number of one byte", LevelZonal, func(_ *Blueprint, c *Certificate) {
			c.Serial = []byte{1}
		}),
		edit(TopicLeafName, "other-region", "the leaf is of a region that was opened later", LevelLeaf, func(b *Blueprint, c *Certificate) {
			c.Subject = instanceName(b.module + ".xx-future-9.aws")
		}),
	}
}

func freshnessVariations() []Mutation {
	at := func(name, comment string, offset time.Duration) Mutation {
		return variation(TopicFreshness, name, comment, func(b *Blueprint) { b.Set("timestamp", timestamp(b.judged().Add(offset))) })
	}
	unlimited := variation(TopicFreshness, "as-old-as-leaf", "the document is from the second in which its leaf became valid, and there is a nonce and no age limit", func(b *Blueprint) {
		b.Set("timestamp", timestamp(b.Certificate.NotBefore))
	})
	unlimited.Arrange = func(c *Case) { c.MaxAge = 0 }
	return []Mutation{
		at("at-age-limit", "the document is exactly as old as it may be", -caseMaxAge),
		at("now", "the document is from this moment", 0),
		at("a-second-ahead", "the document is from a second ahead, as clocks differ", time.Second),
		unlimited,
	}
}
