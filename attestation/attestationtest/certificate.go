package attestationtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"time"
)

// Certificate is a certificate before it is signed. A [Blueprint] holds those
// of a document; what is changed in one is signed anew, and so is everything
// below it.
type Certificate struct {
	Version    int    // 3 in all of AWS's; 1 leaves the version out, as DER has it
	Serial     []byte // contents of the INTEGER
	Subject    []byte // DER of the Name
	Issuer     []byte // DER of the Name; nil: the parent's subject
	NotBefore  time.Time
	NotAfter   time.Time
	Extensions []pkix.Extension
	Key        *ecdsa.PrivateKey // what it certifies, and signs with further down
	PublicKey  []byte            // DER of the SubjectPublicKeyInfo; nil: that of Key

	Parent     *Certificate      // nil: the certificate signs itself
	SigningKey *ecdsa.PrivateKey // nil: the parent's key
	Hash       crypto.Hash       // zero: SHA-384

	// Algorithm and OuterAlgorithm are the DER of the two AlgorithmIdentifiers,
	// the signed one and the one beside the signature; nil: ECDSA with Hash.
	Algorithm, OuterAlgorithm []byte

	EditTBS func(der []byte) []byte // what is signed; nil: no edit
	EditDER func(der []byte) []byte // the certificate; nil: no edit

	issued []byte // DER of one that nobody can edit any more
}

var oidECDSA = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3}

// ecdsaWith is the AlgorithmIdentifier of ECDSA with a SHA-2 hash; it has no
// parameters (RFC 5758, section 3.2).
func ecdsaWith(hash crypto.Hash) []byte {
	arc := map[crypto.Hash]int{crypto.SHA224: 1, crypto.SHA256: 2, crypto.SHA384: 3, crypto.SHA512: 4}[hash]
	return tlv(tagSequence, derOID(append(slices.Clone(oidECDSA), arc)))
}

// DER issues the certificate. The result is the same every time: ECDSA is
// used deterministically.
func (c *Certificate) DER() []byte {
	if c == nil {
		return nil
	}
	if c.issued != nil {
		return slices.Clone(c.issued)
	}
	hash := c.Hash
	if hash == 0 {
		hash = crypto.SHA384
	}
	algorithm, outer := c.Algorithm, c.OuterAlgorithm
	if algorithm == nil {
		algorithm = ecdsaWith(hash)
	}
	if outer == nil {
		outer = ecdsaWith(hash)
	}
	tbs := c.tbs(algorithm)
	if c.EditTBS != nil {
		tbs = c.EditTBS(tbs)
	}
	out := tlv(tagSequence, tbs, outer, derBitString(signASN1(c.signingKey(), hash, tbs)))
	if c.EditDER != nil {
		out = c.EditDER(out)
	}
	return out
}

func (c *Certificate) tbs(algorithm []byte) []byte {
	var version, extensions []byte
	if c.Version > 1 {
		version = tlv(tagContext, tlv(tagInteger, []byte{byte(c.Version - 1)}))
	}
	for _, e := range c.Extensions {
		extensions = append(extensions, derExtension(e)...)
	}
	if extensions != nil {
		extensions = tlv(tagContext|3, tlv(tagSequence, extensions))
	}
	return tlv(tagSequence, version, tlv(tagInteger, c.Serial), algorithm, c.issuer(),
		tlv(tagSequence, derTime(c.NotBefore), derTime(c.NotAfter)),
		c.Subject, c.publicKey(), extensions)
}

func derExtension(e pkix.Extension) []byte {
	var critical []byte
	if e.Critical {
		critical = tlv(tagBoolean, []byte{0xff})
	}
	return tlv(tagSequence, derOID(e.Id), critical, tlv(tagOctetString, e.Value))
}

func (c *Certificate) issuer() []byte {
	switch {
	case c.Issuer != nil:
		return c.Issuer
	case c.Parent != nil:
		return c.Parent.Subject
	default:
		return c.Subject
	}
}

func (c *Certificate) signingKey() *ecdsa.PrivateKey {
	switch {
	case c.SigningKey != nil:
		return c.SigningKey
	case c.Parent != nil:
		return c.Parent.Key
	default:
		return c.Key
	}
}

func (c *Certificate) publicKey() []byte {
	if c.PublicKey != nil || c.Key == nil {
		return c.PublicKey
	}
	der, _ := x509.MarshalPKIXPublicKey(c.Key.Public()) // fails for unknown curves only
	return der
}

// seal issues the certificate and keeps the result: for those that several
// documents share.
func (c *Certificate) seal() *Certificate {
	c.issued = c.DER()
	return c
}

// clone returns a certificate that may be edited.
func (c *Certificate) clone() *Certificate {
	out := *c
	out.issued = nil
	out.Extensions = slices.Clone(c.Extensions)
	return &out
}
