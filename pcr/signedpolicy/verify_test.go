package signedpolicy_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

func TestWhatIsSignedIsVerified(t *testing.T) {
	t.Parallel()
	for algorithm, signer := range map[string]crypto.Signer{"Ed25519": alice, "P-256": bob, "P-384": carol} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			got, err := newVerifier(t, config(1, signer)).Verify(signed(t, statement(), signer))
			require.NoError(t, err)
			want := statement()
			assert.Equal(t, &want, got)
		})
	}
}

func TestStatementsSurviveTheEnvelope(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*signedpolicy.Statement){
		"no subject":            func(s *signedpolicy.Statement) { s.Subjects = nil },
		"fractions of a second": func(s *signedpolicy.Statement) { s.Issued = issued.Add(123456789) },
		"a policy for NitroTPM": func(s *signedpolicy.Statement) {
			s.Policy = pcr.Policy{Kind: pcr.NitroTPM, Images: []pcr.Image{{Name: "v1", PCRs: pcr.Bank{4: filled(4), 12: {}, 13: {}}}}}
		},
		"text to escape":       func(s *signedpolicy.Statement) { s.Policy.Images[0].Name = "<v1> & \"é\" \u2028" },
		"the largest version":  func(s *signedpolicy.Statement) { s.Version = 1<<64 - 1 },
		"an unknown algorithm": func(s *signedpolicy.Statement) { s.Subjects[0].Digest["gitCommit"] = "abcd" },
		"a revoked name":       func(s *signedpolicy.Statement) { s.Revoked = []string{"v1.0.0", "v0.9.0"} },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			want := statement()
			change(&want)
			got, err := newVerifier(t, config(1, alice)).Verify(signed(t, want, alice))
			require.NoError(t, err)
			assert.Equal(t, &want, got)
		})
	}
}

func TestSignersAreTheKeysThatSigned(t *testing.T) {
	t.Parallel()
	envelope := signed(t, statement(), carol, alice)
	verified, err := newVerifier(t, config(2, alice, bob, carol)).VerifySigners(envelope)
	require.NoError(t, err)
	var want []string
	for _, s := range []crypto.Signer{alice, carol} {
		id, err := signedpolicy.KeyID(s.Public())
		require.NoError(t, err)
		want = append(want, id)
	}
	assert.Equal(t, want, verified.Signers)
}

// The table of attacks. Each differs in one thing from an envelope that
// TestWhatIsSignedIsVerified accepts.
func TestAttacksAreRefused(t *testing.T) {
	t.Parallel()
	good := signed(t, statement(), alice, bob)
	late := config(2, alice, bob)
	late.Now = func() time.Time { return expires }
	early := config(2, alice, bob)
	early.Now = func() time.Time { return issued.Add(-1) }
	other := config(2, alice, bob)
	other.Name = "example.com/other"
	both := config(2, alice, bob)
	for _, attack := range []struct {
		what     string
		config   signedpolicy.Config
		envelope []byte
		reason   signedpolicy.Reason
		detail   string
	}{
		{"a wrong key", config(1, carol), good, signedpolicy.TooFewSignatures, "found 0 of 1 keys in 2 signatures, expected 1"},
		{"one of two keys", config(2, alice, carol), good, signedpolicy.TooFewSignatures, "found 1 of 2 keys in 2 signatures, expected 2"},
		{"one signature twice", both, repeated(t, signed(t, statement(), alice), nil), signedpolicy.TooFewSignatures, "found 1 of 2 keys in 2"},
		{"one key under two IDs", both, repeated(t, signed(t, statement(), alice), func(id string) string { return "another" }), signedpolicy.TooFewSignatures, "found 1 of 2 keys in 2"},
		{"one key under the ID of another", both, repeated(t, signed(t, statement(), alice), func(string) string { return keyID(t, bob) }), signedpolicy.TooFewSignatures, "found 1 of 2"},
		{"two signatures of one ECDSA key", both, join(t, signed(t, statement(), bob), signed(t, statement(), bob)), signedpolicy.TooFewSignatures, "found 1 of 2 keys in 2"},
		{"no signature", both, signedPayload(t, signedpolicy.PayloadType, payloadOf(t, good)), signedpolicy.TooFewSignatures, "in 0 signatures"},
		{"swapped payload type", both, bytes.Replace(good, []byte("vnd.in-toto+json"), []byte("json"), 1), signedpolicy.WrongPayloadType, `found "application/json", expected "application/vnd.in-toto+json"`},
		{"signed under another payload type", both, signedPayload(t, "application/json", payloadOf(t, good), alice, bob), signedpolicy.WrongPayloadType, "payloadType"},
		{"that, and the type swapped back", both, bytes.Replace(signedPayload(t, "application/json", payloadOf(t, good), alice, bob), []byte(`"application/json"`), []byte(`"application/vnd.in-toto+json"`), 1), signedpolicy.TooFewSignatures, "found 0 of 2"},
		{"signatures over the payload alone", both, overPayloadAlone(t, payloadOf(t, good)), signedpolicy.TooFewSignatures, "found 0 of 2"},
		{"signatures of another statement", both, swapPayload(t, good, bytes.Replace(payloadOf(t, good), []byte(`:7,`), []byte(`:8,`), 1)), signedpolicy.TooFewSignatures, "found 0 of 2"},
		{"re-ordered statement", both, swapPayload(t, good, reordered(t, payloadOf(t, good))), signedpolicy.TooFewSignatures, "found 0 of 2"},
		{"truncated", both, good[:len(good)-2], signedpolicy.MalformedEnvelope, "found no JSON"},
		{"a second value", both, append(bytes.Clone(good), good...), signedpolicy.MalformedEnvelope, "found no JSON"},
		{"duplicated key in the envelope", both, bytes.Replace(good, []byte(`{"payloadType"`), []byte(`{"payload":"e30=","payloadType"`), 1), signedpolicy.MalformedEnvelope, "payload: the key is given twice"},
		{"unknown key in the envelope", both, bytes.Replace(good, []byte(`{"payloadType"`), []byte(`{"x":1,"payloadType"`), 1), signedpolicy.MalformedEnvelope, "x: unknown key"},
		{"key in capitals", both, bytes.Replace(good, []byte(`"payload"`), []byte(`"Payload"`), 1), signedpolicy.MalformedEnvelope, "Payload: unknown key"},
		{"unknown key in a signature", both, bytes.Replace(good, []byte(`"sig"`), []byte(`"cert":"","sig"`), 1), signedpolicy.MalformedEnvelope, "signatures[0].cert: unknown key"},
		{"duplicated key in the statement", both, edited(t, `"version":7`, `"version":7,"version":7`, alice, bob), signedpolicy.MalformedStatement, "predicate.version: the key is given twice"},
		{"that, written with an escape", both, edited(t, `"version":7`, `"version":7,"v\u0065rsion":7`, alice, bob), signedpolicy.MalformedStatement, "predicate.version: the key is given twice"},
		{"duplicated key in the policy", both, edited(t, `"policy":{`, `"policy":{"images":[],`, alice, bob), signedpolicy.MalformedStatement, "images: the key is given twice"},
		{"unknown key in the statement", both, edited(t, `"version":7`, `"version":7,"x":1`, alice, bob), signedpolicy.MalformedStatement, "predicate.x: unknown key"},
		{"other statement type", both, edited(t, `Statement/v1"`, `Statement/v0.1"`, alice, bob), signedpolicy.MalformedStatement, `_type: found "https://in-toto.io/Statement/v0.1"`},
		{"other predicate type", both, edited(t, `reference-values/v1"`, `reference-values/v2"`, alice, bob), signedpolicy.WrongPredicateType, "reference-values/v2"},
		{"an older version", seen(both, 8), good, signedpolicy.RolledBack, "version: found 7, expected at least 8"},
		{"expired", late, good, signedpolicy.Expired, "expires: found 2027-02-01T12:00:00Z"},
		{"not yet issued", early, good, signedpolicy.NotYetValid, "issued: found 2026-11-01T12:00:00Z"},
		{"other name", other, good, signedpolicy.OtherName, `found "example.com/payments", expected "example.com/other"`},
		{"name in capitals", both, edited(t, `"name":"example.com/payments"`, `"name":"example.com/Payments"`, alice, bob), signedpolicy.OtherName, "example.com/Payments"},
		{"every image revoked", both, edited(t, `"predicate":{`, `"predicate":{"revoked":["v1.1.0","v1.2.0"],`, alice, bob), signedpolicy.ImageRevoked, "every image"},
		{"a store that fails", failing(both), good, signedpolicy.StoreFailed, "disk on fire"},
	} {
		t.Run(attack.what, func(t *testing.T) {
			t.Parallel()
			requireRefused(t, newVerifier(t, attack.config), attack.envelope, attack.reason, attack.detail)
		})
	}
}

func seen(c signedpolicy.Config, version uint64) signedpolicy.Config {
	c.Seen = signedpolicy.NewMemoryStore()
	_, _ = c.Seen.Advance(name, version)
	return c
}

type failingStore struct{}

func (failingStore) Advance(string, uint64) (uint64, error) { return 0, errors.New("disk on fire") }

func failing(c signedpolicy.Config) signedpolicy.Config {
	c.Seen = failingStore{}
	return c
}

func keyID(t testing.TB, s crypto.Signer) string {
	id, err := signedpolicy.KeyID(s.Public())
	require.NoError(t, err)
	return id
}

type envelopeJSON struct {
	PayloadType string          `json:"payloadType"`
	Payload     []byte          `json:"payload"`
	Signatures  []signatureJSON `json:"signatures"`
}

type signatureJSON struct {
	KeyID string `json:"keyid"`
	Sig   []byte `json:"sig"`
}

func decode(t testing.TB, envelope []byte) (e envelopeJSON) {
	require.NoError(t, json.Unmarshal(envelope, &e))
	return e
}

func encode(t testing.TB, e envelopeJSON) []byte {
	data, err := json.Marshal(e)
	require.NoError(t, err)
	return data
}

// repeated gives the first signature twice, the second time under another ID.
func repeated(t testing.TB, envelope []byte, id func(string) string) []byte {
	e := decode(t, envelope)
	second := e.Signatures[0]
	if id != nil {
		second.KeyID = id(second.KeyID)
	}
	e.Signatures = append(e.Signatures, second)
	return encode(t, e)
}

func join(t testing.TB, a, b []byte) []byte {
	e := decode(t, a)
	e.Signatures = append(e.Signatures, decode(t, b).Signatures...)
	require.NotEqual(t, e.Signatures[0], e.Signatures[1])
	return encode(t, e)
}

func swapPayload(t testing.TB, envelope, payload []byte) []byte {
	e := decode(t, envelope)
	require.NotEqual(t, e.Payload, payload)
	e.Payload = payload
	return encode(t, e)
}

func overPayloadAlone(t testing.TB, payload []byte) []byte {
	sig, err := alice.Sign(nil, payload, crypto.Hash(0))
	require.NoError(t, err)
	return encode(t, envelopeJSON{signedpolicy.PayloadType, payload, []signatureJSON{{"", sig}}})
}

// reordered is the same JSON with its keys in alphabetical order.
func reordered(t testing.TB, payload []byte) []byte {
	var v any
	require.NoError(t, json.Unmarshal(payload, &v))
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return data
}

// The key ID is a hint that is not signed: any will do, and so will none.
func TestKeyIDIsAHint(t *testing.T) {
	t.Parallel()
	for _, ids := range [][]string{{"", ""}, {"alice", "alice"}, {keyID(t, bob), keyID(t, alice)}} {
		e := decode(t, signed(t, statement(), bob, alice))
		for i := range e.Signatures {
			e.Signatures[i].KeyID = ids[i]
		}
		_, err := newVerifier(t, config(2, alice, bob, carol)).Verify(encode(t, e))
		assert.NoError(t, err)
	}
	_, err := newVerifier(t, config(2, alice, bob)).Verify(signedPayload(t, signedpolicy.PayloadType, payloadOf(t, signed(t, statement(), alice)), alice, bob))
	assert.NoError(t, err)
}

func TestOrderOfTheSignaturesIsFree(t *testing.T) {
	t.Parallel()
	junk := signatureJSON{"", bytes.Repeat([]byte{0x30}, 64)}
	e := decode(t, signed(t, statement(), alice, bob))
	e.Signatures = []signatureJSON{junk, e.Signatures[1], junk, e.Signatures[0]}
	_, err := newVerifier(t, config(2, alice, bob)).Verify(encode(t, e))
	assert.NoError(t, err)
}

func TestTimesAreBoundsOfTheInterval(t *testing.T) {
	t.Parallel()
	for _, now := range []time.Time{issued, expires.Add(-1), during.In(time.FixedZone("", 3600))} {
		c := config(1, alice)
		c.Now = func() time.Time { return now }
		_, err := newVerifier(t, c).Verify(signed(t, statement(), alice))
		assert.NoError(t, err, now)
	}
}

func TestVersionsOnlyGoUp(t *testing.T) {
	t.Parallel()
	version := func(n uint64, name string) []byte {
		s := statement()
		s.Version = n
		s.Name = name
		return signed(t, s, alice)
	}
	v := newVerifier(t, config(1, alice))
	for _, n := range []uint64{7, 7, 9} {
		_, err := v.Verify(version(n, name))
		require.NoError(t, err)
	}
	requireRefused(t, v, version(8, name), signedpolicy.RolledBack, "found 8, expected at least 9")

	// What is refused for its signatures, its name or its begin moves nothing.
	_, err := v.Verify(bytes.Replace(version(11, name), []byte("sig\":\""), []byte("sig\":\"AA"), 1))
	require.Error(t, err)
	requireRefused(t, v, version(12, "example.com/other"), signedpolicy.OtherName, "")
	future := statement()
	future.Version, future.Issued = 13, during.Add(1)
	requireRefused(t, v, signed(t, future, alice), signedpolicy.NotYetValid, "")
	_, err = v.Verify(version(9, name))
	require.NoError(t, err)

	// What has expired or accepts nothing has replaced what was before all the same.
	past := statement()
	past.Version, past.Expires = 14, during
	requireRefused(t, v, signed(t, past, alice), signedpolicy.Expired, "")
	requireRefused(t, v, version(9, name), signedpolicy.RolledBack, "at least 14")
	none := statement()
	none.Version, none.Revoked = 15, []string{"v1.2.0", "v1.1.0"}
	requireRefused(t, v, signed(t, none, alice), signedpolicy.ImageRevoked, "")
	requireRefused(t, v, version(14, name), signedpolicy.RolledBack, "at least 15")
}

func TestRevokedImagesAreNotInThePolicy(t *testing.T) {
	t.Parallel()
	s := statement()
	s.Revoked = []string{"v1.1.0"}
	got, err := newVerifier(t, config(1, alice)).Verify(signed(t, s, alice))
	require.NoError(t, err)
	assert.Equal(t, s.Policy.Images[1:], got.Policy.Images)
	assert.Equal(t, s.Revoked, got.Revoked)
	_, err = got.Policy.Match(s.Policy.Images[0].PCRs)
	assert.Error(t, err, "a document of the revoked image")
	unverified, err := signedpolicy.ParseUnverified(signed(t, s, alice))
	require.NoError(t, err)
	assert.Equal(t, s, unverified.Statement)
	assert.Equal(t, 1, unverified.Signatures)
}

func TestConfigsThatCannotRefuseAreErrors(t *testing.T) {
	t.Parallel()
	many := make([]crypto.Signer, 33)
	for i := range many {
		many[i] = newEd25519()
	}
	p224 := newECDSA(elliptic.P224())
	offCurve := *bob.Public().(*ecdsa.PublicKey)
	offCurve.Curve = elliptic.P384()
	for what, c := range map[string]struct {
		config  signedpolicy.Config
		message string
	}{
		"nothing":                        {signedpolicy.Config{}, "found 0 keys, expected 1 to 32"},
		"no key":                         {config(1), "found 0 keys"},
		"too many keys":                  {config(1, many...), "found 33 keys"},
		"no threshold":                   {config(0, alice), "found a threshold of 0, expected 1 to 1"},
		"a negative threshold":           {config(-1, alice), "found a threshold of -1"},
		"a threshold above the keys":     {config(2, alice), "found a threshold of 2, expected 1 to 1"},
		"a threshold above the distinct": {config(2, alice, alice), "found a threshold of 2, expected 1 to 1"},
		"no name":                        {signedpolicy.Config{Keys: public(alice), Threshold: 1}, "name: found 0 bytes, expected 1 to 256"},
		"another curve":                  {config(1, p224), "key 1: found an ECDSA key on another curve, expected P-256 or P-384"},
		"a private key":                  {signedpolicy.Config{Keys: []crypto.PublicKey{alice}, Threshold: 1, Name: name}, "key 1: found a key of type ed25519.PrivateKey"},
		"a short Ed25519 key":            {signedpolicy.Config{Keys: []crypto.PublicKey{ed25519.PublicKey{1}}, Threshold: 1, Name: name}, "found an Ed25519 key of 1 bytes, expected 32"},
		"a nil key":                      {signedpolicy.Config{Keys: []crypto.PublicKey{nil}, Threshold: 1, Name: name}, "key 1: found a key of type <nil>"},
		"a nil ECDSA key":                {signedpolicy.Config{Keys: []crypto.PublicKey{(*ecdsa.PublicKey)(nil)}, Threshold: 1, Name: name}, "key 1: found an ECDSA key"},
		"a point that is off its curve":  {signedpolicy.Config{Keys: []crypto.PublicKey{&offCurve}, Threshold: 1, Name: name}, "key 1: found an ECDSA key that is no point on its curve"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			v, err := signedpolicy.NewVerifier(c.config)
			assert.Nil(t, v)
			assert.ErrorContains(t, err, "signedpolicy: "+c.message[:strings.Index(c.message, ":")+1])
			assert.ErrorContains(t, err, c.message)
		})
	}
}

func TestInsecureAppraiseNeedsAStoreAndAName(t *testing.T) {
	t.Parallel()
	payload := payloadOf(t, signed(t, statement(), alice))
	_, err := signedpolicy.InsecureAppraise(payload, signedpolicy.Expect{Name: name})
	assert.ErrorContains(t, err, "no store is given")
	_, err = signedpolicy.InsecureAppraise(payload, signedpolicy.Expect{Seen: signedpolicy.NewMemoryStore()})
	assert.ErrorContains(t, err, "name: found 0 bytes")
	expect := signedpolicy.Expect{Name: name, Seen: signedpolicy.NewMemoryStore(), Now: func() time.Time { return during }}
	s, err := signedpolicy.InsecureAppraise(payload, expect)
	require.NoError(t, err)
	assert.Equal(t, statement(), *s)
	expect.Name = "other"
	_, err = signedpolicy.InsecureAppraise(payload, expect)
	assert.ErrorIs(t, err, signedpolicy.OtherName)
}

func TestReasonsPrintThemselves(t *testing.T) {
	t.Parallel()
	cause := fmt.Errorf("cause")
	err := &signedpolicy.Error{Reason: signedpolicy.Expired, Detail: "detail", Err: cause}
	assert.EqualError(t, err, "expired: detail: cause")
	assert.ErrorIs(t, err, cause)
	assert.EqualError(t, &signedpolicy.Error{Reason: signedpolicy.Expired}, "expired")
	assert.EqualError(t, signedpolicy.Expired, "expired")
}
