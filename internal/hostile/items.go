package hostile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
)

// Heads of CBOR items (RFC 8949, section 3).
const (
	bytesOf8, textOf8, arrayOf8, mapOf8 = 0x5b, 0x7b, 0x9b, 0xbb // a length of 8 bytes follows
	arrayOf1, mapOf1, openArray         = 0x81, 0xa1, 0x9f
)

// room is what is left for a field when the rest of a document is honest.
const room = size - 6<<10

// claim is an item that says it has n bytes or items.
func claim(head byte, n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{head}, n) }

func text(content []byte) []byte { return append(claim(textOf8, uint64(len(content))), content...) }

// itemDocuments are about the encoding.
func itemDocuments(h *attestationtest.Hypervisor) []Document {
	const malformed, invalid, kind = attestation.MalformedEvidence, attestation.InvalidField, attestation.WrongDocumentKind
	raw := func(name, comment string, evidence []byte) Document {
		return Document{Name: name, Comment: comment, Evidence: evidence, Reason: malformed}
	}
	set := func(name, comment string, reason attestation.Reason, field string, value []byte) Document {
		return edited(h, name, comment, reason, func(b *attestationtest.Blueprint) { b.Set(field, value) })
	}
	all := []Document{
		raw("too-large", "a byte more than is looked at", make([]byte, size+1)),
		raw("nested-arrays", "nothing but beginnings of arrays", bytes.Repeat([]byte{arrayOf1}, size)),
		raw("nested-open-arrays", "the same without lengths", bytes.Repeat([]byte{openArray}, size)),
		raw("nested-maps", "nothing but beginnings of maps", bytes.Repeat([]byte{mapOf1, 0}, size/2)),
		raw("huge-array", "an array of 2^64-1 elements", claim(arrayOf8, 1<<64-1)),
		raw("huge-payload", "a payload of 2^63 bytes", append([]byte{0x84, 0x44, 0xa1, 1, 0x38, 0x22, 0xa0}, claim(bytesOf8, 1<<63)...)),
		raw("huge-header", "an unprotected header of 2^60 pairs", append([]byte{0x84, 0x44, 0xa1, 1, 0x38, 0x22}, claim(mapOf8, 1<<60)...)),
		edited(h, "nested-header", "an unprotected header that is deep", malformed, func(b *attestationtest.Blueprint) {
			b.Unprotected = append(bytes.Repeat([]byte{mapOf1, 0}, room/2), 0)
		}),
		edited(h, "nested-payload", "a payload that is deep", malformed, func(b *attestationtest.Blueprint) {
			b.EditPayload = func([]byte) []byte { return bytes.Repeat([]byte{mapOf1, 0}, room/2) }
		}),
		set("nested-field", "an unknown field that is deep", malformed, "unknown", bytes.Repeat([]byte{openArray}, room)),
		set("huge-cabundle", "a bundle that says it has 2^40 certificates", malformed, "cabundle", claim(arrayOf8, 1<<40)),
		set("huge-pcrs", "2^32 registers", malformed, "pcrs", claim(mapOf8, 1<<32)),
		set("huge-text", "a module ID of 2^31 bytes", malformed, "module_id", claim(textOf8, 1<<31)),
		set("huge-bytes", "a nonce of 2^62 bytes", malformed, "nonce", claim(bytesOf8, 1<<62)),
		edited(h, "many-keys", "thousands of unknown fields", malformed, func(b *attestationtest.Blueprint) {
			for i := range 3000 {
				b.Set(fmt.Sprintf("k%04d", i), []byte{0})
			}
		}),
		set("many-registers", "thousands of registers", malformed, "pcrs", manyPairs(4000)),
		set("many-elements", "a bundle of thousands of empty certificates", malformed, "cabundle", append(claim(arrayOf8, 10000), bytes.Repeat([]byte{0x40}, 10000)...)),
		set("many-certificates", "a bundle of as many empty certificates as items are read", invalid, "cabundle", append(claim(arrayOf8, 900), bytes.Repeat([]byte{0x40}, 900)...)),
		set("long-module-id", "a module ID of control characters, which an error message shows in four times their number", kind, "module_id", text(bytes.Repeat([]byte{1}, room))),
		set("long-digest", "a digest of control characters", invalid, "digest", text(bytes.Repeat([]byte{1}, room))),
		set("long-hex-module-id", "a module ID of the right form and 26 KB", attestation.InvalidChain, "module_id", text([]byte("i-"+strings.Repeat("a", room)+"-enc0123456789abcdef"))),
		set("long-nonce", "a nonce that fills the document", invalid, "nonce", append(claim(bytesOf8, room), make([]byte, room)...)),
		edited(h, "long-header", "a protected header that fills the document", attestation.UnsupportedAlgorithm, func(b *attestationtest.Blueprint) {
			b.Protected = make([]byte, room)
		}),
		edited(h, "long-signature", "a signature that fills the document", malformed, func(b *attestationtest.Blueprint) {
			b.EditSignature = func([]byte) []byte { return make([]byte, room) }
		}),
		edited(h, "full-maps", "as many pairs as are read, with keys that differ in their last byte: every two are compared", "", func(b *attestationtest.Blueprint) {
			for i := range 14 {
				b.Set(fmt.Sprintf("unknown %d", i), manyPairs(32))
			}
		}),
		edited(h, "long-unknown-keys", "unknown fields with long names, which the report lists", "", func(b *attestationtest.Blueprint) {
			for i := range 40 {
				b.Set(fmt.Sprintf("%d%s", i, bytes.Repeat([]byte{'k'}, room/42)), []byte{0})
			}
		}),
		edited(h, "key-in-other-case", "a long key that is no other in other case, after a known one that is", malformed, func(b *attestationtest.Blueprint) {
			b.Set(string(bytes.Repeat([]byte{'K'}, room)), []byte{0})
			b.Set("PCRS", []byte{0})
		}),
	}
	for i := range all {
		d := &all[i]
		switch {
		case d.Reason == "":
			d.Signatures, d.Base, d.Allocation = 5, 24<<10, 8
		case d.Reason == attestation.InvalidChain: // the message shows the module ID
			d.Base, d.Allocation = 8<<10, 8
		case d.Name == "too-large":
			d.Base = 4 << 10 // whatever the size
		case d.Reason == malformed && d.Name != "key-in-other-case", d.Reason == attestation.UnsupportedAlgorithm:
			d.Base, d.Allocation = 6<<10, 1 // a copy, and no more
		default:
			d.Base, d.Allocation = 6<<10, 3
		}
	}
	return all
}

// manyPairs is a map with long keys that differ at their end.
func manyPairs(n int) []byte {
	out := claim(mapOf8, uint64(n))
	for i := range n {
		out = append(append(out, 0x45, 'k', 'e', 'y'), byte(i>>8), byte(i))
		out = append(out, 0)
	}
	return out
}
