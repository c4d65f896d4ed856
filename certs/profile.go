package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/bits"
	"time"
)

// The exact DER that the algorithms of AWS's chains have. Comparing bytes
// leaves no room for absent or surplus parameters.
var (
	// SEQUENCE { OID ecdsa-with-SHA384 }, RFC 5758, section 3.2
	ecdsaWithSHA384 = []byte{0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03}
	// SubjectPublicKeyInfo up to the coordinates: id-ecPublicKey, secp384r1,
	// an uncompressed point of 97 bytes, RFC 5480, section 2
	p384PublicKey = []byte{0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
		0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04}
)

var (
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidKeyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
)

// Extensions that narrow what a chain may be used for. The walk does not
// evaluate them, so it must not overlook them either, critical or not.
var narrowing = map[string]string{
	"2.5.29.30": "name constraints",
	"2.5.29.33": "policy mappings",
	"2.5.29.36": "policy constraints",
	"2.5.29.37": "extended key usage",
	"2.5.29.54": "inhibit any-policy",
}

// parse reads one certificate and makes the checks that hold wherever in the
// chain it stands. It copies der first, for a parsed certificate refers to the
// bytes it was parsed from and outlives the document.
func parse(der []byte) (*x509.Certificate, *Error) {
	cert, err := x509.ParseCertificate(bytes.Clone(der))
	if err != nil {
		return nil, &Error{Reason: Encoding, Detail: "found something that is not an X.509 certificate in DER", Err: err}
	}
	if fault := checkProfile(cert); fault != nil {
		fault.Subject = cert.Subject.String()
		return nil, fault
	}
	return cert, nil
}

func checkProfile(cert *x509.Certificate) *Error {
	if cert.Version != 3 {
		return &Error{Reason: Version, Detail: fmt.Sprintf("found version %d, expected 3", cert.Version)}
	}
	// The parser has made sure that the algorithm inside the signed part is
	// the same, byte for byte, as the one that follows it.
	after := cert.Raw[bytes.Index(cert.Raw, cert.RawTBSCertificate)+len(cert.RawTBSCertificate):]
	signature, ok := bytes.CutPrefix(after, ecdsaWithSHA384)
	if !ok {
		return &Error{Reason: SignatureAlgorithm, Detail: "found " + cert.SignatureAlgorithm.String()}
	}
	// A BIT STRING with a short length and no unused bits, and nothing after it.
	if len(signature) < 3 || signature[0] != 0x03 || int(signature[1]) != len(signature)-2 || signature[2] != 0 {
		return &Error{Reason: Encoding, Detail: "signature: found an encoding that is not DER"}
	}
	if !bytes.HasPrefix(cert.RawSubjectPublicKeyInfo, p384PublicKey) {
		return &Error{Reason: PublicKey, Detail: fmt.Sprintf("found %s, expected an uncompressed P-384 point", describeKey(cert))}
	}
	if detail := checkStructure(cert.Raw); detail != "" {
		return &Error{Reason: Encoding, Detail: detail}
	}
	return checkExtensions(cert)
}

func checkExtensions(cert *x509.Certificate) *Error {
	for _, extension := range cert.Extensions {
		if name, ok := narrowing[extension.Id.String()]; ok {
			return &Error{Reason: Extension, Detail: fmt.Sprintf("found %s, which no certificate of AWS's has", name)}
		}
		known := true
		switch {
		case extension.Id.Equal(oidBasicConstraints):
			if !bytes.Equal(extension.Value, basicConstraintsDER(cert)) {
				return &Error{Reason: Encoding, Detail: "basic constraints: found an encoding that is not DER"}
			}
		case extension.Id.Equal(oidKeyUsage):
			if !isKeyUsageDER(extension.Value) {
				return &Error{Reason: Encoding, Detail: "key usage: found an encoding that is not DER"}
			}
		default:
			known = false
		}
		if extension.Critical && !known {
			return &Error{Reason: Extension, Detail: fmt.Sprintf("found the critical extension %s, expected only basic constraints and key usage to be critical", extension.Id)}
		}
	}
	return nil
}

// basicConstraintsDER is the one encoding of what the parser read (RFC 5280,
// section 4.2.1.9). The parser leaves bytes unread that follow what it looks
// for. Path lengths above 127 have another form, and no use.
func basicConstraintsDER(cert *x509.Certificate) []byte {
	switch {
	case !cert.IsCA:
		return []byte{0x30, 0x00}
	case cert.MaxPathLen < 0:
		return []byte{0x30, 0x03, 0x01, 0x01, 0xff}
	default:
		return []byte{0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, byte(cert.MaxPathLen & 0x7f)}
	}
}

// isKeyUsageDER reports whether value is a BIT STRING of at most eight bits
// without trailing zeros (RFC 5280, section 4.2.1.3; X.690, section 11.2.2). The
// ninth bit, decipherOnly, is for keys that sign nothing.
func isKeyUsageDER(value []byte) bool {
	if bytes.Equal(value, []byte{0x03, 0x01, 0x00}) {
		return true // no bit at all
	}
	if len(value) != 4 || value[0] != 0x03 || value[1] != 0x02 || value[3] == 0 {
		return false
	}
	return bits.TrailingZeros8(value[3]) == int(value[2])
}

// checkValidity includes both ends of the period (RFC 5280, section 4.1.2.5).
// The skew extends it at its beginning, never at its end.
func checkValidity(cert *x509.Certificate, at time.Time, skew time.Duration) *Error {
	switch {
	case at.Before(cert.NotBefore.Add(-skew)):
		tolerated := ""
		if skew > 0 {
			tolerated = fmt.Sprintf(", and at most %s before is tolerated", skew)
		}
		return &Error{Reason: NotYetValid, Subject: cert.Subject.String(),
			Detail: fmt.Sprintf("it is valid from %s, the verification time is %s%s", stamp(cert.NotBefore), stamp(at), tolerated)}
	case at.After(cert.NotAfter):
		return &Error{Reason: Expired, Subject: cert.Subject.String(),
			Detail: fmt.Sprintf("it expired on %s, the verification time is %s", stamp(cert.NotAfter), stamp(at))}
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// checkAuthority applies what holds for every certificate of the bundle.
func checkAuthority(cert *x509.Certificate) *Error {
	if !cert.IsCA {
		return &Error{Reason: BasicConstraints, Detail: "found no CA:TRUE, expected it in every certificate of the bundle"}
	}
	if cert.KeyUsage&x509.KeyUsageCertSign == 0 {
		return &Error{Reason: KeyUsage, Detail: "found no keyCertSign, expected it in every certificate of the bundle"}
	}
	return nil
}

// checkLeaf applies what holds for the certificate that signs the document.
// Its key usage is not critical in AWS's leaves, and counts all the same.
func checkLeaf(cert *x509.Certificate) *Error {
	if cert.IsCA {
		return &Error{Reason: BasicConstraints, Detail: "found CA:TRUE, expected a leaf that is no authority"}
	}
	if cert.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return &Error{Reason: KeyUsage, Detail: "found no digitalSignature, expected it in the leaf"}
	}
	return nil
}

func describeKey(cert *x509.Certificate) string {
	return fmt.Sprintf("a %s key of %d bytes in DER", cert.PublicKeyAlgorithm, len(cert.RawSubjectPublicKeyInfo))
}
