package attestationtest

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"encoding/asn1"
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
