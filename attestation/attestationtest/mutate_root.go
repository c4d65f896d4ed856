package attestationtest

import (
	"slices"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
)

// root makes a chain whose first certificate is not the pinned one.
func root(name, comment string, apply func(*Blueprint)) Mutation {
	return Mutation{Name: "root-" + name, Topic: TopicPinnedRoot, Reason: attestation.UntrustedRoot, Comment: comment, Apply: apply}
}

func rootMutations() []Mutation {
	return []Mutation{
		root("look-alike", "a root with another key and otherwise the same, down to names, dates, serial number and key identifier; everything below it is in order", func(b *Blueprint) {
			b.Chain[LevelRoot].Key = b.NewKey("root")
		}),
		root("renewed", "the same root with the same key, valid for a year longer", func(b *Blueprint) {
			b.Chain[LevelRoot].NotAfter = b.Chain[LevelRoot].NotAfter.AddDate(1, 0, 0)
		}),
		root("other-signature", "the same root with the other of the two signatures that verify: (r, -s)", func(b *Blueprint) {
			b.Chain[LevelRoot].EditDER = negateSignature
		}),
		root("trailing-byte", "a zero byte follows the root", func(b *Blueprint) {
			b.Chain[LevelRoot].EditDER = func(der []byte) []byte { return append(der, 0) }
		}),
		root("other-name", "a root of another name", func(b *Blueprint) {
			b.Chain[LevelRoot].Subject = rootName("aws-us-gov.nitro-enclaves")
		}),
		root("missing", "the bundle begins with the regional certificate, as TLS has it", func(b *Blueprint) {
			b.Bundle = b.Bundle[1:]
		}),
		root("last", "the bundle is in reverse, its root last", func(b *Blueprint) {
			b.Bundle = slices.Clone(b.Bundle)
			slices.Reverse(b.Bundle)
		}),
		root("after-leaf", "the leaf stands before the root, as the top of the chain", func(b *Blueprint) {
			b.Bundle = append([]*Certificate{b.Certificate}, b.Bundle...)
		}),
		root("self-signed-leaf", "the leaf signs itself and is its own bundle", func(b *Blueprint) {
			b.Certificate.Parent = nil
			b.Bundle = []*Certificate{b.Certificate}
		}),
		{
			Name: "root-look-alike-below-pinned", Topic: TopicNamesAndSignatures, Reason: attestation.InvalidChain,
			Comment: "the pinned root, and then a look-alike of it above the rest: the names chain, the signature does not",
			Apply: func(b *Blueprint) {
				fake := b.Chain[LevelRoot].clone()
				fake.Key = b.NewKey("root")
				b.Chain[LevelRegional].Parent = fake
				b.Bundle = slices.Insert(slices.Clone(b.Bundle), 1, fake)
			},
		},
		{
			Name: "root-path-length-2", Topic: TopicConstraints, Reason: attestation.InvalidChain, TrustsRoot: true,
			Comment: "the trusted root allows two authorities below it, and three are there",
			Apply: func(b *Blueprint) {
				b.Chain[LevelRoot].setExtension(basicConstraints(2))
			},
		},
		{
			Name: "root-expired", Topic: TopicValidity, Reason: attestation.CertificateExpired, TrustsRoot: true,
			Comment: "the trusted root itself expired a second ago",
			Apply:   func(b *Blueprint) { b.Chain[LevelRoot].NotAfter = b.judged().Add(-time.Second) },
		},
		{
			Name: "root-not-yet-valid", Topic: TopicValidity, Reason: attestation.CertificateNotYetValid, TrustsRoot: true,
			Comment: "the trusted root itself becomes valid in a second",
			Apply:   func(b *Blueprint) { b.Chain[LevelRoot].NotBefore = b.judged().Add(time.Second) },
		},
	}
}

// judged is the verifier's time of a [Case].
func (b *Blueprint) judged() time.Time { return b.time.Add(caseAge) }
