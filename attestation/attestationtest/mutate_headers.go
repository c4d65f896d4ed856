package attestationtest

import "github.com/nitroattest/nitroattest/attestation"

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
