package attestationtest

import (
	"bytes"
	"encoding/asn1"
	"slices"
)

// derMutations are about certificates that package crypto/x509 reads, and that
// are not in DER or hold more than it looks for.
func derMutations() []Mutation {
	outside := func(name, comment string, f func(tbs, algorithm, signature []byte) []byte) []Mutation {
		return at(belowRoot, certificate(TopicCertificateProfile, "der-"+name, comment, func(_ *Blueprint, c *Certificate) {
			c.EditDER = func(der []byte) []byte {
				parts := elementsOf(der)
				return f(parts[0], parts[1], parts[2])
			}
		}))
	}
	signed := func(name, comment string, f func(parts [][]byte) [][]byte) []Mutation {
		return at([]Level{LevelZonal, LevelLeaf}, certificate(TopicCertificateProfile, "der-"+name, "in what is signed, "+comment, func(_ *Blueprint, c *Certificate) {
			c.EditTBS = func(tbs []byte) []byte { return tlv(tagSequence, f(elementsOf(tbs))...) }
		}))
	}
	surplus := func(value []byte) []byte { return tlv(value[0], contents(value), tlv(tagNull)) }
	part := func(i int, f func(value []byte) []byte) func([][]byte) [][]byte {
		return func(parts [][]byte) [][]byte {
			parts[i] = f(parts[i])
			return parts
		}
	}
	times := func(i int, f func(text string) []byte) func([][]byte) [][]byte {
		return part(tbsValidity, func(value []byte) []byte {
			both := elementsOf(value)
			both[i] = f(string(contents(both[i])))
			return tlv(tagSequence, both...)
		})
	}
	firstSet := func(f func(attribute []byte) []byte) func([][]byte) [][]byte {
		return part(tbsSubject, func(value []byte) []byte {
			sets := elementsOf(value)
			sets[0] = tlv(tagSet, f(contents(sets[0])))
			return tlv(tagSequence, sets...)
		})
	}
	firstExtension := func(f func(fields [][]byte) [][]byte) func([][]byte) [][]byte {
		return part(tbsExtensions, func(value []byte) []byte {
			list := elementsOf(contents(value))
			list[0] = tlv(tagSequence, f(elementsOf(list[0]))...)
			return tlv(value[0], tlv(tagSequence, list...))
		})
	}
	return slices.Concat(
		outside("inner-bytes", "an element after the signature, within the outer sequence", func(tbs, algorithm, signature []byte) []byte {
			return tlv(tagSequence, tbs, algorithm, signature, tlv(tagNull))
		}),
		outside("unused-bits", "the signature is shifted by one bit, which its BIT STRING calls unused", func(tbs, algorithm, signature []byte) []byte {
			bits := contents(signature)
			for i := 1; i < len(bits)-1; i++ {
				bits[i] = bits[i]<<1 | bits[i+1]>>7
			}
			bits[0], bits[len(bits)-1] = 1, bits[len(bits)-1]<<1
			return tlv(tagSequence, tbs, algorithm, tlv(tagBitString, bits))
		}),
		outside("outer-parameters", "the algorithm beside the signature has parameters, NULL", func(tbs, algorithm, signature []byte) []byte {
			return tlv(tagSequence, tbs, surplus(algorithm), signature)
		}),
		signed("unique-identifier", "an issuer's unique identifier, which version 2 introduced and nobody uses", func(parts [][]byte) [][]byte {
			return slices.Insert(parts, tbsExtensions, tlv(tagContextValue|1, []byte{0, 1}))
		}),
		signed("surplus-at-end", "an element after the extensions", func(parts [][]byte) [][]byte { return append(parts, tlv(tagNull)) }),
		signed("surplus-in-version", "an element after the number of the version", part(tbsVersion, surplus)),
		signed("surplus-in-validity", "a third element in the validity", part(tbsValidity, surplus)),
		signed("surplus-in-attribute", "a third element in an attribute of the subject", firstSet(func(attribute []byte) []byte { return surplus(attribute) })),
		signed("two-attributes", "an attribute twice in a set of the subject", firstSet(func(attribute []byte) []byte { return bytes.Repeat(attribute, 2) })),
		signed("bmp-text", "an attribute of the subject in UTF-16", firstSet(func(attribute []byte) []byte {
			parts := elementsOf(attribute)
			return tlv(tagSequence, parts[0], tlv(tagBMPString, []byte("\x00U\x00S")))
		})),
		signed("time-without-seconds", "a notBefore without seconds", times(0, func(text string) []byte { return tlv(tagUTCTime, []byte(text[:10]+"Z")) })),
		signed("time-with-offset", "a notAfter with an offset from UTC", times(1, func(text string) []byte { return tlv(tagUTCTime, []byte(text[:12]+"+0100")) })),
		signed("generalized-time", "a notAfter in the form for years after 2049", times(1, func(text string) []byte { return tlv(tagGeneralizedTime, []byte("20"+text)) })),
		signed("generalized-not-before", "a notBefore in the form for years after 2049", times(0, func(text string) []byte { return tlv(tagGeneralizedTime, []byte("20"+text)) })),
		signed("false-written-out", "an extension that says it is not critical", firstExtension(func(fields [][]byte) [][]byte {
			return [][]byte{fields[0], tlv(tagBoolean, []byte{0}), fields[len(fields)-1]}
		})),
		signed("surplus-in-extension", "an element after the value of an extension", firstExtension(func(fields [][]byte) [][]byte {
			return append(fields, tlv(tagNull))
		})),
		signed("surplus-after-extensions", "an element after the list of extensions", part(tbsExtensions, surplus)),
		signed("surplus-in-key", "an element after the key", part(tbsKey, surplus)),
	)
}

// Places of the elements of a TBSCertificate of version 3 (RFC 5280, section
// 4.1).
const (
	tbsVersion    = 0
	tbsValidity   = 4
	tbsSubject    = 5
	tbsKey        = 6
	tbsExtensions = 7
)

// elementsOf returns what a constructed value consists of.
func elementsOf(value []byte) [][]byte {
	var out [][]byte
	for rest := contents(value); len(rest) > 0; {
		var raw asn1.RawValue
		after, err := asn1.Unmarshal(rest, &raw)
		if err != nil {
			return append(out, rest)
		}
		out, rest = append(out, raw.FullBytes), after
	}
	return out
}
