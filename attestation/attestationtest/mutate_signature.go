package attestationtest

import (
	"bytes"
	"crypto"

	"github.com/nitroattest/nitroattest/attestation"
)

// signed changes who signs the document, or what.
func signed(topic Topic, name, comment string, apply func(*Blueprint)) Mutation {
	return Mutation{Name: "signature-" + name, Topic: topic, Reason: attestation.BadSignature, Comment: comment, Apply: apply}
}

// structure signs another structure than that of RFC 9052.
func structure(name, comment string, f func(protected, payload []byte) []byte) Mutation {
	return signed(TopicDocumentSignature, name, comment, func(b *Blueprint) { b.ToBeSigned = f })
}

// sigStructureOf is the structure with its four or five elements chosen.
func sigStructureOf(context string, strings ...[]byte) []byte {
	items := [][]byte{cborText(context)}
	for _, s := range strings {
		items = append(items, cborBytes(s))
	}
	return cborArray(items...)
}

// afterSigning applies a change that the signature does not cover.
func afterSigning(name, comment string, apply func(*Blueprint)) Mutation {
	return signed(TopicDocumentSignature, "before-"+name, comment, func(b *Blueprint) {
		before := b.payload()
		apply(b)
		b.ToBeSigned = func(protected, _ []byte) []byte { return sigStructure(protected, before) }
	})
}

func signatureMutations() []Mutation {
	return []Mutation{
		signed(TopicSignedBytes, "of-definite-map", "what is signed is the payload as a map of definite length, what is sent one of indefinite: one content, other bytes", func(b *Blueprint) {
			definite := *b
			definite.Definite = true
			b.ToBeSigned = func(protected, _ []byte) []byte { return sigStructure(protected, definite.payload()) }
		}),
		signed(TopicSignedBytes, "of-shortest-numbers", "what is sent has an index in two bytes where what is signed has one: one content, other bytes", func(b *Blueprint) {
			before := b.payload()
			b.PCRs[5].Key = []byte{0x18, 0x05}
			b.ToBeSigned = func(protected, _ []byte) []byte { return sigStructure(protected, before) }
		}),

		signature(TopicDocumentSignature, attestation.BadSignature, "first-bit", "one bit of r is wrong", func(sig []byte) []byte { sig[0] ^= 1; return sig }),
		signature(TopicDocumentSignature, attestation.BadSignature, "last-bit", "one bit of s is wrong", func(sig []byte) []byte { sig[95] ^= 1; return sig }),
		signed(TopicDocumentSignature, "foreign-key", "a key that nothing certifies has signed", func(b *Blueprint) { b.Key = b.NewKey("foreign") }),
		signed(TopicDocumentSignature, "instance-key", "the key of the instance certificate has signed, one level too high", func(b *Blueprint) { b.Key = b.Chain[LevelInstance].Key }),
		signed(TopicDocumentSignature, "root-key", "the root's key has signed", func(b *Blueprint) { b.Key = b.Chain[LevelRoot].Key }),
		signed(TopicDocumentSignature, "sha256", "the leaf has signed over SHA-256", func(b *Blueprint) { b.Hash = crypto.SHA256 }),
		signed(TopicDocumentSignature, "sha512", "the leaf has signed over SHA-512", func(b *Blueprint) { b.Hash = crypto.SHA512 }),
		signed(TopicDocumentSignature, "of-other-document", "the leaf has signed another document, with another nonce", func(b *Blueprint) {
			other := *b
			other.Payload = append([]Entry{}, b.Payload...)
			other.Set("nonce", cborBytes(b.random("nonce", 32)))
			b.ToBeSigned = func(protected, _ []byte) []byte { return sigStructure(protected, other.payload()) }
		}),

		structure("of-payload-only", "the payload is signed without the structure around it",
			func(_, payload []byte) []byte { return payload }),
		structure("of-payload-string", "the payload is signed as the byte string that it is sent in",
			func(_, payload []byte) []byte { return cborBytes(payload) }),
		structure("context-signature", "the context is that of COSE_Sign, whose structure has an element more",
			func(protected, payload []byte) []byte {
				return sigStructureOf("Signature", protected, protected, nil, payload)
			}),
		structure("context-signature-short", "the context is that of COSE_Sign, the structure that of COSE_Sign1",
			func(protected, payload []byte) []byte { return sigStructureOf("Signature", protected, nil, payload) }),
		structure("context-mac0", "the context is that of COSE_Mac0",
			func(protected, payload []byte) []byte { return sigStructureOf("MAC0", protected, nil, payload) }),
		structure("external-data", "the signature covers external data too",
			func(protected, payload []byte) []byte {
				return sigStructureOf("Signature1", protected, []byte("external"), payload)
			}),
		structure("no-external-data", "the signature covers a structure without external data, not even empty",
			func(protected, payload []byte) []byte { return sigStructureOf("Signature1", protected, payload) }),
		structure("empty-protected", "the signature covers an empty protected header",
			func(_, payload []byte) []byte { return sigStructureOf("Signature1", nil, nil, payload) }),
		structure("tagged-payload", "the signature covers the payload with a tag before it",
			func(protected, payload []byte) []byte {
				return sigStructure(protected, join([]byte{0xd9, 0xd9, 0xf7}, payload))
			}),

		afterSigning("register-change", "register 5, which no policy lists, was changed after signing", func(b *Blueprint) {
			b.PCRs[5].Value = cborBytes(b.random("register", 48))
		}),
		afterSigning("register-removal", "register 15 was removed after signing", func(b *Blueprint) { b.PCRs = b.PCRs[:15] }),
		afterSigning("timestamp-change", "the timestamp was moved by a millisecond after signing", func(b *Blueprint) {
			b.Set("timestamp", cborWide(majorUint, uint64(b.time.UnixMilli())+1))
		}),
		afterSigning("unknown-field", "an unknown field was added after signing", func(b *Blueprint) { b.Set("unknown", []byte{cborNull}) }),
		afterSigning("reordering", "the last two fields were swapped after signing", func(b *Blueprint) {
			last := len(b.Payload) - 1
			b.Payload[last], b.Payload[last-1] = b.Payload[last-1], b.Payload[last]
		}),
		{
			Name: "signature-before-leaf-change", Topic: TopicDocumentSignature, Reason: attestation.BadSignature,
			Comment: "the leaf was exchanged after signing, for one of the same name from the same instance",
			Apply: func(b *Blueprint) {
				key := b.Certificate.Key
				b.Certificate.Key, b.Key = b.NewKey("leaf"), key
			},
		},
		{
			Name: "signature-before-user-data-null", Topic: TopicDocumentSignature, Reason: attestation.BadSignature,
			Comment: "user_data, of which nothing is expected, was emptied after signing",
			Arrange: func(c *Case) { c.UserData = bytes.Clone(c.UserData[:0]) },
			Apply: func(b *Blueprint) {
				before := b.payload()
				b.Set("user_data", []byte{cborNull})
				b.ToBeSigned = func(protected, _ []byte) []byte { return sigStructure(protected, before) }
			},
		},
	}
}
