package attestationtest

import (
	"bytes"

	"github.com/nitroattest/nitroattest/attestation"
)

// payload changes the payload; the reason is that it is not the CBOR that AWS
// emits.
func payload(name, comment string, apply func(*Blueprint)) Mutation {
	return Mutation{Name: "cbor-" + name, Topic: TopicStrictCbor, Reason: attestation.MalformedEvidence, Comment: comment, Apply: apply}
}

// reencoded edits the encoding of one field and leaves its meaning alone.
func reencoded(name, field, comment string, f func([]byte) []byte) Mutation {
	return payload(name, comment, func(b *Blueprint) { b.editField(field, f) })
}

// unknown adds a field that nobody knows, which by itself is accepted, with a
// value that is not.
func unknown(name, comment string, value ...byte) Mutation {
	return payload(name, comment+", in an unknown field", func(b *Blueprint) { b.Set("unknown", value) })
}

func prefixed(head ...byte) func([]byte) []byte {
	return func(item []byte) []byte { return join(head, item) }
}

// registerEdit edits the encoding of a register that no policy lists.
func registerEdit(f func([]byte) []byte) func(*Blueprint) {
	return func(b *Blueprint) { b.PCRs[len(b.PCRs)-1].Edit = f }
}

func itemMutations() []Mutation {
	return []Mutation{
		reencoded("tag-timestamp", "timestamp", "tag 1 says that the timestamp is a time, in seconds", prefixed(0xc1)),
		reencoded("tag-nonce", "nonce", "tag 24 says that the nonce is encoded CBOR", prefixed(0xd8, 24)),
		reencoded("tag-pcrs", "pcrs", "tag 259 says that pcrs is a map", prefixed(0xd9, 0x01, 0x03)),
		reencoded("tag-cabundle", "cabundle", "tag 32768, of nobody's, on the bundle", prefixed(0xd9, 0x80, 0x00)),
		reencoded("tag-certificate", "certificate", "tag 55799 on the leaf", prefixed(0xd9, 0xd9, 0xf7)),
		payload("tag-register", "tag 64 says that a register is an array of bytes", registerEdit(prefixed(0xd8, 64))),
		unknown("tag-unknown", "tag 0 on a text", 0xc0, 0x61, 'x'),
		payload("tag-payload", "tag 55799 on the whole payload", func(b *Blueprint) {
			b.EditPayload = prefixed(0xd9, 0xd9, 0xf7)
		}),

		reencoded("bignum-timestamp", "timestamp", "the timestamp as a bignum: tag 2 and its bytes",
			func(item []byte) []byte { return append([]byte{0xc2}, cborBytes(item[1:])...) }),
		payload("float-timestamp", "the timestamp as a float of 64 bits, which holds it exactly", func(b *Blueprint) {
			b.Set("timestamp", float64Of(b.time))
		}),
		unknown("float-half", "a float of 16 bits", 0xf9, 0x3c, 0x00),
		unknown("undefined", "the value undefined", cborUndefined),
		{
			Name: "cbor-undefined-for-null", Topic: TopicStrictCbor, Reason: attestation.MalformedEvidence,
			Comment: "public_key is undefined and not null, where nothing is expected of it",
			Arrange: func(c *Case) { c.PublicKey = nil },
			Apply:   func(b *Blueprint) { b.Set("public_key", []byte{cborUndefined}) },
		},
		unknown("simple-value", "the simple value 16, unassigned", 0xf0),
		unknown("simple-value-invalid", "null in two bytes, which RFC 8949 rules out", 0xf8, cborNull&0x1f),
		unknown("reserved-length", "a length of the reserved form 28", 0x1c),
		unknown("break", "a break where a value should be", cborBreak),

		reencoded("chunked-module-id", "module_id", "module_id in two chunks, of one meaning with the whole", chunked),
		reencoded("chunked-digest", "digest", "the digest's name in two chunks", chunked),
		reencoded("chunked-nonce", "nonce", "the nonce in two chunks", chunked),
		reencoded("chunked-user-data", "user_data", "user_data in two chunks", chunked),
		reencoded("chunked-certificate", "certificate", "the leaf in two chunks", chunked),
		payload("chunked-register", "a register in two chunks", registerEdit(chunked)),
		payload("chunked-key", "the key \"nonce\" in two chunks", func(b *Blueprint) {
			b.field("nonce").Key = chunked(cborText("nonce"))
		}),
		elements(TopicStrictCbor, "cbor-chunked-protected", "the protected header in two chunks",
			func(e [][]byte) [][]byte { return [][]byte{chunked(e[0]), e[1], e[2], e[3]} }),
		elements(TopicStrictCbor, "cbor-chunked-payload", "the payload in two chunks, as a stream would have it",
			func(e [][]byte) [][]byte { return [][]byte{e[0], e[1], chunked(e[2]), e[3]} }),
		elements(TopicStrictCbor, "cbor-chunked-signature", "r and s as two chunks",
			func(e [][]byte) [][]byte { return [][]byte{e[0], e[1], e[2], chunked(e[3])} }),

		unknown("invalid-utf8", "a text that is not UTF-8", 0x61, 0xff),
		unknown("overlong-utf8", "a slash in two bytes of UTF-8, as path traversals had it", 0x62, 0xc0, 0xaf),
		unknown("surrogate-utf8", "half of a surrogate pair in UTF-8", 0x63, 0xed, 0xa0, 0x80),
		payload("invalid-utf8-key", "an unknown key that is not UTF-8", func(b *Blueprint) {
			b.Payload = append(b.Payload, Entry{Key: []byte{0x61, 0xff}, Value: []byte{cborNull}})
		}),

		payload("payload-array", "the payload is an array of keys and values", func(b *Blueprint) {
			b.Definite = true
			b.EditPayload = func(p []byte) []byte {
				return append(cborHead(majorArray, uint64(2*len(b.Payload))), p[1:]...)
			}
		}),
		payload("payload-null", "the payload is null, encoded", func(b *Blueprint) {
			b.EditPayload = func([]byte) []byte { return []byte{cborNull} }
		}),
		payload("payload-wrapped", "the payload is a byte string that holds the map", func(b *Blueprint) {
			b.EditPayload = cborBytes
		}),
		payload("payload-trailing-byte", "a zero byte follows the map, signed", func(b *Blueprint) {
			b.EditPayload = func(p []byte) []byte { return append(p, 0) }
		}),
		payload("payload-twice", "the map follows itself, signed", func(b *Blueprint) {
			b.EditPayload = func(p []byte) []byte { return append(p, bytes.Clone(p)...) }
		}),
	}
}
