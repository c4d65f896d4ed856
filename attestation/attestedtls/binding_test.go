package attestedtls_test

import (
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/attestedtls"
)

var bindings = []struct {
	name    string
	binding attestedtls.Binding
}{
	{"certificate hash", attestedtls.CertificateHash()},
	{"certificate multihash", attestedtls.CertificateMultihash([32]byte{1})},
	{"key hash", attestedtls.KeyHash()},
	{"key in user_data", attestedtls.KeyInUserData()},
	{"key in public_key", attestedtls.KeyInPublicKey()},
	{"labelled", attestedtls.Labelled()},
	{"by default", attestedtls.Binding{}},
}

// Each claim satisfies its binding and no other.
func TestClaimsAndBindings(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for i, claim := range bindings {
		identity, err := attestedtls.NewIdentity(attestedtls.IdentityConfig{Attester: w.Enclave().NSM(), Binding: claim.binding})
		require.NoError(t, err)
		s := enclave(t, identity)
		for j, binding := range bindings {
			config := w.config(t)
			config.Binding = binding.binding
			conn, err := dial(t, config, s.address)
			if i == j || i >= 5 && j >= 5 {
				if assert.NoError(t, err, claim.name) {
					conn.Close()
				}
			} else {
				want := attestedtls.NotBound
				if i >= 5 || j >= 5 {
					want = attestedtls.Refused // the nonce is another one
				}
				assert.ErrorIs(t, err, want, claim.name, binding.name)
			}
		}
	}
}

func TestShapesOfClaims(t *testing.T) {
	t.Parallel()
	certificate, err := attestedtls.NewCertificate(attestedtls.CertificateConfig{})
	require.NoError(t, err)
	for i, sizes := range [][2]int{{32, 0}, {68, 0}, {32, 0}, {91, 0}, {0, 91}, {58, 0}} {
		userData, publicKey := bindings[i].binding.Claim(certificate.Leaf)
		assert.Len(t, userData, sizes[0], bindings[i].name)
		assert.Len(t, publicKey, sizes[1], bindings[i].name)
	}
}

// bind asks a binding about a field of a document for a connection with the
// certificate.
func bind(t *testing.T, b attestedtls.Binding, certificate *tls.Certificate, userData, publicKey []byte) error {
	t.Helper()
	w := newWorld()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*certificate}})
	require.NoError(t, err)
	defer l.Close()
	go http.Serve(l, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		nonce, _ := hex.DecodeString(r.URL.Query().Get("nonce"))
		rw.Write(w.Attest(attestationtest.Request{Nonce: nonce, UserData: userData, PublicKey: publicKey}))
	}))
	config := w.config(t)
	config.Binding = b
	conn, err := dial(t, config, l.Addr().String())
	if err == nil {
		conn.Close()
	}
	return err
}

func TestMultihashesThatAreNone(t *testing.T) {
	t.Parallel()
	certificate, err := attestedtls.NewCertificate(attestedtls.CertificateConfig{})
	require.NoError(t, err)
	good, _ := attestedtls.CertificateMultihash([32]byte{1}).Claim(certificate.Leaf)
	require.NoError(t, bind(t, attestedtls.CertificateMultihash([32]byte{}), certificate, good, nil))
	edit := func(at int) []byte {
		bad := slices.Clone(good)
		bad[at] ^= 1
		return bad
	}
	for _, c := range []struct {
		userData []byte
		text     string
	}{
		{nil, "user_data: found 0 bytes, expected two multihashes of 34"},
		{good[:34], "user_data: found 34 bytes"},
		{append(slices.Clone(good), 0), "user_data: found 69 bytes"},
		{edit(0), "first multihash of user_data: found 1320"},
		{edit(1), "first multihash of user_data: found 1221"},
		{edit(33), "first multihash of user_data: found 1220"},
		{edit(34), "user_data: found 1320 before the second hash, expected 1220"},
		{edit(35), "user_data: found 1221 before the second hash, expected 1220"},
		{slices.Concat(good[34:], good[:34]), "first multihash of user_data: found 1220"},
	} {
		assert.ErrorContains(t, bind(t, attestedtls.CertificateMultihash([32]byte{}), certificate, c.userData, nil), c.text)
	}
	assert.NoError(t, bind(t, attestedtls.CertificateMultihash([32]byte{}), certificate, edit(36), nil), "the second hash is the application's")
}

func TestBindingsSayWhatDiffers(t *testing.T) {
	t.Parallel()
	certificate, err := attestedtls.NewCertificate(attestedtls.CertificateConfig{})
	require.NoError(t, err)
	err = bind(t, attestedtls.KeyInPublicKey(), certificate, certificate.Leaf.RawSubjectPublicKeyInfo, nil)
	assert.ErrorContains(t, err, "public_key: found nothing, expected 3059301306072a86")
	assert.ErrorContains(t, err, "... (91 bytes)")
	err = bind(t, attestedtls.KeyHash(), certificate, []byte{}, nil)
	assert.ErrorContains(t, err, "user_data: found nothing, expected ")
}

// A binding of one's own, as one that uses the keys of the connection would be.
func TestBindingOfOnesOwn(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := enclave(t, w.identity(t))
	config := w.config(t)
	unbound := errors.New("not this one")
	config.Binding = attestedtls.NewBinding(nil, func(state tls.ConnectionState, result *attestation.Result) error {
		exported, err := state.ExportKeyingMaterial("EXPORTER-test", nil, 32)
		assert.NoError(t, err)
		assert.Len(t, exported, 32)
		assert.True(t, result.Verified())
		return unbound
	})
	_, err := client(t, config).Get(s.url("/"))
	assert.ErrorIs(t, err, attestedtls.NotBound)
	assert.ErrorIs(t, err, unbound)
	assert.Empty(t, s.requests())
}
