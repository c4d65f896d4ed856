package attestedtls

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"

	"github.com/nitroattest/nitroattest/attestation"
)

// Binding decides whether a document names the certificate of a connection. It
// gets the state of the connection after the handshake, with at least one peer
// certificate, and the verified document. An error ends the connection before
// a byte of a request was sent.
//
// A Binding of your own has to make sure of one thing: that the enclave named
// the certificate, or its key, or something that only the holder of the key on
// this very connection can know. It can also look at the rest of the result.
type Binding func(state tls.ConnectionState, result *attestation.Result) error

// BindCertificateHash requires that user_data is the SHA-256 of the
// certificate, see [ClaimCertificateHash].
func BindCertificateHash(state tls.ConnectionState, result *attestation.Result) error {
	return compare(ClaimCertificateHash, state, result)
}

// BindCertificateMultihash requires that user_data is two multihashes of which
// the first is that of the certificate, see [ClaimCertificateMultihash]. The
// second is not looked at.
func BindCertificateMultihash(state tls.ConnectionState, result *attestation.Result) error {
	const first = 2 + sha256.Size
	found := result.Document.UserData
	if len(found) != 2*first {
		return fmt.Errorf("user_data: found %d bytes, expected two multihashes of %d", len(found), first)
	}
	want, _ := ClaimCertificateMultihash([sha256.Size]byte{})(state.PeerCertificates[0])
	if second := found[first:]; !bytes.HasPrefix(second, multihash) {
		return fmt.Errorf("user_data: found %x before the second hash, expected %x", second[:2], multihash)
	}
	return compareField("first multihash of user_data", found[:first], want[:first])
}

// BindKeyHash requires that user_data is the SHA-256 of the certificate's key,
// see [ClaimKeyHash].
func BindKeyHash(state tls.ConnectionState, result *attestation.Result) error {
	return compare(ClaimKeyHash, state, result)
}

// BindKeyInUserData requires that user_data is the certificate's key, see
// [ClaimKeyInUserData].
func BindKeyInUserData(state tls.ConnectionState, result *attestation.Result) error {
	return compare(ClaimKeyInUserData, state, result)
}

// BindKeyInPublicKey requires that public_key is the certificate's key, see
// [ClaimKeyInPublicKey].
func BindKeyInPublicKey(state tls.ConnectionState, result *attestation.Result) error {
	return compare(ClaimKeyInPublicKey, state, result)
}

// compare requires the field that the claim fills.
func compare(claim Claim, state tls.ConnectionState, result *attestation.Result) error {
	userData, publicKey := claim(state.PeerCertificates[0])
	if publicKey != nil {
		return compareField("public_key", result.Document.PublicKey, publicKey)
	}
	return compareField("user_data", result.Document.UserData, userData)
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
	const most = 48
	if len(b) > most {
		return fmt.Sprintf("%s... (%d bytes)", hex.EncodeToString(b[:most]), len(b))
	}
	return hex.EncodeToString(b)
}
