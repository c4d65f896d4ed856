package challenge_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge"
)

// The tags of these were made with OpenSSL, for fixedKey and an expiry at start:
//
//	printf 'nitroattest/challenge v1\x01\x00...\x1fsession 42' |
//	openssl dgst -sha256 -mac HMAC -macopt hexkey:0001...1f
const (
	header       = "010000019b7ca98f2e101112131415161718191a1b1c1d1e1f"
	knownNonce   = header + "66aae14700add798010ed958c3ba3902c5f73132ab0b12f7d7b5c74e78ea815e"
	knownInBound = header + "da027a807c66d7b8d8195c6aee63075f70d44a4844dde100fabec872f60300cb"
	knownContext = "session 42"
)

func TestKnownNoncesAreRedeemed(t *testing.T) {
	t.Parallel()
	for _, known := range []struct {
		nonce   string
		context []byte
	}{
		{knownNonce, nil},
		{knownInBound, []byte(knownContext)},
	} {
		store := &scripted{first: true}
		issuer := newIssuer(t, challenge.Config{Keys: [][]byte{fixedKey()}, Store: store, Now: func() time.Time { return start.Add(-time.Second) }})
		require.NoError(t, issuer.Redeem(t.Context(), fromHex(t, known.nonce), known.context))
		require.Len(t, store.asked, 1)
		assert.Equal(t, "101112131415161718191a1b1c1d1e1f", store.asked[0].id.String())
	}
}

// Issue writes the documented format, field by field.
func TestIssuedNoncesHaveTheDocumentedFormat(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, challenge.Config{
		Keys: [][]byte{fixedKey(), otherKey()}, Store: newShared(t), Lifetime: 90 * time.Second,
		Now: func() time.Time { return start.Add(999 * time.Microsecond) },
	})
	var randoms []string
	for _, context := range [][]byte{nil, []byte(knownContext)} {
		nonce := issue(t, issuer, context)
		require.Len(t, nonce, 57)
		assert.EqualValues(t, 1, nonce[0])
		assert.EqualValues(t, start.Add(90*time.Second).UnixMilli(), binary.BigEndian.Uint64(nonce[1:9]))
		mac := hmac.New(sha256.New, fixedKey())
		mac.Write(slices.Concat([]byte("nitroattest/challenge v1"), nonce[:25], context))
		assert.Equal(t, mac.Sum(nil), []byte(nonce[25:]))
		randoms = append(randoms, string(nonce[9:25]))
	}
	assert.NotEqual(t, randoms[0], randoms[1])
}

func TestIssueRefusesAnEmptyContextAndATimeBefore1970(t *testing.T) {
	t.Parallel()
	clock := newClock()
	issuer := newIssuer(t, challenge.Config{Store: newMemory(t, 1), Now: clock.read})
	nonce, err := issuer.Issue([]byte{})
	require.EqualError(t, err, "challenge: context: empty: it has at least one byte; nil means that there is none")
	assert.Nil(t, nonce)

	clock.set(time.Unix(-121, 0))
	nonce, err = issuer.Issue(nil)
	require.EqualError(t, err, "challenge: Config.Now: found a time before 1970")
	assert.Nil(t, nonce)
	clock.set(time.Unix(-120, 0))
	require.NoError(t, issuer.Redeem(t.Context(), issue(t, issuer, nil), nil), "expires when 1970 begins")
}

func TestNoncesHaveATextForm(t *testing.T) {
	t.Parallel()
	nonce := challenge.Nonce(fromHex(t, knownNonce))
	text := nonce.String()
	assert.Len(t, text, 76)
	assert.Equal(t, base64.RawURLEncoding.EncodeToString(nonce), text)
	parsed, err := challenge.ParseNonce(text)
	require.NoError(t, err)
	assert.Equal(t, nonce, parsed)

	type message struct{ Nonce challenge.Nonce }
	data, err := json.Marshal(message{nonce})
	require.NoError(t, err)
	assert.JSONEq(t, `{"Nonce": "`+text+`"}`, string(data))
	var received message
	require.NoError(t, json.Unmarshal(data, &received))
	assert.Equal(t, nonce, received.Nonce)

	for name, c := range map[string]struct{ text, want string }{
		"empty":            {"", "malformed-nonce: found 0 characters, expected 76 of base64url"},
		"short":            {text[1:], "malformed-nonce: found 75 characters, expected 76 of base64url"},
		"long":             {text + "A", "malformed-nonce: found 77 characters, expected 76 of base64url"},
		"hex":              {knownNonce, "malformed-nonce: found 114 characters, expected 76 of base64url"},
		"standard base64":  {text[:75] + "/", "malformed-nonce: found text that is not base64url without padding (RFC 4648, section 5)"},
		"padding":          {text[:75] + "=", "malformed-nonce: found text that is not base64url without padding (RFC 4648, section 5)"},
		"line ends inside": {strings.Join([]string{text[:40], text[40:72]}, "\r\n\r\n"), "malformed-nonce: found text that is not base64url without padding (RFC 4648, section 5)"},
	} {
		t.Run(name, func(t *testing.T) {
			parsed, err := challenge.ParseNonce(c.text)
			require.EqualError(t, err, c.want)
			requireReason(t, challenge.Malformed, err)
			assert.Nil(t, parsed)
			kept := nonce
			requireReason(t, challenge.Malformed, kept.UnmarshalText([]byte(c.text)))
			assert.Equal(t, nonce, kept, "a failed read leaves the nonce alone")
		})
	}
}
