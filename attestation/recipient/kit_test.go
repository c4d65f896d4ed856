package recipient_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/pcr"
)

const (
	data     = "../../testdata/kms"
	evidence = "../../testdata/evidence"
)

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(data, name))
	require.NoError(t, err)
	return content
}

func readKey(t testing.TB, name string) *rsa.PrivateKey {
	t.Helper()
	block, _ := pem.Decode(readFile(t, name))
	require.NotNil(t, block, name)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	return key.(*rsa.PrivateKey)
}

func rsa2048(t testing.TB) *rsa.PrivateKey { return readKey(t, "synthetic/rsa2048.key.pem") }

func spkiOf(t testing.TB, key any) []byte {
	t.Helper()
	spki, err := x509.MarshalPKIXPublicKey(key)
	require.NoError(t, err)
	return spki
}

// verified returns the result for a recorded document, as of its timestamp.
func verified(t testing.TB, file string) *attestation.Result {
	t.Helper()
	document, err := os.ReadFile(filepath.Join(evidence, file))
	require.NoError(t, err)
	verifier, err := attestation.NewVerifier(attestation.Config{Recorded: true, InsecureAnyImage: true, InsecureAllowDebug: true})
	require.NoError(t, err)
	result, err := verifier.Verify(document, attestation.Expect{})
	require.NoError(t, err)
	return result
}

const (
	rsaDocument    = "yawn-attestation-19b717.cbor"               // RSA of 2048 bits in public_key
	x25519Document = "nitroprover-sample-attestation-3a4a03.cbor" // 32 bytes in public_key
	debugDocument  = "dstack-nitro-attestation-dbg-1c921b.cbor"
)

// simulated is the hypervisor of documents with keys of which the tests have the
// private part.
var simulated = sync.OnceValue(func() *attestationtest.Hypervisor { return attestationtest.NewHypervisor() })

// appraise returns the result for a document with the given fields. The nonce is
// set. Nil config: the image of the simulated enclave.
func appraise(t testing.TB, request attestationtest.Request, config *attestation.Config, expect attestation.Expect) *attestation.Result {
	t.Helper()
	h := simulated()
	if config == nil {
		config = &attestation.Config{Policy: pcr.Policy{Images: []pcr.Image{h.Enclave().Image()}}}
	}
	config.Roots = h.Roots()
	verifier, err := attestation.NewVerifier(*config)
	require.NoError(t, err)
	if request.Nonce == nil {
		request.Nonce = []byte("nonce")
	}
	result, err := verifier.Verify(h.Attest(request), expect)
	require.NoError(t, err)
	return result
}

// resultWith returns the result for a document with the given public key.
func resultWith(t testing.TB, publicKey []byte) *attestation.Result {
	t.Helper()
	return appraise(t, attestationtest.Request{PublicKey: publicKey}, nil, attestation.Expect{Nonce: []byte("nonce")})
}

// sealerAt seals to what verified returns, as of the time of the recording.
func sealerAt(result *attestation.Result) recipient.Sealer {
	return recipient.Sealer{Now: func() time.Time { return result.VerifiedAt }, InsecureAllowRecorded: true, InsecureAllowAnyImage: true}
}

func sealTo(t testing.TB, publicKey, plaintext []byte) ([]byte, error) {
	t.Helper()
	return recipient.Seal(resultWith(t, publicKey), plaintext)
}

// requireReason asserts that a call returned nothing but an *Error of the reason,
// and returns it.
func requireReason(t testing.TB, want recipient.Reason, result []byte, err error) *recipient.Error {
	t.Helper()
	require.ErrorIs(t, err, want)
	assert.Nil(t, result, "no result comes with an error")
	var typed *recipient.Error
	require.ErrorAs(t, err, &typed)
	return typed
}
