package attestedtls

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/nitroattest/nitroattest/attestation"
)

// Claim says what an enclave puts into its documents for a certificate that it
// uses. Nil fields are null.
type Claim func(certificate *x509.Certificate) (userData, publicKey []byte)

// Check decides whether a document names the certificate of a connection. It
// gets the state of the connection after the handshake, with at least one peer
// certificate, and the verified document. An error ends the connection before a
// byte of a request was sent.
//
// A Check of your own has to make sure of one thing: that the enclave named the
// certificate, or its key, or something that only the holder of the key on this
// very connection can know. It can also look at the rest of the result.
type Check func(state tls.ConnectionState, result *attestation.Result) error

// Binding ties a document to the certificate of a connection: what the enclave
// says and what the client requires, in one value, so that both sides name the
// same. The zero value is [Labelled].
type Binding struct{ of *binding }

type binding struct {
	claim Claim
	// names is the check of the bindings here, which need no more than these two and
	// so are as good before the end of a handshake as after it.
	names func(certificate *x509.Certificate, document *attestation.Document) error
	check Check // of NewBinding
	nonce func(nonce []byte) []byte
}

// NewBinding returns a binding of your own. A server needs the claim and a
// client the check; either may be nil where it is not needed. A [Hook] does not
// take such a binding.
func NewBinding(claim Claim, check Check) Binding {
	return Binding{&binding{claim: claim, check: check}}
}

func (b Binding) binding() *binding {
	if b.of == nil {
		return labelled
	}
	return b.of
}

// Claim returns what a document says for a certificate. Both are nil for a
// binding without a claim.
func (b Binding) Claim(certificate *x509.Certificate) (userData, publicKey []byte) {
	if claim := b.binding().claim; claim != nil {
		return claim(certificate)
	}
	return nil, nil
}

// Nonce returns the nonce of the document for the nonce that a client sent. They
// are the same except for [Labelled].
func (b Binding) Nonce(nonce []byte) []byte {
	if derive := b.binding().nonce; derive != nil {
		return derive(nonce)
	}
	return nonce
}

// verify is the client's part.
func (b Binding) verify(state tls.ConnectionState, result *attestation.Result) error {
	if names := b.binding().names; names != nil {
		return names(state.PeerCertificates[0], &result.Document)
	}
	return b.binding().check(state, result)
}

// label begins what the documents of Labelled say, in user_data and, hashed, in
// nonce.
const label = "nitroattest/attestedtls v1"

var labelled = &binding{
	claim: func(certificate *x509.Certificate) (userData, publicKey []byte) {
		hash := sha256.Sum256(certificate.Raw)
		return append([]byte(label), hash[:]...), nil
	},
	nonce: func(nonce []byte) []byte {
		hash := sha256.Sum256(append([]byte(label), nonce...))
		return hash[:]
	},
}

var (
	certificateHash = &binding{claim: func(certificate *x509.Certificate) (userData, publicKey []byte) {
		hash := sha256.Sum256(certificate.Raw)
		return hash[:], nil
	}}
	keyHash = &binding{claim: func(certificate *x509.Certificate) (userData, publicKey []byte) {
		hash := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
		return hash[:], nil
	}}
	keyInUserData = &binding{claim: func(certificate *x509.Certificate) (userData, publicKey []byte) {
		return certificate.RawSubjectPublicKeyInfo, nil
	}}
	keyInPublicKey = &binding{claim: func(certificate *x509.Certificate) (userData, publicKey []byte) {
		return nil, certificate.RawSubjectPublicKeyInfo
	}}
)

func init() {
	for _, b := range []*binding{labelled, certificateHash, keyHash, keyInUserData, keyInPublicKey} {
		b.names = b.compare
	}
}

// Labelled is the default. The document has
//
//	user_data   "nitroattest/attestedtls v1" || SHA-256(certificate in DER)   58 bytes
//	nonce       SHA-256("nitroattest/attestedtls v1" || the client's nonce)   32 bytes
//
// so that it is of use for nothing but a connection of this package. A server
// answers whoever asks, and with the other bindings it answers with the very
// nonce: a nonce that a relying party of another protocol gave out can be sent
// here, and the document be passed on as an answer to it. With Labelled no such
// nonce is ever in a document. public_key is left for the key that AWS KMS
// encrypts to.
func Labelled() Binding { return Binding{labelled} }

// CertificateHash has the SHA-256 of the certificate in DER, 32 bytes, in
// user_data.
func CertificateHash() Binding { return Binding{certificateHash} }

// KeyHash has the SHA-256 of the certificate's SubjectPublicKeyInfo in DER, 32
// bytes, in user_data.
func KeyHash() Binding { return Binding{keyHash} }

// KeyInUserData has the certificate's SubjectPublicKeyInfo in DER in user_data: 91
// bytes for P-256, 120 for P-384.
func KeyInUserData() Binding { return Binding{keyInUserData} }

// KeyInPublicKey has the certificate's SubjectPublicKeyInfo in DER in public_key.
// AWS KMS expects its own RSA key there.
func KeyInPublicKey() Binding { return Binding{keyInPublicKey} }

// multihash is how the multihash format marks a SHA-256: its code and length.
var multihash = []byte{0x12, sha256.Size}

// CertificateMultihash has two multihashes in user_data, 68 bytes, as nitriding
// does: the SHA-256 of the certificate in DER, and one of the application's
// choice, which clients do not look at.
func CertificateMultihash(application [sha256.Size]byte) Binding {
	const first = 2 + sha256.Size
	claim := func(certificate *x509.Certificate) (userData, publicKey []byte) {
		hash := sha256.Sum256(certificate.Raw)
		return slices.Concat(multihash, hash[:], multihash, application[:]), nil
	}
	return Binding{&binding{claim: claim, names: func(certificate *x509.Certificate, document *attestation.Document) error {
		found := document.UserData
		if len(found) != 2*first {
			return fmt.Errorf("user_data: found %d bytes, expected two multihashes of %d", len(found), first)
		}
		want, _ := claim(certificate)
		if second := found[first:]; !bytes.HasPrefix(second, multihash) {
			return fmt.Errorf("user_data: found %x before the second hash, expected %x", second[:2], multihash)
		}
		return compareField("first multihash of user_data", found[:first], want[:first])
	}}}
}

// compare requires the field that the claim fills.
func (b *binding) compare(certificate *x509.Certificate, document *attestation.Document) error {
	userData, publicKey := b.claim(certificate)
	if publicKey != nil {
		return compareField("public_key", document.PublicKey, publicKey)
	}
	return compareField("user_data", document.UserData, userData)
}

// compareField says how the two differ. Neither is secret: the one is in a
// document for anyone who asks, the other follows from the certificate.
func compareField(name string, found, expected []byte) error {
	if bytes.Equal(found, expected) {
		return nil
	}
	text := "nothing"
	if len(found) > 0 {
		text = excerpt(found)
	}
	return fmt.Errorf("%s: found %s, expected %s, which is the certificate of this connection", name, text, excerpt(expected))
}

func excerpt(b []byte) string {
	const most = 64
	if len(b) > most {
		return fmt.Sprintf("%s... (%d bytes)", hex.EncodeToString(b[:most]), len(b))
	}
	return hex.EncodeToString(b)
}
