package signedpolicy_test

import (
	"bytes"
	"crypto"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

// Every signature is over the whole statement: an envelope with another value
// in any byte is refused.
func TestEveryByteOfAnEnvelopeCounts(t *testing.T) {
	t.Parallel()
	envelope := bytes.TrimSpace(signed(t, statement(), alice, bob))
	v := newVerifier(t, config(2, alice, bob))
	_, err := v.Verify(envelope)
	require.NoError(t, err)
	for i := range envelope {
		for _, mask := range []byte{0x01, 0x02, 0x20, 0x80} {
			mutant := bytes.Clone(envelope)
			mutant[i] ^= mask
			got, err := v.Verify(mutant)
			require.Nil(t, got, "byte %d ^ %#x", i, mask)
			var refused *signedpolicy.Error
			require.ErrorAs(t, err, &refused, "byte %d ^ %#x", i, mask)
		}
	}
}

// What an envelope says outside of payload, type and signatures is a hint. With
// bytes inserted anywhere nothing else than the same statement is accepted.
func TestBytesThatAreInsertedChangeNothing(t *testing.T) {
	t.Parallel()
	envelope := bytes.TrimSpace(signed(t, statement(), alice))
	v := newVerifier(t, config(1, alice))
	want, err := v.Verify(envelope)
	require.NoError(t, err)
	for i := range envelope {
		for _, inserted := range []string{" ", "A", "=", "}"} {
			if got, err := v.Verify(slices.Insert(bytes.Clone(envelope), i, []byte(inserted)...)); err == nil {
				require.Equal(t, want, got)
			}
		}
	}
}

func TestEveryByteOfTheStatementIsSigned(t *testing.T) {
	t.Parallel()
	envelope := signed(t, statement(), alice, bob, carol)
	payload := payloadOf(t, envelope)
	v := newVerifier(t, config(1, alice, bob, carol))
	for i := range payload {
		mutant := bytes.Clone(payload)
		mutant[i] ^= 1
		if i%8 != 0 && testing.Short() {
			continue
		}
		requireRefused(t, v, swapPayload(t, envelope, mutant), signedpolicy.TooFewSignatures, "found 0 of 3")
	}
	for _, mutant := range [][]byte{payload[1:], payload[:len(payload)-1], append(bytes.Clone(payload), ' '), {}} {
		requireRefused(t, v, swapPayload(t, envelope, mutant), signedpolicy.TooFewSignatures, "found 0 of 3")
	}
}

func TestEveryPrefixIsRefused(t *testing.T) {
	t.Parallel()
	envelope := bytes.TrimSpace(signed(t, statement(), alice))
	v := newVerifier(t, config(1, alice))
	for i := range envelope {
		requireRefused(t, v, envelope[:i], signedpolicy.MalformedEnvelope, "found no JSON")
	}
}

func TestEnvelopesThatAreNone(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, config(1, alice))
	for text, detail := range map[string]string{
		"":                                       "found no JSON",
		" ":                                      "found no JSON",
		"null":                                   "found null, expected an object",
		"true":                                   "found a boolean, expected an object",
		"1":                                      "found a number, expected an object",
		`"x"`:                                    "found a string, expected an object",
		"[]":                                     "found an array, expected an object",
		"{}":                                     "payloadType: missing",
		"{\"\xff\": 1}":                          "found bytes that are not UTF-8",
		`{"payloadType": 1}`:                     "payloadType: found a number, expected a string",
		`{"payloadType": "x", "payload": "e30"}`: `payload: found "e30", expected base64`,
		`{"payloadType": "x", "payload": "e31="}`:             `payload: found "e31=", expected base64`,
		`{"payloadType": "x", "payload": "e3\n0="}`:           "payload: found a line end, expected base64",
		`{"payloadType": "x", "payload": "e30="}`:             "signatures: missing",
		`{"signatures": {}}`:                                  "signatures: found an object, expected an array",
		`{"signatures": [1]}`:                                 "signatures[0]: found a number, expected an object",
		`{"signatures": [{}]}`:                                "signatures[0].sig: missing",
		`{"signatures": [{"sig": "", "sig": ""}]}`:            "signatures[0].sig: the key is given twice",
		`{"signatures": [{"keyid": null}]}`:                   "signatures[0].keyid: found null, expected a string",
		`{"a b": 1}`:                                          `"a b": unknown key`,
		`{"` + strings.Repeat("k", 100000) + `": 1}`:          strings.Repeat("k", 64) + "...: unknown key",
		strings.Repeat("[", 100000):                           "found no JSON",
		strings.Repeat("[", 5000) + strings.Repeat("]", 5000): "found an array, expected an object",
	} {
		requireRefused(t, v, []byte(text), signedpolicy.MalformedEnvelope, detail)
	}
}

func TestURLSafeBase64IsReadToo(t *testing.T) {
	t.Parallel()
	s := statement()
	s.Policy.Images[0].Name = "???>>>~~~" // "+" and "/" in base64
	envelope := signed(t, s, alice)
	text := string(envelope)
	i := strings.Index(text, `"payload":"`)
	j := strings.Index(text, `","signatures"`)
	safe := text[:i] + strings.NewReplacer("+", "-", "/", "_").Replace(text[i:j]) + text[j:]
	require.NotEqual(t, text, safe)
	_, err := newVerifier(t, config(1, alice)).Verify([]byte(safe))
	assert.NoError(t, err)
}

// Only somebody with the keys can get a statement as far as its reading.
func TestSignedStatementsThatAreNone(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, config(1, alice))
	for _, c := range []struct{ old, replacement, detail string }{
		{`"version":7`, `"version":7.0`, `predicate.version: found "7.0", expected a whole number`},
		{`"version":7`, `"version":7e0`, `predicate.version: found "7e0"`},
		{`"version":7`, `"version":-7`, `predicate.version: found "-7"`},
		{`"version":7`, `"version":"7"`, `predicate.version: found "\"7\""`},
		{`"version":7`, `"version":18446744073709551616`, `predicate.version: found "18446744073709551616"`},
		{`"version":7`, `"version":0`, `version: found 0, expected 1 or more`},
		{`"version":7,`, ``, `predicate.version: missing`},
		{`"issued":"2026-11-01T12:00:00Z"`, `"issued":"2026-11-01"`, `predicate.issued: found "2026-11-01", expected a time like`},
		{`"issued":"2026-11-01T12:00:00Z"`, `"issued":1`, `predicate.issued: found a number`},
		{`"expires":"2027-02-01T12:00:00Z"`, `"expires":"2026-11-01T12:00:00Z"`, `expires: found 2026-11-01T12:00:00Z, expected a time after issued`},
		{`"name":"example.com/payments"`, `"name":""`, `name: found 0 bytes`},
		{`"subject":[`, `"subject":[1,`, `subject[0]: found a number, expected an object`},
		{`"subject":[`, `"subject":[{"name":"x","digest":{}},`, `subject[0].digest: empty`},
		{`"subject":[`, `"subject":[{"name":"x","digest":{"sha1":"a","sha1":"a"}},`, `subject[0].digest.sha1: the key is given twice`},
		{`"subject":[`, `"subject":[{"name":"x","uri":"","digest":{}},`, `subject[0].uri: unknown key`},
		{`"policy":{`, `"policy":{"x":1,`, `x: unknown key`},
		{`"predicate":{`, `"predicate":{"revoked":null,`, `predicate.revoked: found null, expected an array`},
	} {
		t.Run(c.replacement, func(t *testing.T) {
			t.Parallel()
			requireRefused(t, v, edited(t, c.old, c.replacement, alice), signedpolicy.MalformedStatement, c.detail)
		})
	}
	requireRefused(t, v, signedPayload(t, signedpolicy.PayloadType, []byte(`{"_type":"x","subject":[],"predicateType":"","predicate":{}}`), alice), signedpolicy.MalformedStatement, "subject: empty")
	requireRefused(t, v, signedPayload(t, signedpolicy.PayloadType, []byte{}, alice), signedpolicy.MalformedStatement, "found no JSON")
}

func TestOffsetsOfTimesAreOneTime(t *testing.T) {
	t.Parallel()
	got, err := newVerifier(t, config(1, alice)).Verify(edited(t, `"issued":"2026-11-01T12:00:00Z"`, `"issued":"2026-11-01T14:00:00+02:00"`, alice))
	require.NoError(t, err)
	assert.Equal(t, issued, got.Issued)
}

func TestAnEnvelopeIsBounded(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, config(1, alice))
	envelope := signed(t, statement(), alice)
	padded := append(bytes.Clone(envelope), bytes.Repeat([]byte(" "), signedpolicy.MaxEnvelope-len(envelope))...)
	_, err := v.Verify(padded)
	require.NoError(t, err)
	requireRefused(t, v, append(padded, ' '), signedpolicy.MalformedEnvelope, "found more than 4194304 bytes")

	e := decode(t, envelope)
	e.Signatures = make1(32, e.Signatures[0])
	_, err = v.Verify(encode(t, e))
	require.NoError(t, err)
	e.Signatures = make1(33, e.Signatures[0])
	requireRefused(t, v, encode(t, e), signedpolicy.MalformedEnvelope, "signatures: found more than 32 elements")
}

// A hostile envelope names no key of ours, so that each of its signatures may
// be of every one.
func TestChecksOfSignaturesAreBounded(t *testing.T) {
	t.Parallel()
	keys := make([]crypto.Signer, 32)
	for i := range keys {
		keys[i] = newEd25519()
	}
	v := newVerifier(t, config(1, keys...))
	e := decode(t, signed(t, statement(), keys[0]))
	real := e.Signatures[0]
	real.KeyID = ""
	junk := make([]signatureJSON, 0, 32)
	for i := range 31 {
		junk = append(junk, signatureJSON{"", bytes.Repeat([]byte{byte(i)}, 64)})
	}
	e.Signatures = append(junk, real)
	requireRefused(t, v, encode(t, e), signedpolicy.TooFewSignatures, "stopped after 128 checks")
	e.Signatures = append([]signatureJSON{real}, junk...)
	_, err := v.Verify(encode(t, e))
	assert.NoError(t, err)
}

// Without a valid signature nothing is built from the payload, so that what it
// holds costs nothing but its size.
func TestMemoryIsASmallMultipleOfTheEnvelope(t *testing.T) {
	v := newVerifier(t, config(1, alice))
	half := signedpolicy.MaxEnvelope/2 - 200
	flat := strings.Repeat("0,", half/2)
	for what, envelope := range map[string][]byte{
		"payload":    fmt.Appendf(nil, `{"payloadType":%q,"payload":"%s","signatures":[]}`, signedpolicy.PayloadType, strings.Repeat("AAAA", half/2)),
		"escapes":    fmt.Appendf(nil, `{"payloadType":%q,"payload":"%s","signatures":[]}`, signedpolicy.PayloadType, strings.Repeat(`\u0041`, half/6*4/4)),
		"array":      []byte(`{"x":[` + flat + `0]}`),
		"signatures": []byte(`{"signatures":[` + strings.Repeat(`{"sig":""},`, half/11) + `{}]}`),
		"key":        []byte(`{"` + strings.Repeat("k", half) + `":1}`),
		"type":       []byte(`{"payloadType":"` + strings.Repeat("k", half) + `","payload":"","signatures":[]}`),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := v.Verify(envelope)
		runtime.ReadMemStats(&after)
		require.Error(t, err)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(5*len(envelope)), what)
	}
}

func FuzzVerify(f *testing.F) {
	s := statement()
	envelope := signed(f, s, alice, bob)
	f.Add(envelope)
	f.Add(bytes.TrimSpace(envelope))
	f.Add([]byte(`{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":"AA=="}]}`))
	f.Add([]byte(`{"a":[{"b":"\"\\"},-1e5,true,null]}`))
	v := newVerifier(f, config(2, alice, bob))
	want, err := v.Verify(envelope)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := v.Verify(data)
		if err == nil {
			require.Equal(t, want, got)
			return
		}
		require.Nil(t, got)
		var refused *signedpolicy.Error
		require.ErrorAs(t, err, &refused)
	})
}

// FuzzStatement reads payloads as if they were signed.
func FuzzStatement(f *testing.F) {
	s := statement()
	s.Revoked = []string{"v1.1.0"}
	payload, err := signedpolicy.MarshalStatement(s)
	require.NoError(f, err)
	f.Add(payload)
	f.Add(bytes.Replace(payload, []byte(`"version":7`), []byte(` "version" : 7 `), 1))
	f.Add(reordered(f, payload))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := config(1, alice)
		got, err := signedpolicy.InsecureAppraise(data, signedpolicy.Expect{Name: name, Now: c.Now, Seen: signedpolicy.NewMemoryStore()})
		if err != nil {
			require.Nil(t, got)
			var refused *signedpolicy.Error
			require.ErrorAs(t, err, &refused)
			return
		}
		require.True(t, json.Valid(data))
		require.NoError(t, got.Policy.Validate())
		again, err := signedpolicy.MarshalStatement(*got)
		require.NoError(t, err)
		require.NotEmpty(t, again)
	})
}

// BenchmarkVerify verifies a policy of 100 images with a signature of each
// algorithm, and for comparison the three signatures alone.
func BenchmarkVerify(b *testing.B) {
	s := statement()
	s.Policy = images(100)
	envelope := signed(b, s, alice, bob, carol)
	v := newVerifier(b, config(3, alice, bob, carol))
	b.Run("100 images, 3 signatures", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(envelope); err != nil {
				b.Fatal(err)
			}
		}
	})
	e := decode(b, envelope)
	e.Payload = []byte("{}")
	e.Signatures = decode(b, signedPayload(b, signedpolicy.PayloadType, e.Payload, alice, bob, carol)).Signatures
	bare := encode(b, e)
	b.Run("3 signatures alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(bare); err == nil {
				b.Fatal("accepted")
			}
		}
	})
}
