package attestationtest

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"

	"github.com/nitroattest/nitroattest/attestation"
)

// setExtension replaces the extension of the same ID.
func (c *Certificate) setExtension(e pkix.Extension) {
	for i := range c.Extensions {
		if c.Extensions[i].Id.Equal(e.Id) {
			c.Extensions[i] = e
		}
	}
}

func (c *Certificate) removeExtension(id asn1.ObjectIdentifier) {
	c.Extensions = slices.DeleteFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(id) })
}

// constraintMutations are about who may issue certificates.
func constraintMutations() []Mutation {
	pathLength := func(length int, comment string) func(Level) Mutation {
		return certificate(TopicConstraints, "path-length", comment, func(_ *Blueprint, c *Certificate) {
			c.setExtension(basicConstraints(length))
		})
	}
	return slices.Concat(
		at(authorities, certificate(TopicConstraints, "no-basic-constraints", "no basic constraints, so it is no authority", func(_ *Blueprint, c *Certificate) {
			c.removeExtension(oidBasicConstraints)
		})),
		at(authorities, certificate(TopicConstraints, "not-ca", "basic constraints say that it is no authority", func(_ *Blueprint, c *Certificate) {
			c.setExtension(basicConstraints(notCA))
		})),
		at([]Level{LevelRegional}, pathLength(1, "it allows one authority below it, and there are two")),
		at([]Level{LevelZonal}, pathLength(0, "it allows no authority below it, and there is one")),
		at([]Level{LevelLeaf}, certificate(TopicConstraints, "ca", "basic constraints say that it is an authority", func(_ *Blueprint, c *Certificate) {
			c.setExtension(basicConstraints(noPathLen))
		})),
		[]Mutation{
			{
				Name: "chain-leaf-issues-leaf", Topic: TopicConstraints, Reason: attestation.InvalidChain,
				Comment: "the enclave's leaf has issued another one, for the same module, which signs the document",
				Apply: func(b *Blueprint) {
					second := b.Certificate.clone()
					second.Parent, second.Key = b.Certificate, b.NewKey("second")
					b.Bundle = append(slices.Clone(b.Bundle), b.Certificate)
					b.Certificate = second
				},
			},
			{
				Name: "chain-instance-issues-instance", Topic: TopicConstraints, Reason: attestation.InvalidChain,
				Comment: "the instance certificate, whose path length is 0, has issued another, which issued the leaf",
				Apply: func(b *Blueprint) {
					second := b.sibling(LevelInstance)
					second.Parent = b.Chain[LevelInstance]
					b.Certificate.Parent = second
					b.Bundle = append(slices.Clone(b.Bundle), second)
				},
			},
			{
				Name: "chain-zonal-issues-zonal", Topic: TopicConstraints, Reason: attestation.InvalidChain,
				Comment: "the zonal certificate, whose path length is 1, has issued another, above the instance",
				Apply: func(b *Blueprint) {
					second := b.sibling(LevelZonal)
					second.Parent = b.Chain[LevelZonal]
					b.Chain[LevelInstance].Parent = second
					b.Bundle = slices.Insert(slices.Clone(b.Bundle), int(LevelInstance), second)
				},
			},
			{
				Name: "chain-instance-signs-document", Topic: TopicConstraints, Reason: attestation.InvalidChain,
				Comment: "an authority signs the document: the instance certificate is renamed after the module and takes the leaf's place",
				Apply: func(b *Blueprint) {
					b.Chain[LevelInstance].Subject = b.Certificate.Subject
					b.Certificate = b.Chain[LevelInstance]
					b.Bundle = b.Bundle[:LevelInstance]
				},
			},
		},
	)
}
