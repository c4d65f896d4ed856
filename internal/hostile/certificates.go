package hostile

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
)

const (
	root     = attestationtest.LevelRoot
	regional = attestationtest.LevelRegional
	leaf     = attestationtest.LevelLeaf
)

// certificateDocuments are about the chain. Whatever is in their certificates,
// the root and the names are in order, so that only the walk can refuse them.
func certificateDocuments(h *attestationtest.Hypervisor) []Document {
	chain := func(signatures int, name, comment string, edit func(*attestationtest.Blueprint)) Document {
		d := edited(h, name, comment, attestation.InvalidChain, edit)
		d.Signatures, d.Base, d.Allocation = signatures, 8<<10, 12
		return d
	}
	all := []Document{
		chain(0, "garbage-bundle", "7 times 1024 bytes of zeros below the root", func(b *attestationtest.Blueprint) {
			b.Bundle = b.Bundle[:1]
			for range 7 {
				b.Bundle = append(b.Bundle, garbage(make([]byte, 1024)))
			}
		}),
		chain(0, "irrelevant-bundle", "the root and seven valid certificates that have nothing to do with one another", func(b *attestationtest.Blueprint) {
			b.Bundle = b.Bundle[:1]
			for range 3 {
				other := h.NewZone().NewInstance().NewEnclave().Blueprint(attestationtest.Request{})
				b.Bundle = append(b.Bundle, other.Chain[2], other.Chain[3])
			}
			b.Bundle = append(b.Bundle, b.Chain[3])
		}),
		chain(0, "repeated-bundle", "the root, and the regional certificate seven times", func(b *attestationtest.Blueprint) {
			b.Bundle = b.Bundle[:1]
			for range 7 {
				b.Bundle = append(b.Bundle, b.Chain[regional])
			}
		}),
		chain(1, "forged-chain", "7 certificates in order by their names, which a stranger signed: only the first signature is verified", forgedChain),
		chain(4, "forged-leaf", "a genuine chain with a leaf that a stranger signed", func(b *attestationtest.Blueprint) {
			b.Chain[leaf].SigningKey = b.NewKey("stranger")
		}),
		chain(0, "rsa-leaf", "an RSA key as large as a certificate of 1024 bytes can hold", func(b *attestationtest.Blueprint) {
			b.Chain[leaf].PublicKey = rsaKey(460)
		}),
		chain(0, "rsa-regional", "the same in an authority, after which everything is to be signed by it", func(b *attestationtest.Blueprint) {
			b.Chain[regional].PublicKey = rsaKey(400)
		}),
		chain(0, "p521-leaf", "a P-521 key, which costs several times as much", func(b *attestationtest.Blueprint) {
			b.Chain[leaf].PublicKey = p521Key()
		}),
		chain(0, "p521-chain", "P-521 keys in all certificates below the root", func(b *attestationtest.Blueprint) {
			for _, c := range b.Chain[1:] {
				c.PublicKey = p521Key()
			}
		}),
		chain(0, "many-extensions", "as many extensions as a certificate of 1024 bytes can hold", func(b *attestationtest.Blueprint) {
			for i := range 22 {
				b.Chain[leaf].Extensions = append(b.Chain[leaf].Extensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 30, i}, Critical: true, Value: []byte{5, 0}})
			}
		}),
		chain(0, "many-names", "a subject of as many parts as there is room for", func(b *attestationtest.Blueprint) {
			var name pkix.RDNSequence
			for range 30 {
				name = append(name, []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "x"}})
			}
			b.Chain[leaf].Subject, _ = asn1.Marshal(name)
		}),
		chain(0, "long-serial", "a serial number of 400 bytes", func(b *attestationtest.Blueprint) {
			b.Chain[leaf].Serial = append([]byte{1}, make([]byte, 400)...)
			b.Chain[leaf].PublicKey = rsaKey(64)
		}),
	}
	bad := edited(h, "bad-signature", "a genuine chain and a signature of a stranger: the dearest refusal", attestation.BadSignature, func(b *attestationtest.Blueprint) {
		b.Key = b.NewKey("stranger")
	})
	bad.Signatures, bad.Base, bad.Allocation = 5, 24<<10, 8
	foreign := edited(h, "foreign-root", "a look-alike root", attestation.UntrustedRoot, func(b *attestationtest.Blueprint) {
		b.Chain[root].Key = b.NewKey("stranger")
	})
	foreign.Base, foreign.Allocation = 8<<10, 8
	return append(all, bad, foreign)
}

// garbage is a certificate of the given bytes.
func garbage(der []byte) *attestationtest.Certificate {
	return &attestationtest.Certificate{EditDER: func([]byte) []byte { return der }}
}

// forgedChain puts seven authorities between the root and the leaf, each named
// and constrained as it should be.
func forgedChain(b *attestationtest.Blueprint) {
	template, parent := *b.Chain[regional], b.Chain[root]
	b.Bundle = b.Bundle[:1]
	template.Extensions = b.Chain[root].Extensions // no path length
	for i := range 7 {
		c := template
		c.Parent = parent
		c.Serial = []byte{byte(i + 1)}
		c.Key = b.NewKey("stranger")
		c.SigningKey = c.Key
		b.Bundle = append(b.Bundle, &c)
		parent = &c
	}
	b.Chain[leaf].Parent = parent
}

// rsaKey is a public key with a modulus of as many bytes. Nobody has the
// private one.
func rsaKey(size int) []byte {
	n := new(big.Int).Lsh(big.NewInt(1), uint(size)*8-1)
	der, _ := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 65537})
	return der
}

// p521Key is a fixed public key.
func p521Key() []byte {
	scalar := make([]byte, 66)
	scalar[65] = 7
	key, _ := ecdsa.ParseRawPrivateKey(elliptic.P521(), scalar) // fails for scalars out of range only
	der, _ := x509.MarshalPKIXPublicKey(key.Public())
	return der
}
