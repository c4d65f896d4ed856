package attestationtest

import (
	"bytes"
	"crypto/elliptic"
	"math/big"

	"github.com/nitroattest/nitroattest/attestation"
)

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
