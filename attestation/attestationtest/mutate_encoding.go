package attestationtest

import (
	"bytes"
	"encoding/pem"
	"slices"
)

// encodingMutations are about certificates that a lenient reader would take.
func encodingMutations() []Mutation {
	edited := func(name, comment string, f func(der []byte) []byte) []Mutation {
		return at(belowRoot, certificate(TopicCertificateProfile, name, comment, func(_ *Blueprint, c *Certificate) { c.EditDER = f }))
	}
	return slices.Concat(
		edited("trailing-byte", "a zero byte follows it", func(der []byte) []byte { return append(der, 0) }),
		edited("cut", "its last byte is missing", func(der []byte) []byte { return der[:len(der)-1] }),
		edited("long-length", "its length takes a byte more than it needs: BER, not DER", func(der []byte) []byte {
			return join([]byte{der[0], 0x83, 0x00}, der[2:4], der[4:])
		}),
		edited("indefinite-length", "it is of indefinite length: BER, not DER", func(der []byte) []byte {
			return join([]byte{der[0], 0x80}, contents(der), []byte{0, 0})
		}),
		edited("other-bytes", "it is text", func([]byte) []byte { return []byte("certificate") }),
		edited("empty-sequence", "it is an empty sequence", func([]byte) []byte { return tlv(tagSequence) }),
		at(belowRoot, certificate(TopicCertificateProfile, "other-true", "what is signed has a true that is not all ones: BER, not DER", func(_ *Blueprint, c *Certificate) {
			c.EditTBS = func(tbs []byte) []byte {
				return bytes.Replace(tbs, []byte{tagBoolean, 1, 0xff}, []byte{tagBoolean, 1, 0x01}, 1)
			}
		})),
		at([]Level{LevelLeaf}, certificate(TopicCertificateProfile, "pem", "it is PEM, without line breaks at the end", func(_ *Blueprint, c *Certificate) {
			c.EditDER = func(der []byte) []byte {
				text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
				return text[:len(text)-1]
			}
		})),
		at(belowRoot, certificate(TopicCertificateProfile, "version-1", "version 1, whose readers know no extensions; they are there", func(_ *Blueprint, c *Certificate) {
			c.Version = 1
		})),
		at(belowRoot, certificate(TopicCertificateProfile, "version-2", "version 2", func(_ *Blueprint, c *Certificate) { c.Version = 2 })),
		at(belowRoot, certificate(TopicCertificateProfile, "version-4", "version 4, which is yet to be defined", func(_ *Blueprint, c *Certificate) { c.Version = 4 })),
		at(belowRoot, certificate(TopicCertificateProfile, "negative-serial", "a negative serial number", func(_ *Blueprint, c *Certificate) {
			c.Serial = []byte{0xff, 0x7f}
		})),
	)
}
