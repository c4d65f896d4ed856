package attestationtest

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"slices"

	"github.com/nitroattest/nitroattest/attestation"
)

// certificate changes one certificate of the chain.
func certificate(topic Topic, name, comment string, edit func(*Blueprint, *Certificate)) func(Level) Mutation {
	return func(level Level) Mutation {
		return Mutation{
			Name: "chain-" + name, Topic: topic, Reason: attestation.InvalidChain,
			Comment: "the " + level.String() + " certificate: " + comment,
			Apply:   func(b *Blueprint) { edit(b, b.Chain[level]) },
		}
	}
}

var (
	algorithmRSA     = tlv(tagSequence, derOID(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}), tlv(tagNull))
	algorithmEd25519 = tlv(tagSequence, derOID(asn1.ObjectIdentifier{1, 3, 101, 112}))
	oidECPublicKey   = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidPrimeField    = asn1.ObjectIdentifier{1, 2, 840, 10045, 1, 1}
	oidP384          = asn1.ObjectIdentifier{1, 3, 132, 0, 34}
)

func algorithmMutations() []Mutation {
	return slices.Concat(
		at(belowRoot, certificate(TopicCertificateProfile, "sha256", "ecdsa-with-SHA256, properly signed", func(_ *Blueprint, c *Certificate) {
			c.Hash = crypto.SHA256
		})),
		at(belowRoot, certificate(TopicCertificateProfile, "sha512", "ecdsa-with-SHA512, properly signed", func(_ *Blueprint, c *Certificate) {
			c.Hash = crypto.SHA512
		})),
		at(belowRoot, certificate(TopicCertificateProfile, "outer-sha256", "the algorithm beside the signature says SHA-256, the signed one SHA-384", func(_ *Blueprint, c *Certificate) {
			c.OuterAlgorithm = ecdsaWith(crypto.SHA256)
		})),
		at(belowRoot, certificate(TopicCertificateProfile, "inner-sha256", "the signed algorithm says SHA-256, the one beside the signature SHA-384", func(_ *Blueprint, c *Certificate) {
			c.Algorithm = ecdsaWith(crypto.SHA256)
		})),
		at(belowRoot, certificate(TopicCertificateProfile, "null-parameters", "both algorithms have parameters, NULL, which RFC 5758 rules out", func(_ *Blueprint, c *Certificate) {
			c.Algorithm = tlv(tagSequence, contents(ecdsaWith(crypto.SHA384)), tlv(tagNull))
			c.OuterAlgorithm = c.Algorithm
		})),
		at(belowRoot, certificate(TopicCertificateProfile, "p256-key", "a key on P-256, which signs what is below it", func(b *Blueprint, c *Certificate) {
			c.Key = b.secret.key("blueprint: p256", elliptic.P256())
		})),
		at(authorities, certificate(TopicCertificateProfile, "p521-key", "a key on P-521, which signs what is below it", func(b *Blueprint, c *Certificate) {
			c.Key = b.secret.key("blueprint: p521", elliptic.P521())
		})),
		// A signature by P-521 is longer than 96 bytes, which is the envelope's to notice.
		at([]Level{LevelLeaf}, certificate(TopicCertificateProfile, "p521-key", "a key on P-521; the signature of the document has the right size and is by a P-384 key", func(b *Blueprint, c *Certificate) {
			c.Key, b.Key = b.secret.key("blueprint: p521", elliptic.P521()), c.Key
		})),
		leafKeys(),
	)
}

// leafKeys give the leaf public keys that have no private key to sign with.
func leafKeys() []Mutation {
	leaf := func(name, comment string, key func(b *Blueprint, point []byte) []byte) []Mutation {
		return at([]Level{LevelLeaf}, certificate(TopicCertificateProfile, name, comment, func(b *Blueprint, c *Certificate) {
			point, _ := c.Key.PublicKey.Bytes()
			c.PublicKey = key(b, point)
		}))
	}
	p384 := tlv(tagSequence, derOID(oidECPublicKey), derOID(oidP384))
	return slices.Concat(
		leaf("rsa-key", "an RSA key of 2048 bits", func(b *Blueprint, _ []byte) []byte {
			modulus := b.random("modulus", 256)
			modulus[0], modulus[255] = modulus[0]|0x80, modulus[255]|1
			key := tlv(tagSequence, tlv(tagInteger, positive(modulus)), tlv(tagInteger, []byte{1, 0, 1}))
			return tlv(tagSequence, algorithmRSA, derBitString(key))
		}),
		leaf("ed25519-key", "an Ed25519 key", func(b *Blueprint, _ []byte) []byte {
			return tlv(tagSequence, algorithmEd25519, derBitString(b.random("ed25519", 32)))
		}),
		leaf("compressed-point", "the right key as a compressed point", func(_ *Blueprint, point []byte) []byte {
			compressed := append([]byte{2 | point[len(point)-1]&1}, point[1:1+coordinateSize]...)
			return tlv(tagSequence, p384, derBitString(compressed))
		}),
		leaf("point-off-curve", "a point that is not on the curve", func(_ *Blueprint, point []byte) []byte {
			off := bytes.Clone(point)
			off[len(off)-1] ^= 1
			return tlv(tagSequence, p384, derBitString(off))
		}),
		leaf("point-at-infinity", "the point at infinity", func(*Blueprint, []byte) []byte {
			return tlv(tagSequence, p384, derBitString([]byte{0}))
		}),
		leaf("explicit-curve", "the right key with the curve's parameters written out, as in CVE-2020-0601", func(_ *Blueprint, point []byte) []byte {
			return tlv(tagSequence, tlv(tagSequence, derOID(oidECPublicKey), explicitP384()), derBitString(point))
		}),
		leaf("no-curve", "the right point without the name of its curve", func(_ *Blueprint, point []byte) []byte {
			return tlv(tagSequence, tlv(tagSequence, derOID(oidECPublicKey)), derBitString(point))
		}),
	)
}

// explicitP384 writes out the parameters of the curve (ECParameters of RFC
// 3279, section 2.3.5).
func explicitP384() []byte {
	p := elliptic.P384().Params()
	fixed := func(b []byte) []byte { return tlv(tagOctetString, append(make([]byte, coordinateSize-len(b)), b...)) }
	a := bytes.Clone(p.P.Bytes())
	a[len(a)-1] -= 3
	base := join([]byte{4}, p.Gx.FillBytes(make([]byte, coordinateSize)), p.Gy.FillBytes(make([]byte, coordinateSize)))
	return tlv(tagSequence,
		tlv(tagInteger, []byte{1}),
		tlv(tagSequence, derOID(oidPrimeField), tlv(tagInteger, positive(p.P.Bytes()))),
		tlv(tagSequence, fixed(a), fixed(p.B.Bytes())),
		tlv(tagOctetString, base),
		tlv(tagInteger, positive(p.N.Bytes())),
		tlv(tagInteger, []byte{1}))
}

// encodingMutations are about certificates that a lenient reader would take.
func encodingMutations() []Mutation {
	edited := func(name, comment string, f func(der []byte) []byte) []Mutation {
		return at(belowRoot, certificate(TopicCertificateProfile, name, comment, func(_ *Blueprint, c *Certificate) { c.EditDER = f }))
	}
	return slices.Concat(
		edited("trailing-byte", "a zero byte follows it", func(der []byte) []byte { return append(der, 0) }),
		edited("cut", "its last byte is missing", func(der []byte) []byte { return der[:len(der)-1] }),
		edited("long-length", "its length takes a byte more than it needs: BER, not DER", func(der []byte) []byte {
			return join([]byte{der[0], 0x83, 0x00}, der[2:4], der[4:])
		}),
		edited("indefinite-length", "it is of indefinite length: BER, not DER", func(der []byte) []byte {
			return join([]byte{der[0], 0x80}, contents(der), []byte{0, 0})
		}),
		edited("other-bytes", "it is text", func([]byte) []byte { return []byte("certificate") }),
		edited("empty-sequence", "it is an empty sequence", func([]byte) []byte { return tlv(tagSequence) }),
		at(belowRoot, certificate(TopicCertificateProfile, "other-true", "what is signed has a true that is not all ones: BER, not DER", func(_ *Blueprint, c *Certificate) {
			c.EditTBS = func(tbs []byte) []byte {
				return bytes.Replace(tbs, []byte{tagBoolean, 1, 0xff}, []byte{tagBoolean, 1, 0x01}, 1)
			}
		})),
		at([]Level{LevelLeaf}, certificate(TopicCertificateProfile, "pem", "it is PEM, without line breaks at the end", func(_ *Blueprint, c *Certificate) {
			c.EditDER = func(der []byte) []byte {
				text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
				return text[:len(text)-1]
			}
		})),
		at(belowRoot, certificate(TopicCertificateProfile, "version-1", "version 1, whose readers know no extensions; they are there", func(_ *Blueprint, c *Certificate) {
			c.Version = 1
		})),
		at(belowRoot, certificate(TopicCertificateProfile, "version-2", "version 2", func(_ *Blueprint, c *Certificate) { c.Version = 2 })),
		at(belowRoot, certificate(TopicCertificateProfile, "version-4", "version 4, which is yet to be defined", func(_ *Blueprint, c *Certificate) { c.Version = 4 })),
		at(belowRoot, certificate(TopicCertificateProfile, "negative-serial", "a negative serial number", func(_ *Blueprint, c *Certificate) {
			c.Serial = []byte{0xff, 0x7f}
		})),
	)
}

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

// setExtension replaces the extension of the same ID.
func (c *Certificate) setExtension(e pkix.Extension) {
	for i := range c.Extensions {
		if c.Extensions[i].Id.Equal(e.Id) {
			c.Extensions[i] = e
		}
	}
}

func (c *Certificate) removeExtension(id asn1.ObjectIdentifier) {
	c.Extensions = slices.DeleteFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(id) })
}

// constraintMutations are about who may issue certificates.
func constraintMutations() []Mutation {
	pathLength := func(length int, comment string) func(Level) Mutation {
		return certificate(TopicConstraints, "path-length", comment, func(_ *Blueprint, c *Certificate) {
			c.setExtension(basicConstraints(length))
		})
	}
	return slices.Concat(
		at(authorities, certificate(TopicConstraints, "no-basic-constraints", "no basic constraints, so it is no authority", func(_ *Blueprint, c *Certificate) {
			c.removeExtension(oidBasicConstraints)
		})),
		at(authorities, certificate(TopicConstraints, "not-ca", "basic constraints say that it is no authority", func(_ *Blueprint, c *Certificate) {
			c.setExtension(basicConstraints(notCA))
		})),
		at([]Level{LevelRegional}, pathLength(1, "it allows one authority below it, and there are two")),
		at([]Level{LevelZonal}, pathLength(0, "it allows no authority below it, and there is one")),
		at([]Level{LevelLeaf}, certificate(TopicConstraints, "ca", "basic constraints say that it is an authority", func(_ *Blueprint, c *Certificate) {
			c.setExtension(basicConstraints(noPathLen))
		})),
		[]Mutation{
			{
				Name: "chain-leaf-issues-leaf", Topic: TopicConstraints, Reason: attestation.InvalidChain,
				Comment: "the enclave's leaf has issued another one, for the same module, which signs the document",
				Apply: func(b *Blueprint) {
					second := b.Certificate.clone()
					second.Parent, second.Key = b.Certificate, b.NewKey("second")
					b.Bundle = append(slices.Clone(b.Bundle), b.Certificate)
					b.Certificate = second
				},
			},
			{
				Name: "chain-instance-issues-instance", Topic: TopicConstraints, Reason: attestation.InvalidChain,
				Comment: "the instance certificate, whose path length is 0, has issued another, which issued the leaf",
				Apply: func(b *Blueprint) {
					second := b.sibling(LevelInstance)
					second.Parent = b.Chain[LevelInstance]
					b.Certificate.Parent = second
					b.Bundle = append(slices.Clone(b.Bundle), second)
				},
			},
			{
				Name: "chain-zonal-issues-zonal", Topic: TopicConstraints, Reason: attestation.InvalidChain,
				Comment: "the zonal certificate, whose path length is 1, has issued another, above the instance",
				Apply: func(b *Blueprint) {
					second := b.sibling(LevelZonal)
					second.Parent = b.Chain[LevelZonal]
					b.Chain[LevelInstance].Parent = second
					b.Bundle = slices.Insert(slices.Clone(b.Bundle), int(LevelInstance), second)
				},
			},
			{
				Name: "chain-instance-signs-document", Topic: TopicConstraints, Reason: attestation.InvalidChain,
				Comment: "an authority signs the document: the instance certificate is renamed after the module and takes the leaf's place",
				Apply: func(b *Blueprint) {
					b.Chain[LevelInstance].Subject = b.Certificate.Subject
					b.Certificate = b.Chain[LevelInstance]
					b.Bundle = b.Bundle[:LevelInstance]
				},
			},
		},
	)
}

var (
	usageNone           = []byte{0}
	usageCRLOnly        = []byte{1, 0x02} // cRLSign
	usageNonRepudiation = []byte{6, 0x40}
)

// usageMutations are about what a key may be used for, and about extensions
// that a verifier does not know.
func usageMutations() []Mutation {
	usage := func(bits []byte) func(*Blueprint, *Certificate) {
		return func(_ *Blueprint, c *Certificate) { c.setExtension(keyUsage(true, bits)) }
	}
	extra := func(e pkix.Extension) func(*Blueprint, *Certificate) {
		return func(_ *Blueprint, c *Certificate) { c.Extensions = append(c.Extensions, e) }
	}
	leaf := []Level{LevelLeaf}
	anyName := tlv(tagSequence, tlv(tagContext, tlv(tagSequence, tlv(tagContextValue|2, []byte("example.com")))))
	serverAuth := tlv(tagSequence, derOID(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}))
	return slices.Concat(
		at(belowRoot, certificate(TopicConstraints, "no-key-usage", "no key usage", func(_ *Blueprint, c *Certificate) {
			c.removeExtension(oidKeyUsage)
		})),
		at(authorities, certificate(TopicConstraints, "no-cert-sign", "its key is for revocation lists only", usage(usageCRLOnly))),
		at(authorities, certificate(TopicConstraints, "leaf-usage", "its key is for signatures, not for certificates", usage(usageLeaf))),
		at(leaf, certificate(TopicConstraints, "no-digital-signature", "its key is for non-repudiation only", usage(usageNonRepudiation))),
		at(leaf, certificate(TopicConstraints, "empty-key-usage", "its key is for nothing", usage(usageNone))),
		at(belowRoot, certificate(TopicConstraints, "unknown-critical", "a critical extension of nobody's",
			extra(pkix.Extension{Id: oidNobody, Critical: true, Value: tlv(tagNull)}))),
		at(authorities, certificate(TopicConstraints, "name-constraints", "critical name constraints, which permit example.com only",
			extra(pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 30}, Critical: true, Value: anyName}))),
		at(leaf, certificate(TopicConstraints, "server-auth", "a critical extended key usage, for TLS servers",
			extra(pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: serverAuth}))),
		at(belowRoot, certificate(TopicConstraints, "duplicate-extension", "basic constraints twice, the same", func(_ *Blueprint, c *Certificate) {
			c.Extensions = append(c.Extensions, c.Extensions[0])
		})),
	)
}
