package attestationtest

import "bytes"

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
