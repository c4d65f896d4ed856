package attestedtls_test

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/attestedtls"
	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/pcr"
)

// defaults returns an identity and a client's configuration that name no binding.
func (w *world) defaults(t *testing.T) (*attestedtls.Identity, attestedtls.Config) {
	t.Helper()
	identity, err := attestedtls.NewIdentity(attestedtls.IdentityConfig{Attester: w.Enclave().NSM()})
	require.NoError(t, err)
	config := w.config(t)
	config.Binding = attestedtls.Binding{}
	return identity, config
}

// The form that the documentation gives, put together by hand.
func TestLabelledDocuments(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity, config := w.defaults(t)
	s := enclave(t, identity)
	conn, err := dial(t, config, s.address)
	require.NoError(t, err)
	defer conn.Close()
	document := conn.Result().Document
	hash := sha256.Sum256(identity.Certificate().Raw)
	assert.Equal(t, append([]byte("nitroattest/attestedtls v1"), hash[:]...), document.UserData)
	assert.Nil(t, document.PublicKey)

	answer := ask(identity, http.MethodGet, "?nonce=00112233445566778899aabbccddeeff")
	parsed, err := attestation.ParseUnverified(answer.Body.Bytes())
	require.NoError(t, err)
	nonce, _ := hex.DecodeString("00112233445566778899aabbccddeeff")
	want := sha256.Sum256(append([]byte("nitroattest/attestedtls v1"), nonce...))
	assert.Equal(t, want[:], parsed.Document.Nonce)
	assert.Equal(t, want[:], attestedtls.Labelled().Nonce(nonce))
}

// Somebody without an enclave is given a nonce by a relying party of another
// protocol, and has the server of an enclave answer it.
func TestServerIsNoOracleForOtherProtocols(t *testing.T) {
	t.Parallel()
	w := newWorld()
	store, err := challenge.NewMemory(10)
	require.NoError(t, err)
	issuer, err := challenge.New(challenge.Config{Store: store, Now: w.now})
	require.NoError(t, err)
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{w.Enclave().Image()}}, Roots: w.Roots(), Now: w.now})
	require.NoError(t, err)
	fetch := func(identity *attestedtls.Identity) challenge.Response {
		nonce, err := issuer.Issue(nil)
		require.NoError(t, err)
		c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
		response, err := c.Get("https://" + enclave(t, identity).address + attestedtls.DefaultPath + "?nonce=" + hex.EncodeToString(nonce))
		require.NoError(t, err)
		defer response.Body.Close()
		document, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return challenge.Response{Evidence: document, Nonce: nonce}
	}
	identity, _ := w.defaults(t)
	_, err = issuer.Verify(t.Context(), verifier, fetch(identity), attestation.Expect{})
	assert.ErrorIs(t, err, attestation.NonceMismatch)

	// With a binding that others understand it is one, and who asks for null fields
	// is not taken in.
	_, err = issuer.Verify(t.Context(), verifier, fetch(w.identity(t)), attestation.Expect{})
	assert.NoError(t, err)
	_, err = issuer.Verify(t.Context(), verifier, fetch(w.identity(t)), attestation.Expect{NoUserData: true})
	assert.ErrorIs(t, err, attestation.UserDataMismatch)
}

// The document of another protocol, with the right hash and the client's nonce,
// is not taken for one of this.
func TestLabelledRefusesDocumentsOfOtherProtocols(t *testing.T) {
	t.Parallel()
	w := newWorld()
	identity, config := w.defaults(t)
	good, _ := attestedtls.Labelled().Claim(identity.Certificate())
	hash, _ := attestedtls.CertificateHash().Claim(identity.Certificate())
	for name, c := range map[string]struct {
		userData []byte
		nonce    func([]byte) []byte
		want     error
	}{
		"good":               {good, attestedtls.Labelled().Nonce, nil},
		"the nonce as it is": {good, func(nonce []byte) []byte { return nonce }, attestation.NonceMismatch},
		"no label":           {hash, attestedtls.Labelled().Nonce, attestedtls.NotBound},
		"another version":    {append([]byte("nitroattest/attestedtls v2"), hash...), attestedtls.Labelled().Nonce, attestedtls.NotBound},
		"cut off":            {good[:57], attestedtls.Labelled().Nonce, attestedtls.NotBound},
		"longer":             {append(append([]byte{}, good...), 0), attestedtls.Labelled().Nonce, attestedtls.NotBound},
	} {
		address, _ := script(t, identity, func(conn net.Conn, request *http.Request) {
			nonce, _ := hex.DecodeString(request.URL.Query().Get("nonce"))
			ok(conn, w.Attest(attestationtest.Request{UserData: c.userData, Nonce: c.nonce(nonce)}))
		})
		conn, err := dial(t, config, address)
		if c.want == nil {
			require.NoError(t, err, name)
			conn.Close()
			continue
		}
		assert.ErrorIs(t, err, c.want, name)
	}
}
