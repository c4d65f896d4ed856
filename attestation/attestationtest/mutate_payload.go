package attestationtest

import (
	"bytes"
	"slices"
	"strings"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/pcr"
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

var fieldNames = []string{"module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle", "public_key", "user_data", "nonce"}

func dashed(field string) string { return strings.ReplaceAll(field, "_", "-") }

// keyMutations are about keys that two readers could take for different
// things.
func keyMutations() []Mutation {
	var all []Mutation
	for _, field := range fieldNames {
		all = append(all,
			payload("duplicate-"+dashed(field), field+" twice, the same: some readers keep the first, some the last", func(b *Blueprint) {
				b.Payload = append(b.Payload, *b.field(field))
			}),
			payload("upper-case-"+dashed(field), field+" in upper case alone, which a reader that ignores case would take", func(b *Blueprint) {
				b.field(field).Key = cborText(strings.ToUpper(field))
			}))
	}
	return append(all,
		payload("duplicate-pcrs-other-first", "two pcrs, the right one last", func(b *Blueprint) {
			b.Payload = slices.Insert(b.Payload, 0, Entry{Key: cborText("pcrs"), Value: b.otherPCRs()})
		}),
		payload("duplicate-pcrs-other-last", "two pcrs, the right one first", func(b *Blueprint) {
			b.Payload = append(b.Payload, Entry{Key: cborText("pcrs"), Value: b.otherPCRs()})
		}),
		payload("two-cases-pcrs", "PCRS with other values beside pcrs", func(b *Blueprint) { b.Set("PCRS", b.otherPCRs()) }),
		payload("two-cases-nonce", "Nonce with another value beside nonce", func(b *Blueprint) {
			b.Set("Nonce", cborBytes(b.random("nonce", 32)))
		}),
		payload("duplicate-unknown", "an unknown key twice", func(b *Blueprint) {
			b.Set("unknown", []byte{cborNull})
			b.Payload = append(b.Payload, Entry{Key: cborText("unknown"), Value: []byte{cborNull}})
		}),
		unknown("duplicate-nested", "a map that repeats a key", 0xa2, 0x00, 0x00, 0x00, 0x01),
		payload("duplicate-register", "PCR0 twice, the same", func(b *Blueprint) {
			b.PCRs = append(b.PCRs, *b.register(pcr.RegisterImage))
		}),
		payload("duplicate-register-other-first", "PCR0 twice, the right one last", func(b *Blueprint) {
			b.PCRs = slices.Insert(b.PCRs, 0, Entry{Key: cborInt(pcr.RegisterImage), Value: cborBytes(b.random("register", pcr.Size))})
		}),
		payload("duplicate-register-long", "PCR0 a second time, with its index in two bytes: 18 00 is 0 too", func(b *Blueprint) {
			b.PCRs = append(b.PCRs, Entry{Key: []byte{0x18, 0x00}, Value: b.register(pcr.RegisterImage).Value})
		}),
		payload("key-bytes", "an unknown key that is a byte string, of the letters of \"nonce\"", func(b *Blueprint) {
			b.Payload = append(b.Payload, Entry{Key: cborBytes([]byte("nonce")), Value: []byte{cborNull}})
		}),
		payload("key-number", "an unknown key that is a number", func(b *Blueprint) {
			b.Payload = append(b.Payload, Entry{Key: []byte{0x01}, Value: []byte{cborNull}})
		}),
		payload("key-null", "an unknown key that is null", func(b *Blueprint) {
			b.Payload = append(b.Payload, Entry{Key: []byte{cborNull}, Value: []byte{cborNull}})
		}),
		payload("key-array", "an unknown key that is an array", func(b *Blueprint) {
			b.Payload = append(b.Payload, Entry{Key: []byte{0x80}, Value: []byte{cborNull}})
		}),
	)
}

// otherPCRs encodes the registers with other values.
func (b *Blueprint) otherPCRs() []byte {
	var items [][]byte
	for _, e := range b.PCRs {
		items = append(items, e.Key, cborBytes(b.random("register "+string(e.Key), pcr.Size)))
	}
	return cborMap(true, items)
}

// lookalikeKey moves a field to an unknown key and leaves null behind.
func lookalikeKey(name, field, key, comment string, reason attestation.Reason) Mutation {
	return Mutation{
		Name: "unknown-" + name, Topic: TopicUnknownFields, Reason: reason, Comment: comment,
		Apply: func(b *Blueprint) {
			b.Set(key, b.field(field).Value)
			b.Set(field, []byte{cborNull})
		},
	}
}

// unknownKeyMutations are about unknown keys that must not be taken for known
// ones.
func unknownKeyMutations() []Mutation {
	return []Mutation{
		lookalikeKey("nonce-space", "nonce", "nonce ", "the nonce stands under a key with a space at its end", attestation.NonceMismatch),
		lookalikeKey("nonce-nul", "nonce", "nonce\x00", "the nonce stands under a key with a zero byte at its end", attestation.NonceMismatch),
		lookalikeKey("user-data-hyphen", "user_data", "user-data", "user_data stands under a key with a hyphen", attestation.UserDataMismatch),
		lookalikeKey("public-key-cyrillic", "public_key", "рublic_key", "public_key stands under a key whose first letter is Cyrillic", attestation.PublicKeyMismatch),
		{
			Name: "unknown-pcr", Topic: TopicUnknownFields, Reason: attestation.MeasurementMismatch,
			Comment: "pcrs lacks PCR0 and an unknown field \"0\" has its value",
			Apply: func(b *Blueprint) {
				b.Set("0", b.register(pcr.RegisterImage).Value)
				b.RemovePCR(pcr.RegisterImage)
			},
		},
	}
}

// lengthMutations announce more than there is, or nest deeper than anybody
// needs.
func lengthMutations() []Mutation {
	return []Mutation{
		reencoded("map-claims-2-to-the-64", "pcrs", "pcrs announces 2^64-1 registers",
			func(item []byte) []byte { return append(cborWide(majorMap, 1<<64-1), contentOf(item)...) }),
		reencoded("map-claims-2-to-the-63", "pcrs", "pcrs announces 2^63 registers: twice that, for keys and values, is zero in 64 bits",
			func(item []byte) []byte { return append(cborWide(majorMap, 1<<63), contentOf(item)...) }),
		reencoded("array-claims-2-to-the-32", "cabundle", "cabundle announces 2^32 certificates",
			func(item []byte) []byte { return append(cborHead(majorArray, 1<<32), contentOf(item)...) }),
		reencoded("array-claims-2-to-the-64", "cabundle", "cabundle announces 2^64-1 certificates",
			func(item []byte) []byte { return append(cborWide(majorArray, 1<<64-1), contentOf(item)...) }),
		reencoded("bytes-claim-2-to-the-64", "nonce", "the nonce announces 2^64-1 bytes",
			func(item []byte) []byte { return append(cborWide(majorBytes, 1<<64-1), contentOf(item)...) }),
		reencoded("bytes-claim-2-to-the-63", "nonce", "the nonce announces 2^63 bytes, a negative number in 64 bits",
			func(item []byte) []byte { return append(cborWide(majorBytes, 1<<63), contentOf(item)...) }),
		reencoded("bytes-claim-a-gigabyte", "nonce", "the nonce announces 2^30 bytes",
			func(item []byte) []byte { return append(cborHead(majorBytes, 1<<30), contentOf(item)...) }),
		reencoded("text-claims-2-to-the-32", "module_id", "module_id announces 2^32 bytes",
			func(item []byte) []byte { return append(cborHead(majorText, 1<<32), contentOf(item)...) }),
		payload("definite-map-one-short", "the payload announces one field less than it has", func(b *Blueprint) {
			b.Definite = true
			b.EditPayload = func(p []byte) []byte { p[0]--; return p }
		}),
		payload("definite-map-one-more", "the payload announces one field more than it has", func(b *Blueprint) {
			b.Definite = true
			b.EditPayload = func(p []byte) []byte { p[0]++; return p }
		}),
		payload("map-without-break", "the payload, of indefinite length, does not end", func(b *Blueprint) {
			b.EditPayload = func(p []byte) []byte { return p[:len(p)-1] }
		}),
		payload("map-with-half-a-pair", "the payload's last key has no value", func(b *Blueprint) {
			b.EditPayload = func(p []byte) []byte { return join(p[:len(p)-1], cborText("key"), p[len(p)-1:]) }
		}),
		unknown("deep-arrays", "arrays 10000 deep", append(bytes.Repeat([]byte{0x81}, 10000), cborNull)...),
		unknown("deep-maps", "maps 5000 deep", append(bytes.Repeat([]byte{0xa1, 0x00}, 5000), cborNull)...),
		unknown("deep-indefinite", "arrays of indefinite length 5000 deep", append(bytes.Repeat([]byte{0x9f}, 5000), bytes.Repeat([]byte{cborBreak}, 5000)...)...),
		unknown("deep-tags", "10000 tags on one value", append(bytes.Repeat([]byte{0xc6}, 10000), cborNull)...),
		unknown("wide-array", "an array of 20000 nulls, which fits the size limit", append(cborHead(majorArray, 20000), bytes.Repeat([]byte{cborNull}, 20000)...)...),
		unknown("wide-map", "a map of 5000 pairs, whose keys cost a comparison each", wideMap(5000)...),
	}
}

func wideMap(n int) []byte {
	out := cborHead(majorMap, uint64(n))
	for i := range n {
		out = append(append(out, cborInt(int64(i))...), cborNull)
	}
	return out
}
