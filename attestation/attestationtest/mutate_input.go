package attestationtest

import (
	"bytes"
	"slices"

	"github.com/nitroattest/nitroattest/attestation"
)

// document edits the finished document, outside of what is signed.
func document(topic Topic, name, comment string, f func([]byte) []byte) Mutation {
	return Mutation{
		Name: name, Topic: topic, Reason: attestation.MalformedEvidence, Comment: comment,
		Apply: func(b *Blueprint) { b.EditDocument = f },
	}
}

// tagged puts tags in front of the document.
func tagged(name, comment string, tags ...uint64) Mutation {
	return document(TopicCoseStructure, name, comment, func(d []byte) []byte {
		for _, tag := range slices.Backward(tags) {
			d = append(cborHead(majorTag, tag), d...)
		}
		return d
	})
}

// elements edits the four encoded elements of the array.
func elements(topic Topic, name, comment string, f func([][]byte) [][]byte) Mutation {
	return Mutation{
		Name: name, Topic: topic, Reason: attestation.MalformedEvidence, Comment: comment,
		Apply: func(b *Blueprint) { b.EditElements = f },
	}
}

func inputMutations() []Mutation {
	return []Mutation{
		{
			Name: "input-too-large", Topic: TopicSize, Reason: attestation.MalformedEvidence,
			Comment: "an unknown field of 40000 bytes, signed, takes the document beyond the default limit of 32 KiB",
			Apply:   func(b *Blueprint) { b.Set("padding", cborBytes(make([]byte, 40000))) },
		},
		document(TopicCoseStructure, "input-empty", "no bytes at all",
			func([]byte) []byte { return nil }),
		document(TopicCoseStructure, "input-first-byte-only", "the head of the array and nothing after it",
			func(d []byte) []byte { return d[:1] }),
		document(TopicCoseStructure, "input-cut-in-half", "the document ends in the middle of its payload",
			func(d []byte) []byte { return d[:len(d)/2] }),
		document(TopicCoseStructure, "input-last-byte-missing", "the document ends one byte early, in its signature",
			func(d []byte) []byte { return d[:len(d)-1] }),
		document(TopicCoseStructure, "input-trailing-byte", "one zero byte follows the document",
			func(d []byte) []byte { return append(d, 0) }),
		document(TopicCoseStructure, "input-trailing-break", "a CBOR break follows the document",
			func(d []byte) []byte { return append(d, cborBreak) }),
		document(TopicCoseStructure, "input-twice", "the document follows itself",
			func(d []byte) []byte { return append(d, bytes.Clone(d)...) }),
		document(TopicCoseStructure, "input-wrapped-in-bytes", "the document is the content of a CBOR byte string",
			cborBytes),
		document(TopicCoseStructure, "input-wrapped-in-array", "the document is the one element of a CBOR array",
			func(d []byte) []byte { return cborArray(d) }),
		document(TopicCoseStructure, "input-map-of-two", "the four elements are keys and values of a map",
			func(d []byte) []byte { return append(cborHead(majorMap, 2), d[1:]...) }),

		tagged("tag-cose-sign", "tag 98 is COSE_Sign, which has other contents", 98),
		tagged("tag-cose-mac0", "tag 17 is COSE_Mac0: no signature is meant", 17),
		tagged("tag-cose-encrypt0", "tag 16 is COSE_Encrypt0", 16),
		tagged("tag-cwt", "tag 61 is a CBOR Web Token around a COSE_Sign1", 61, 18),
		tagged("tag-self-described", "tag 55799 says that the file is CBOR, which it is", 55799),
		tagged("tag-18-twice", "tag 18 is right, once", 18, 18),

		elements(TopicCoseStructure, "array-of-three", "the signature is missing",
			func(e [][]byte) [][]byte { return e[:3] }),
		elements(TopicCoseStructure, "array-of-five", "null follows the signature",
			func(e [][]byte) [][]byte { return append(e, []byte{cborNull}) }),
		elements(TopicCoseStructure, "array-of-none", "an array without elements",
			func([][]byte) [][]byte { return nil }),
		document(TopicCoseStructure, "array-claims-five", "the array announces a fifth element that does not come",
			func(d []byte) []byte { return append(cborHead(majorArray, 5), d[1:]...) }),
		document(TopicCoseStructure, "array-claims-2-to-the-32", "the array announces 2^32 elements: nobody may allocate by that",
			func(d []byte) []byte { return append(cborHead(majorArray, 1<<32), d[1:]...) }),
	}
}
