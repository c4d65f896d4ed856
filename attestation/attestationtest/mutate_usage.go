package attestationtest

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
)

var (
	usageNone           = []byte{0}
	usageCRLOnly        = []byte{1, 0x02} // cRLSign
	usageNonRepudiation = []byte{6, 0x40}
)

// usageMutations are about what a key may be used for, and about extensions
// that a verifier does not know.
func usageMutations() []Mutation {
	usage := func(bits []byte) func(*Blueprint, *Certificate) {
		return func(_ *Blueprint, c *Certificate) { c.setExtension(keyUsage(true, bits)) }
	}
	extra := func(e pkix.Extension) func(*Blueprint, *Certificate) {
		return func(_ *Blueprint, c *Certificate) { c.Extensions = append(c.Extensions, e) }
	}
	leaf := []Level{LevelLeaf}
	anyName := tlv(tagSequence, tlv(tagContext, tlv(tagSequence, tlv(tagContextValue|2, []byte("example.com")))))
	serverAuth := tlv(tagSequence, derOID(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}))
	return slices.Concat(
		at(belowRoot, certificate(TopicConstraints, "no-key-usage", "no key usage", func(_ *Blueprint, c *Certificate) {
			c.removeExtension(oidKeyUsage)
		})),
		at(authorities, certificate(TopicConstraints, "no-cert-sign", "its key is for revocation lists only", usage(usageCRLOnly))),
		at(authorities, certificate(TopicConstraints, "leaf-usage", "its key is for signatures, not for certificates", usage(usageLeaf))),
		at(leaf, certificate(TopicConstraints, "no-digital-signature", "its key is for non-repudiation only", usage(usageNonRepudiation))),
		at(leaf, certificate(TopicConstraints, "empty-key-usage", "its key is for nothing", usage(usageNone))),
		at(belowRoot, certificate(TopicConstraints, "unknown-critical", "a critical extension of nobody's",
			extra(pkix.Extension{Id: oidNobody, Critical: true, Value: tlv(tagNull)}))),
		at(authorities, certificate(TopicConstraints, "name-constraints", "critical name constraints, which permit example.com only",
			extra(pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 30}, Critical: true, Value: anyName}))),
		at(leaf, certificate(TopicConstraints, "server-auth", "a critical extended key usage, for TLS servers",
			extra(pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: serverAuth}))),
		at(belowRoot, certificate(TopicConstraints, "duplicate-extension", "basic constraints twice, the same", func(_ *Blueprint, c *Certificate) {
			c.Extensions = append(c.Extensions, c.Extensions[0])
		})),
	)
}
