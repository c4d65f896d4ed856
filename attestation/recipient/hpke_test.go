//go:build go1.26

package recipient_test

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/hpke"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/recipient"
)

// hpkeKeys returns a fresh key on each curve that this mode of the standard
// library allows.
func hpkeKeys(t testing.TB) map[string]*ecdh.PrivateKey {
	t.Helper()
	keys := make(map[string]*ecdh.PrivateKey)
	generate := func(name string, curve ecdh.Curve) {
		key, err := curve.GenerateKey(rand.Reader)
		require.NoError(t, err)
		keys[name] = key
	}
	generate("P-384", ecdh.P384())
	if fips140.Enforced() {
		t.Log("FIPS 140-only mode: X25519 is not approved and not tested")
	} else {
		generate("X25519", ecdh.X25519())
	}
	return keys
}

func TestHPKESealedOpens(t *testing.T) {
	t.Parallel()
	for name, key := range hpkeKeys(t) {
		forms := map[string][]byte{"raw": key.PublicKey().Bytes(), "SubjectPublicKeyInfo": spkiOf(t, key.PublicKey())}
		for form, publicKey := range forms {
			for _, size := range sizes {
				t.Run(fmt.Sprintf("%s/%s/%d", name, form, size), func(t *testing.T) {
					plaintext := randomBytes(size)
					envelope, err := sealHPKETo(t, publicKey, plaintext)
					require.NoError(t, err)
					opened, err := recipient.OpenHPKE(envelope, key)
					require.NoError(t, err)
					assert.Equal(t, plaintext, opened)
				})
			}
		}
	}
}

func TestSealHPKEToARecordedDocument(t *testing.T) {
	t.Parallel()
	if fips140.Enforced() {
		t.Skip("FIPS 140-only mode: X25519 is not approved")
	}
	result := verified(t, x25519Document)
	require.Len(t, result.Document.PublicKey, 32)
	envelope, err := sealerAt(result).SealHPKE(result, []byte(greeting))
	require.NoError(t, err)
	assert.Len(t, envelope, 10+32+len(greeting)+16)
}

// Envelopes made once: the form and the suites must stay what they were.
var hpkeEnvelopes = []struct {
	name, key, envelope string
	curve               ecdh.Curve
}{
	{"X25519", x25519Key, x25519Envelope, ecdh.X25519()},
	{"P-384", p384Key, p384Envelope, ecdh.P384()},
}

func TestHPKERecordedOpens(t *testing.T) {
	t.Parallel()
	for _, v := range hpkeEnvelopes {
		t.Run(v.name, func(t *testing.T) {
			if v.name == "X25519" && fips140.Enforced() {
				t.Skip("FIPS 140-only mode: X25519 is not approved")
			}
			key, err := v.curve.NewPrivateKey(fromHex(t, v.key))
			require.NoError(t, err)
			opened, err := recipient.OpenHPKE(fromHex(t, v.envelope), key)
			require.NoError(t, err)
			assert.Equal(t, greeting, string(opened))
		})
	}
}

// Any implementation of RFC 9180 opens an envelope from what is in it and in
// the documentation.
func TestHPKEEnvelopeDescribesItself(t *testing.T) {
	t.Parallel()
	ids := map[string][3]uint16{"X25519": {0x20, 1, 2}, "P-384": {0x11, 2, 2}}
	for name, key := range hpkeKeys(t) {
		envelope, err := sealHPKETo(t, key.PublicKey().Bytes(), []byte(greeting))
		require.NoError(t, err)
		assert.Equal(t, "HPKE", string(envelope[:4]))
		var found [3]uint16
		for i := range found {
			found[i] = binary.BigEndian.Uint16(envelope[4+2*i:])
		}
		require.Equal(t, ids[name], found)

		kem, err := hpke.NewKEM(found[0])
		require.NoError(t, err)
		kdf, err := hpke.NewKDF(found[1])
		require.NoError(t, err)
		aead, err := hpke.NewAEAD(found[2])
		require.NoError(t, err)
		private, err := kem.NewPrivateKey(key.Bytes())
		require.NoError(t, err)
		opened, err := hpke.Open(private, kdf, aead, []byte("nitroattest/recipient/hpke v1"), envelope[10:])
		require.NoError(t, err)
		assert.Equal(t, greeting, string(opened))
	}
}

func TestOpenHPKERefusesEveryFlippedBit(t *testing.T) {
	t.Parallel()
	for _, key := range hpkeKeys(t) {
		envelope, err := sealHPKETo(t, key.PublicKey().Bytes(), []byte(greeting))
		require.NoError(t, err)
		failures := make(map[recipient.Reason]error)
		for offset := range envelope {
			want := recipient.DecryptionFailed
			switch {
			case offset < 4:
				want = recipient.MalformedEnvelope
			case offset < 10:
				want = recipient.UnsupportedAlgorithm
			}
			for bit := range 8 {
				envelope[offset] ^= 1 << bit
				opened, err := recipient.OpenHPKE(envelope, key)
				requireReason(t, want, opened, err)
				if failures[want] == nil {
					failures[want] = err
				}
				if want == recipient.DecryptionFailed {
					assert.Equal(t, failures[want], err, "the failures are alike")
				}
				envelope[offset] ^= 1 << bit
			}
		}
	}
}

func TestOpenHPKERefusesOtherEnvelopes(t *testing.T) {
	t.Parallel()
	key := hpkeKeys(t)["P-384"]
	envelope, err := sealHPKETo(t, key.PublicKey().Bytes(), nil)
	require.NoError(t, err)
	require.Len(t, envelope, 10+97+16)

	for n := range envelope {
		opened, err := recipient.OpenHPKE(envelope[:n], key)
		requireReason(t, recipient.MalformedEnvelope, opened, err)
	}
	opened, err := recipient.OpenHPKE(append(slices.Clone(envelope), 0), key)
	requireReason(t, recipient.DecryptionFailed, opened, err)
	opened, err = recipient.OpenHPKE(make([]byte, recipient.MaxEnvelopeSize+1), key)
	requireReason(t, recipient.TooLarge, opened, err)

	other, err := ecdh.P384().GenerateKey(rand.Reader)
	require.NoError(t, err)
	opened, err = recipient.OpenHPKE(envelope, other)
	requireReason(t, recipient.DecryptionFailed, opened, err)
}

func TestOpenHPKERefusesKeys(t *testing.T) {
	t.Parallel()
	opened, err := recipient.OpenHPKE(nil, nil)
	requireReason(t, recipient.InvalidKey, opened, err)

	key, err := ecdh.P256().GenerateKey(rand.Reader)
	require.NoError(t, err)
	opened, err = recipient.OpenHPKE(nil, key)
	typed := requireReason(t, recipient.InvalidKey, opened, err)
	assert.Contains(t, typed.Detail, "P-256")
}

func TestOpenHPKERefusesASuiteOfAnotherKey(t *testing.T) {
	t.Parallel()
	keys := hpkeKeys(t)
	if keys["X25519"] == nil {
		t.Skip("FIPS 140-only mode: X25519 is not approved")
	}
	envelope, err := sealHPKETo(t, keys["X25519"].PublicKey().Bytes(), make([]byte, 100))
	require.NoError(t, err)
	opened, err := recipient.OpenHPKE(envelope, keys["P-384"])
	typed := requireReason(t, recipient.UnsupportedAlgorithm, opened, err)
	assert.Equal(t, 4, typed.Offset)
	assert.Contains(t, typed.Detail, "found suite 002000010002, expected 001100020002 for a key on P-384")
}

func TestSealHPKERefusesPublicKeys(t *testing.T) {
	t.Parallel()
	refuse := func(name string, publicKey []byte, detail string) {
		t.Run(name, func(t *testing.T) {
			sealed, err := sealHPKETo(t, publicKey, []byte("secret"))
			typed := requireReason(t, recipient.InvalidKey, sealed, err)
			assert.Contains(t, typed.Detail, detail)
		})
	}
	point := hpkeKeys(t)["P-384"].PublicKey().Bytes()
	const form = "expected an X25519 key of 32 bytes, a P-384 point of 97"
	refuse("nil", nil, "found no public_key")
	refuse("empty", []byte{}, "found no public_key")
	refuse("31 bytes", point[:31], form)
	refuse("96 bytes", point[:96], form)
	refuse("a hybrid point", append([]byte{6 | point[96]&1}, point[1:]...), form)
	off := slices.Clone(point)
	off[96] ^= 1
	refuse("a point off the curve", off, form)
	refuse("RSA", spkiOf(t, &rsa2048(t).PublicKey), "*rsa.PublicKey")
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	refuse("Ed25519", spkiOf(t, edwards), "ed25519.PublicKey")
	short, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	refuse("P-256", spkiOf(t, &short.PublicKey), "P-256")

	detail := "cannot be sealed to"
	if fips140.Enforced() {
		detail = form // X25519 is not approved: there is no such key
	}
	refuse("an X25519 point of low order", make([]byte, 32), detail)
}

func TestSealHPKEBoundsThePlaintext(t *testing.T) {
	t.Parallel()
	key := hpkeKeys(t)["P-384"]
	most := make([]byte, recipient.MaxPlaintextSize)
	envelope, err := sealHPKETo(t, key.PublicKey().Bytes(), most)
	require.NoError(t, err)
	opened, err := recipient.OpenHPKE(envelope, key)
	require.NoError(t, err)
	assert.Len(t, opened, len(most))

	sealed, err := sealHPKETo(t, key.PublicKey().Bytes(), append(most, 0))
	requireReason(t, recipient.TooLarge, sealed, err)
}

const (
	x25519Key      = "e99a13ed633f62d97d7c06588e3fb3ff4323f8fbd9da67e245e0c82d9716179c"
	x25519Envelope = "48504b450020000100021f78e4313121f48b7ac78c978e9c9286c096483d38d7241cc7e7d0318ee10d5c75bb06395cf8" +
		"054f19aeb4cb1571ac960ff2e21f30c7043d779094e31e3a503cf53410"
	p384Key      = "6ad0295981c52c9f1a20fd363fa078011e856d12b179ab2192ee4d74919dd1c949d16c764abe68ff181c58f6d085a8d3"
	p384Envelope = "48504b4500110002000204da224dfa8f2c6604e6e8b304a0926898d0902be47b6a95f275e2036cb249f2cabc89b0bd8d" +
		"f56a2713f22206f1bec0a3dbad51ddb7721b204acd623c4dcefe21270ea875eac3b003ce0b0dc1a0c27fae4735ff74e2" +
		"ce8c56f1d871daada8d03aa9c41d63396ca2561225696719baebd2bc1f5a390936e762d896c00f0afe4aa3f63685"
)

func init() { classical = append(classical, recipient.Sealer.SealHPKE) }

func sealHPKETo(t testing.TB, publicKey, plaintext []byte) ([]byte, error) {
	t.Helper()
	return recipient.SealHPKE(resultWith(t, publicKey), plaintext)
}

func FuzzOpenHPKE(f *testing.F) {
	key, err := ecdh.P384().NewPrivateKey(fromHex(f, p384Key))
	require.NoError(f, err)
	f.Add(fromHex(f, p384Envelope))
	f.Add(fromHex(f, x25519Envelope))
	f.Add([]byte("HPKE"))
	f.Fuzz(func(t *testing.T, envelope []byte) {
		opened, err := recipient.OpenHPKE(envelope, key)
		requireVerdict(t, opened, err)
	})
}
