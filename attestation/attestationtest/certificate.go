package attestationtest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
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

// The profile of each level is that of the recorded documents: every field in
// the encoding and every extension in the order found there. What the recorded
// ones do differently over the years follows the newest.

// newRoot has the dates of AWS's root, so that documents of every year since
// can be simulated.
func newRoot(s secret) *Certificate {
	key := s.key("certificate", elliptic.P384())
	return (&Certificate{
		Version:    3,
		Serial:     positive(s.bytes("serial", 16)),
		Subject:    rootName("aws.nitro-enclaves"),
		NotBefore:  time.Date(2019, 10, 28, 13, 28, 5, 0, time.UTC),
		NotAfter:   time.Date(2049, 10, 28, 14, 28, 5, 0, time.UTC),
		Key:        key,
		Extensions: extensions(basicConstraints(noPathLen), subjectKeyID(key), keyUsage(true, usageCA)),
	}).seal()
}

func newRegional(s secret, region string, parent *Certificate, notBefore time.Time) *Certificate {
	key := s.key("certificate", elliptic.P384())
	return (&Certificate{
		Version:   3,
		Serial:    positive(s.bytes("serial", 16)),
		Subject:   rootName(fmt.Sprintf("%x.%s.aws.nitro-enclaves", binary.BigEndian.Uint64(s.bytes("name", 8)), region)),
		NotBefore: notBefore,
		NotAfter:  notBefore.Add(20*24*time.Hour + time.Hour),
		Key:       key,
		Parent:    parent,
		Extensions: extensions(basicConstraints(2), authorityKeyID(parent.Key), subjectKeyID(key), keyUsage(true, usageCA),
			crlDistributionPoint("aws-nitro-enclaves-crl.s3."+unresolvable, parent)),
	}).seal()
}

func newZonal(s secret, region string, parent *Certificate, notBefore time.Time) *Certificate {
	key := s.key("certificate", elliptic.P384())
	return (&Certificate{
		Version:   3,
		Serial:    positive(s.bytes("serial", 16)),
		Subject:   zonalName(fmt.Sprintf("%x.zonal.%s.aws.nitro-enclaves", binary.BigEndian.Uint64(s.bytes("name", 8)), region)),
		NotBefore: notBefore,
		// Whole hours between 5.5 and 6 days; 133 to 144 were seen.
		NotAfter: notBefore.Add(time.Duration(133+s.below("hours", 12)) * time.Hour),
		Key:      key,
		Parent:   parent,
		Extensions: extensions(basicConstraints(1), authorityKeyID(parent.Key), subjectKeyID(key), keyUsage(true, usageCA),
			crlDistributionPoint("crl-"+region+"-aws-nitro-enclaves.s3."+region+"."+unresolvable, parent)),
	}).seal()
}

func newInstance(s secret, region, id string, parent *Certificate, notBefore time.Time) *Certificate {
	key := s.key("certificate", elliptic.P384())
	return (&Certificate{
		Version:   3,
		Serial:    positive(s.bytes("serial", 20)),
		Subject:   instanceName(id + "." + region + ".aws.nitro-enclaves"),
		NotBefore: notBefore,
		NotAfter:  notBefore.Add(24 * time.Hour),
		Key:       key,
		Parent:    parent,
		// Identifiers came with 2024; before, these certificates ended with
		// the key usage.
		Extensions: extensions(basicConstraints(0), keyUsage(true, usageInstance), subjectKeyID(key), authorityKeyID(parent.Key)),
	}).seal()
}

// newLeaf issues a leaf for a request. Its serial number is not random: it is
// the number in the enclave's ID and the second of the request.
func newLeaf(s secret, region, module string, number []byte, parent *Certificate, requested time.Time) *Certificate {
	requested = requested.Truncate(time.Second)
	s = s.child(fmt.Sprint("leaf ", requested.Unix()))
	notBefore := requested.Add(-3 * time.Second)
	return (&Certificate{
		Version:    3,
		Serial:     positive(binary.BigEndian.AppendUint64(bytes.Clone(number), uint64(max(0, requested.Unix())))),
		Subject:    instanceName(module + "." + region + ".aws"),
		NotBefore:  notBefore,
		NotAfter:   notBefore.Add(3*time.Hour + 3*time.Second),
		Key:        s.key("certificate", elliptic.P384()),
		Parent:     parent,
		Extensions: extensions(basicConstraints(notCA), keyUsage(false, usageLeaf)),
	}).seal()
}

var (
	oidCommonName         = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidCountry            = asn1.ObjectIdentifier{2, 5, 4, 6}
	oidLocality           = asn1.ObjectIdentifier{2, 5, 4, 7}
	oidState              = asn1.ObjectIdentifier{2, 5, 4, 8}
	oidOrganization       = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidOrganizationalUnit = asn1.ObjectIdentifier{2, 5, 4, 11}
)

// attribute is one relative distinguished name with its ASN.1 string type.
type attribute struct {
	id   asn1.ObjectIdentifier
	tag  byte
	text string
}

func utf8(id asn1.ObjectIdentifier, text string) attribute {
	return attribute{id, tagUTF8String, text}
}

// country is the one attribute of AWS's names that is not a UTF8String.
var country = attribute{oidCountry, tagPrintableString, "US"}

// derName writes a Name of one attribute per relative distinguished name.
func derName(attributes ...attribute) []byte {
	var rdns []byte
	for _, a := range attributes {
		pair := tlv(tagSequence, derOID(a.id), tlv(a.tag, []byte(a.text)))
		rdns = append(rdns, tlv(tagSet, pair)...)
	}
	return tlv(tagSequence, rdns)
}

// rootName is the order in which the root and regional certificates name
// themselves.
func rootName(commonName string) []byte {
	return derName(country, utf8(oidOrganization, "Amazon"), utf8(oidOrganizationalUnit, "AWS"),
		utf8(oidCommonName, commonName))
}

// zonalName differs from every other name in its order and in the short name
// of the state.
func zonalName(commonName string) []byte {
	return derName(utf8(oidCommonName, commonName), utf8(oidOrganizationalUnit, "AWS"),
		utf8(oidOrganization, "Amazon"), country, utf8(oidState, "WA"), utf8(oidLocality, "Seattle"))
}

// instanceName is the order of instance and leaf certificates.
func instanceName(commonName string) []byte {
	return derName(country, utf8(oidState, "Washington"), utf8(oidLocality, "Seattle"),
		utf8(oidOrganization, "Amazon"), utf8(oidOrganizationalUnit, "AWS"), utf8(oidCommonName, commonName))
}

// Extensions of RFC 5280, section 4.2.1.
var (
	oidSubjectKeyID     = asn1.ObjectIdentifier{2, 5, 29, 14}
	oidKeyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidCRLPoints        = asn1.ObjectIdentifier{2, 5, 29, 31}
	oidAuthorityKeyID   = asn1.ObjectIdentifier{2, 5, 29, 35}
)

func extensions(list ...pkix.Extension) []pkix.Extension { return list }

// Two special values for basicConstraints.
const (
	noPathLen = -1
	notCA     = -2
)

func basicConstraints(pathLen int) pkix.Extension {
	var ca, length []byte
	if pathLen != notCA {
		ca = tlv(tagBoolean, []byte{0xff})
	}
	if pathLen >= 0 {
		length = tlv(tagInteger, []byte{byte(pathLen)})
	}
	return pkix.Extension{Id: oidBasicConstraints, Critical: true, Value: tlv(tagSequence, ca, length)}
}

// Contents of the key usage's BIT STRING: the number of unused bits, and the
// bits from digitalSignature down.
var (
	usageCA       = []byte{1, 0x86} // digitalSignature, keyCertSign, cRLSign
	usageInstance = []byte{2, 0x04} // keyCertSign
	usageLeaf     = []byte{6, 0xc0} // digitalSignature, nonRepudiation
)

func keyUsage(critical bool, usage []byte) pkix.Extension {
	return pkix.Extension{Id: oidKeyUsage, Critical: critical, Value: tlv(tagBitString, usage)}
}

// keyID is the SHA-1 of the public point (RFC 5280, section 4.2.1.2, method
// 1), an identifier whose security nothing rests on. FIPS 140-3 mode refuses
// SHA-1 unless it is told that.
func keyID(key *ecdsa.PrivateKey) []byte {
	point, _ := key.PublicKey.Bytes()
	var sum [sha1.Size]byte
	withoutFIPS(func() { sum = sha1.Sum(point) })
	return sum[:]
}

func subjectKeyID(key *ecdsa.PrivateKey) pkix.Extension {
	return pkix.Extension{Id: oidSubjectKeyID, Value: tlv(tagOctetString, keyID(key))}
}

func authorityKeyID(issuer *ecdsa.PrivateKey) pkix.Extension {
	return pkix.Extension{Id: oidAuthorityKeyID, Value: tlv(tagSequence, tlv(tagContextValue, keyID(issuer)))}
}

// unresolvable stands where real certificates say "amazonaws.com", at the same
// length: nobody may fetch a revocation list of AWS for a simulated
// certificate (RFC 2606 reserves the top-level domain).
const unresolvable = "nitro.invalid"

func crlDistributionPoint(host string, issuer *Certificate) pkix.Extension {
	id := secret(keyID(issuer.Key)).bytes("crl", 16)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // a random UUID (RFC 9562, section 5.4)
	url := fmt.Sprintf("http://%s/crl/%x-%x-%x-%x-%x.crl", host, id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	fullName := tlv(tagContext, tlv(tagContextValue|6, []byte(url)))
	point := tlv(tagSequence, tlv(tagContext, fullName))
	return pkix.Extension{Id: oidCRLPoints, Value: tlv(tagSequence, point)}
}
