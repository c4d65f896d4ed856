package attestationtest

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"math/big"
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

// header replaces the protected header; the signature covers the new one.
func header(name, comment string, contents ...byte) Mutation {
	return Mutation{
		Name: "protected-" + name, Topic: TopicProtectedHeader, Reason: attestation.UnsupportedAlgorithm, Comment: comment,
		Apply: func(b *Blueprint) { b.Protected = contents },
	}
}

func protectedMutations() []Mutation {
	return []Mutation{
		header("empty", "no protected header, which RFC 9052 writes as an empty string: the signature would verify all the same"),
		header("empty-map", "a map without an algorithm", 0xa0),
		header("null", "null in place of the map", cborNull),
		header("es256", "ES256 (-7) is claimed; the signature is by P-384 with SHA-384 as ever", 0xa1, 0x01, 0x26),
		header("es512", "ES512 (-36) is claimed", 0xa1, 0x01, 0x38, 0x23),
		header("eddsa", "EdDSA (-8) is claimed", 0xa1, 0x01, 0x27),
		header("esp384", "ESP384 (-51, RFC 9864) means what ES384 means here, and AWS never says it", 0xa1, 0x01, 0x38, 0x32),
		header("hmac384", "HMAC 384/384 (6) is claimed: the public key would be the secret", 0xa1, 0x01, 0x06),
		header("positive-35", "the algorithm is 35, not -35", 0xa1, 0x01, 0x18, 0x23),
		header("alg-null", "the algorithm is null", 0xa1, 0x01, cborNull),
		header("alg-text", "the algorithm by its name, which COSE allows for and AWS does not use",
			join([]byte{0xa1, 0x01}, cborText("ES384"))...),
		header("label-text", "the label is \"alg\", which is another label than 1",
			join([]byte{0xa1}, cborText("alg"), []byte{0x38, 0x22})...),
		header("duplicate-alg", "the algorithm twice, the same", 0xa2, 0x01, 0x38, 0x22, 0x01, 0x38, 0x22),
		header("two-algs", "ES256 and then ES384: a reader that keeps the last and one that keeps the first disagree",
			0xa2, 0x01, 0x26, 0x01, 0x38, 0x22),
		header("crit", "crit asks for an extension that nobody understands",
			join([]byte{0xa2, 0x01, 0x38, 0x22, 0x02, 0x81}, cborText("strict"))...),
		header("crit-alg", "crit lists the algorithm itself", 0xa2, 0x01, 0x38, 0x22, 0x02, 0x81, 0x01),
		header("kid", "a key identifier beside the algorithm", 0xa2, 0x01, 0x38, 0x22, 0x04, 0x41, 0x00),
		header("content-type", "a content type beside the algorithm", 0xa2, 0x01, 0x38, 0x22, 0x03, 0x18, 0x3c),
		header("long-label", "the label 1 in two bytes", 0xa1, 0x18, 0x01, 0x38, 0x22),
		header("long-alg", "the algorithm in three bytes", 0xa1, 0x01, 0x39, 0x00, 0x22),
		header("indefinite-map", "a map of indefinite length", 0xbf, 0x01, 0x38, 0x22, 0xff),
		header("array", "an array of label and algorithm", 0x82, 0x01, 0x38, 0x22),
		header("trailing-byte", "a zero byte after the map", 0xa1, 0x01, 0x38, 0x22, 0x00),
		elements(TopicCoseStructure, "protected-not-wrapped", "the header as a map, not as a byte string that holds one",
			func(e [][]byte) [][]byte { return [][]byte{protectedES384, e[1], e[2], e[3]} }),
		elements(TopicCoseStructure, "protected-element-null", "null in place of the byte string",
			func(e [][]byte) [][]byte { return [][]byte{{cborNull}, e[1], e[2], e[3]} }),
	}
}

// unprotected replaces the header that no signature covers.
func unprotected(name, comment string, encoded ...byte) Mutation {
	return Mutation{
		Name: "unprotected-" + name, Topic: TopicUnprotectedHeader, Reason: attestation.MalformedEvidence, Comment: comment,
		Apply: func(b *Blueprint) { b.Unprotected = encoded },
	}
}

func unprotectedMutations() []Mutation {
	return []Mutation{
		unprotected("alg", "the right algorithm, where anybody could have put it", 0xa1, 0x01, 0x38, 0x22),
		unprotected("kid", "a key identifier", 0xa1, 0x04, 0x41, 0x00),
		unprotected("text-label", "a label of nobody's", join([]byte{0xa1}, cborText("x"), []byte{0x00})...),
		{
			Name: "unprotected-x5chain", Topic: TopicUnprotectedHeader, Reason: attestation.MalformedEvidence,
			Comment: "x5chain (33) offers the leaf, as other users of COSE have it: chains come from the payload here",
			Apply: func(b *Blueprint) {
				b.Unprotected = join([]byte{0xa1, 0x18, 33}, cborBytes(b.Certificate.DER()))
			},
		},
		unprotected("null", "null in place of the empty map", cborNull),
		unprotected("array", "an empty array in place of the map", 0x80),
		unprotected("bytes", "an empty byte string, as an empty protected header would be", 0x40),
	}
}

// signature edits r || s after signing.
func signature(topic Topic, reason attestation.Reason, name, comment string, f func([]byte) []byte) Mutation {
	return Mutation{
		Name: "signature-" + name, Topic: topic, Reason: reason, Comment: comment,
		Apply: func(b *Blueprint) {
			b.EditSignature = func(sig []byte) []byte {
				if len(sig) != 2*coordinateSize {
					return sig // another edit has taken the key away
				}
				return f(sig)
			}
		},
	}
}

// scalars replaces r and s.
func scalars(name, comment string, f func(r, s *big.Int) (newR, newS *big.Int)) Mutation {
	return signature(TopicPayloadAndSignature, attestation.BadSignature, name, comment, func(sig []byte) []byte {
		return joinScalars(f(splitScalars(sig)))
	})
}

func splitScalars(sig []byte) (r, s *big.Int) {
	return new(big.Int).SetBytes(sig[:coordinateSize]), new(big.Int).SetBytes(sig[coordinateSize:])
}

func joinScalars(r, s *big.Int) []byte {
	return append(r.FillBytes(make([]byte, coordinateSize)), s.FillBytes(make([]byte, coordinateSize))...)
}

func curveOrder() *big.Int { return elliptic.P384().Params().N }

func partMutations() []Mutation {
	const malformed, bad = attestation.MalformedEvidence, attestation.BadSignature
	zero := new(big.Int)
	most := new(big.Int).SetBytes(bytes.Repeat([]byte{0xff}, coordinateSize))
	return []Mutation{
		elements(TopicPayloadAndSignature, "payload-detached", "null in place of the payload, which the signature covers all the same",
			func(e [][]byte) [][]byte { return [][]byte{e[0], e[1], {cborNull}, e[3]} }),
		{
			Name: "payload-empty", Topic: TopicPayloadAndSignature, Reason: malformed, Comment: "an empty payload, properly signed",
			Apply: func(b *Blueprint) { b.EditPayload = func([]byte) []byte { return nil } },
		},
		elements(TopicPayloadAndSignature, "payload-not-wrapped", "the payload as a map, not as a byte string that holds one",
			func(e [][]byte) [][]byte { return [][]byte{e[0], e[1], contentOf(e[2]), e[3]} }),
		elements(TopicPayloadAndSignature, "payload-text", "the payload as a text string",
			func(e [][]byte) [][]byte { return [][]byte{e[0], e[1], retype(e[2], majorText), e[3]} }),

		signature(TopicPayloadAndSignature, malformed, "empty", "an empty signature",
			func([]byte) []byte { return nil }),
		signature(TopicPayloadAndSignature, malformed, "95-bytes", "the last byte of s is missing",
			func(sig []byte) []byte { return sig[:95] }),
		signature(TopicPayloadAndSignature, malformed, "97-bytes", "a zero byte follows s",
			func(sig []byte) []byte { return append(sig, 0) }),
		signature(TopicPayloadAndSignature, malformed, "64-bytes", "the size of an ES256 signature",
			func(sig []byte) []byte { return sig[:64] }),
		signature(TopicPayloadAndSignature, malformed, "98-bytes-padded", "r and s each with a leading zero: the right numbers in the wrong form",
			func(sig []byte) []byte { return join([]byte{0}, sig[:48], []byte{0}, sig[48:]) }),
		signature(TopicPayloadAndSignature, malformed, "twice", "the signature follows itself",
			func(sig []byte) []byte { return append(sig, bytes.Clone(sig)...) }),
		signature(TopicPayloadAndSignature, malformed, "der", "the signature in DER, as X.509 has it and COSE has not", func(sig []byte) []byte {
			r, s := splitScalars(sig)
			return tlv(tagSequence, tlv(tagInteger, positive(r.Bytes())), tlv(tagInteger, positive(s.Bytes())))
		}),
		elements(TopicPayloadAndSignature, "signature-null", "null in place of the signature",
			func(e [][]byte) [][]byte { return [][]byte{e[0], e[1], e[2], {cborNull}} }),
		elements(TopicPayloadAndSignature, "signature-text", "the signature as a text string",
			func(e [][]byte) [][]byte { return [][]byte{e[0], e[1], e[2], retype(e[3], majorText)} }),

		scalars("r-zero", "r is zero", func(_, s *big.Int) (*big.Int, *big.Int) { return zero, s }),
		scalars("s-zero", "s is zero", func(r, _ *big.Int) (*big.Int, *big.Int) { return r, zero }),
		scalars("zero", "r and s are zero, which verified for every key in CVE-2022-21449",
			func(_, _ *big.Int) (*big.Int, *big.Int) { return zero, zero }),
		scalars("r-order", "r is the order of the curve, zero in disguise",
			func(_, s *big.Int) (*big.Int, *big.Int) { return curveOrder(), s }),
		scalars("s-order", "s is the order of the curve",
			func(r, _ *big.Int) (*big.Int, *big.Int) { return r, curveOrder() }),
		scalars("all-ones", "r and s are the largest numbers that fit",
			func(_, _ *big.Int) (*big.Int, *big.Int) { return most, most }),
		scalars("halves-swapped", "s before r", func(r, s *big.Int) (*big.Int, *big.Int) { return s, r }),
		signature(TopicPayloadAndSignature, bad, "little-endian", "r and s with their bytes reversed", func(sig []byte) []byte {
			return append(reversed(sig[:48]), reversed(sig[48:])...)
		}),
	}
}

func reversed(b []byte) []byte {
	out := bytes.Clone(b)
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

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
