package signedpolicy_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

var (
	issued  = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	expires = time.Date(2027, 2, 1, 12, 0, 0, 0, time.UTC)
	during  = issued.Add(24 * time.Hour)
)

const name = "example.com/payments"

// Keys of the three algorithms.
var alice, bob, carol = newEd25519(), newECDSA(elliptic.P256()), newECDSA(elliptic.P384())

func newEd25519() crypto.Signer {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

func newECDSA(curve elliptic.Curve) crypto.Signer {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

func filled(b byte) (v pcr.Value) {
	for i := range v {
		v[i] = b
	}
	return v
}

func statement() signedpolicy.Statement {
	return signedpolicy.Statement{
		Name: name, Version: 7, Issued: issued, Expires: expires,
		Policy: pcr.Policy{Images: []pcr.Image{
			{Name: "v1.1.0", PCRs: pcr.Bank{0: filled(0xa0), 1: filled(0xa1), 2: filled(0xa2)}},
			{Name: "v1.2.0", PCRs: pcr.Bank{0: filled(0xb0), 8: filled(0xb8)}},
		}},
		Subjects: []signedpolicy.Subject{{Name: "enclave.eif", Digest: map[string]string{
			// SHA-256 of "image".
			"sha256": "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d",
		}}},
	}
}

func public(signers ...crypto.Signer) (keys []crypto.PublicKey) {
	for _, s := range signers {
		keys = append(keys, s.Public())
	}
	return keys
}

func config(threshold int, signers ...crypto.Signer) signedpolicy.Config {
	return signedpolicy.Config{Keys: public(signers...), Threshold: threshold, Name: name, Now: func() time.Time { return during }}
}

func newVerifier(t testing.TB, c signedpolicy.Config) *signedpolicy.Verifier {
	t.Helper()
	v, err := signedpolicy.NewVerifier(c)
	require.NoError(t, err)
	return v
}

func signed(t testing.TB, s signedpolicy.Statement, signers ...crypto.Signer) []byte {
	t.Helper()
	envelope, err := signedpolicy.Sign(s, signers...)
	require.NoError(t, err)
	return envelope
}

// signedPayload signs any bytes, as somebody with the key could.
func signedPayload(t testing.TB, payloadType string, payload []byte, signers ...crypto.Signer) []byte {
	t.Helper()
	type sig struct {
		KeyID string `json:"keyid"`
		Sig   []byte `json:"sig"`
	}
	out := struct {
		Payload     []byte `json:"payload"`
		PayloadType string `json:"payloadType"`
		Signatures  []sig  `json:"signatures"`
	}{payload, payloadType, []sig{}}
	message := fmt.Sprintf("DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload)
	for _, s := range signers {
		var hash crypto.Hash
		if key, ok := s.Public().(*ecdsa.PublicKey); ok {
			hash = map[elliptic.Curve]crypto.Hash{elliptic.P256(): crypto.SHA256, elliptic.P384(): crypto.SHA384}[key.Curve]
		}
		made, err := crypto.SignMessage(s, rand.Reader, []byte(message), hash)
		require.NoError(t, err)
		out.Signatures = append(out.Signatures, sig{"", made})
	}
	data, err := json.Marshal(out)
	require.NoError(t, err)
	return data
}

// edited changes one place of the statement's JSON and signs the result.
func edited(t testing.TB, old, replacement string, signers ...crypto.Signer) []byte {
	t.Helper()
	payload, err := signedpolicy.MarshalStatement(statement())
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(payload), old), "%s in %s", old, payload)
	return signedPayload(t, signedpolicy.PayloadType, []byte(strings.Replace(string(payload), old, replacement, 1)), signers...)
}

func payloadOf(t testing.TB, envelope []byte) []byte {
	t.Helper()
	var e struct{ Payload string }
	require.NoError(t, json.Unmarshal(envelope, &e))
	payload, err := base64.StdEncoding.DecodeString(e.Payload)
	require.NoError(t, err)
	return payload
}

func requireRefused(t testing.TB, v *signedpolicy.Verifier, envelope []byte, reason signedpolicy.Reason, detail string) {
	t.Helper()
	s, err := v.Verify(envelope)
	require.Nil(t, s)
	require.ErrorIs(t, err, reason)
	var refused *signedpolicy.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, reason, refused.Reason)
	assert.ErrorContains(t, err, string(reason)+": ")
	assert.ErrorContains(t, err, detail)
}
