package attestedtls

import (
	"crypto/sha256"
	"crypto/x509"
	"slices"
)

// Claim says what an enclave puts into its documents for a certificate that it
// uses. Nil fields are null. For each Claim of this package there is a
// [Binding] with which clients check it.
type Claim func(certificate *x509.Certificate) (userData, publicKey []byte)

// ClaimCertificateHash puts the SHA-256 of the certificate in DER, 32 bytes,
// into user_data. It leaves public_key for the key that AWS KMS encrypts to.
func ClaimCertificateHash(certificate *x509.Certificate) (userData, publicKey []byte) {
	hash := sha256.Sum256(certificate.Raw)
	return hash[:], nil
}

// multihash is how the multihash format marks a SHA-256: its code and length.
var multihash = []byte{0x12, sha256.Size}

// ClaimCertificateMultihash puts two multihashes into user_data, 68 bytes: the
// SHA-256 of the certificate in DER, and one of the application's choice.
func ClaimCertificateMultihash(application [sha256.Size]byte) Claim {
	return func(certificate *x509.Certificate) (userData, publicKey []byte) {
		hash := sha256.Sum256(certificate.Raw)
		return slices.Concat(multihash, hash[:], multihash, application[:]), nil
	}
}

// ClaimKeyHash puts the SHA-256 of the certificate's SubjectPublicKeyInfo in
// DER, 32 bytes, into user_data.
func ClaimKeyHash(certificate *x509.Certificate) (userData, publicKey []byte) {
	hash := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
	return hash[:], nil
}

// ClaimKeyInUserData puts the certificate's SubjectPublicKeyInfo in DER into
// user_data: 91 bytes for P-256, 120 for P-384.
func ClaimKeyInUserData(certificate *x509.Certificate) (userData, publicKey []byte) {
	return certificate.RawSubjectPublicKeyInfo, nil
}

// ClaimKeyInPublicKey puts the certificate's SubjectPublicKeyInfo in DER into
// public_key. AWS KMS expects its own RSA key there.
func ClaimKeyInPublicKey(certificate *x509.Certificate) (userData, publicKey []byte) {
	return nil, certificate.RawSubjectPublicKeyInfo
}
