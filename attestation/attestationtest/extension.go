package attestationtest

import (
	"crypto/ecdsa"
	"crypto/fips140"
	"crypto/sha1"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
)

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
	fips140.WithoutEnforcement(func() { sum = sha1.Sum(point) })
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
