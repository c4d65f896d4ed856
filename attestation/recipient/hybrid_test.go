//go:build go1.26

package recipient_test

import (
	"bytes"
	"crypto/fips140"
	"crypto/hpke"
	"crypto/sha512"
	"encoding/binary"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/pcr"
)

var hybridKEMs = map[string]hpke.KEM{"MLKEM768-X25519": hpke.MLKEM768X25519(), "MLKEM1024-P384": hpke.MLKEM1024P384()}

func generate(t testing.TB, kem hpke.KEM) hpke.PrivateKey {
	t.Helper()
	key, err := kem.GenerateKey()
	require.NoError(t, err)
	return key
}

func commitment(t testing.TB, key hpke.PrivateKey) []byte {
	t.Helper()
	c, err := recipient.Commitment(key.PublicKey())
	require.NoError(t, err)
	return c
}

// committing returns the result for a document with the given fields.
func committing(t testing.TB, userData, publicKey []byte) *attestation.Result {
	t.Helper()
	return appraise(t, attestationtest.Request{UserData: userData, PublicKey: publicKey}, nil, attestation.Expect{Nonce: []byte("nonce")})
}

// The encoding as the documentation has it, put together by hand.
func TestCommitment(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]uint16{"MLKEM768-X25519": 0x647a, "MLKEM1024-P384": 0x0051} {
		key := generate(t, hybridKEMs[name])
		digest := sha512.Sum384(key.PublicKey().Bytes())
		want := append(binary.BigEndian.AppendUint16([]byte("nitroattest/recipient/key v1"), id), digest[:]...)
		assert.Equal(t, want, commitment(t, key))
		assert.Len(t, want, 78)
	}
	_, err := recipient.Commitment(nil)
	requireReason(t, recipient.InvalidKey, nil, err)
	_, err = recipient.Commitment(generate(t, hpke.MLKEM768()).PublicKey())
	requireReason(t, recipient.InvalidKey, nil, err)
}

func TestHybridSealedOpens(t *testing.T) {
	t.Parallel()
	for name, kem := range hybridKEMs {
		key := generate(t, kem)
		beside := key.PublicKey().Bytes()
		c := commitment(t, key)
		for place, result := range map[string]*attestation.Result{
			"user_data": committing(t, c, nil), "public_key": committing(t, nil, c), "both": committing(t, c, c),
		} {
			for _, size := range []int{0, 1, 4096} {
				plaintext := randomBytes(size)
				envelope, err := recipient.SealHybrid(result, beside, plaintext)
				require.NoError(t, err, "%s %s", name, place)
				opened, err := recipient.OpenHybrid(envelope, key)
				require.NoError(t, err)
				assert.Equal(t, plaintext, opened)
			}
		}
		// The envelope describes itself.
		envelope, err := recipient.SealHybrid(committing(t, c, nil), beside, []byte(greeting))
		require.NoError(t, err)
		want := binary.BigEndian.AppendUint16([]byte("HPKE"), kem.ID())
		assert.Equal(t, append(want, 0, 2, 0, 2), envelope[:10])
	}
}

// byteOrder swaps the two bytes of the KEM.
func byteOrder(commitment []byte) []byte {
	c := slices.Clone(commitment)
	c[28], c[29] = c[29], c[28]
	return c
}

// Attacks on the tie between key and document. REVIEW.md lists them.
func TestSealHybridRefusesKeysThatAreNotCommittedTo(t *testing.T) {
	t.Parallel()
	for name, kem := range hybridKEMs {
		key, another := generate(t, kem), generate(t, kem)
		beside, c := key.PublicKey().Bytes(), commitment(t, key)
		other := hpke.MLKEM768X25519()
		if kem.ID() == other.ID() {
			other = hpke.MLKEM1024P384()
		}
		relabelled := func(label string) []byte { return append([]byte(label), c[28:]...) }
		otherKEM := slices.Clone(c)
		binary.BigEndian.PutUint16(otherKEM[28:], other.ID())
		noKEM := slices.Clone(c)
		binary.BigEndian.PutUint16(noKEM[28:], 0x0041) // ML-KEM-768 alone
		digest := sha512.Sum384(beside)
		for attack, fields := range map[string][2][]byte{
			"unbound key":                       {nil, nil},
			"key of another enclave":            {commitment(t, another), nil},
			"key of another enclave, beside":    {nil, commitment(t, another)},
			"two enclaves":                      {c, commitment(t, another)},
			"truncated commitment":              {c[:77], nil},
			"commitment cut to the label":       {c[:28], nil},
			"commitment and more":               {append(slices.Clone(c), 0), nil},
			"commitment not at the beginning":   {append([]byte{0}, c...), nil},
			"hash without a label":              {digest[:], nil},
			"label of another protocol":         {relabelled("nitroattest/attestedtls v1.."), nil},
			"label of another version":          {relabelled("nitroattest/recipient/key v2"), nil},
			"label in other case":               {relabelled("Nitroattest/recipient/key v1"), nil},
			"KEM of the other suite":            {otherKEM, nil},
			"KEM that is no hybrid":             {noKEM, nil},
			"KEM in the other byte order":       {byteOrder(c), nil},
			"half in each field":                {c[:39], c[39:]},
			"label alone in one, rest in other": {c[:28], c[28:]},
			"twice in one field":                {append(slices.Clone(c), c...), nil},
			"the key itself, as far as it fits": {beside[:1024], nil},
		} {
			sealed, err := recipient.SealHybrid(committing(t, fields[0], fields[1]), beside, []byte("secret"))
			require.Error(t, err, "%s: %s", name, attack)
			requireReason(t, recipient.NotCommitted, sealed, err)
		}
		good := committing(t, c, nil)
		for attack, key := range map[string][]byte{
			"no key": nil, "a byte short": beside[1:], "a byte more": append(slices.Clone(beside), 0),
			"another key": another.PublicKey().Bytes(), "key of the other suite": generate(t, other).PublicKey().Bytes(),
		} {
			sealed, err := recipient.SealHybrid(good, key, []byte("secret"))
			require.Error(t, err, "%s: %s", name, attack)
			requireReason(t, recipient.NotCommitted, sealed, err)
		}
		// The relying party chose the nonce, or whoever carries it: it commits to nothing.
		inNonce := appraise(t, attestationtest.Request{Nonce: c}, nil, attestation.Expect{Nonce: c})
		sealed, err := recipient.SealHybrid(inNonce, beside, []byte("secret"))
		requireReason(t, recipient.NotCommitted, sealed, err)
		// A document of before, with a commitment that was good then: an exchange
		// that expects its own nonce does not get as far as a Result.
		h := simulated()
		verifier, err := attestation.NewVerifier(attestation.Config{InsecureAnyImage: true, Roots: h.Roots()})
		require.NoError(t, err)
		_, err = verifier.Verify(h.Attest(attestationtest.Request{Nonce: []byte("earlier"), UserData: c}), attestation.Expect{Nonce: []byte("now")})
		require.ErrorIs(t, err, attestation.NonceMismatch)
		// And the commitment moved into another result is an altered one.
		moved := *committing(t, nil, nil)
		moved.Document.UserData = c
		sealed, err = recipient.SealHybrid(&moved, beside, []byte("secret"))
		requireReason(t, recipient.UnverifiedResult, sealed, err)
	}
}

// Committed bytes that are no key: the enclave's own mistake.
func TestSealHybridRefusesBytesThatAreNoKey(t *testing.T) {
	t.Parallel()
	junk := bytes.Repeat([]byte{0xff}, 1216)
	digest := sha512.Sum384(junk)
	c := append(append([]byte("nitroattest/recipient/key v1"), 0x64, 0x7a), digest[:]...)
	sealed, err := recipient.SealHybrid(committing(t, c, nil), junk, nil)
	requireReason(t, recipient.InvalidKey, sealed, err)
}

// Whoever asks for post-quantum does not get less, and a document that commits
// asks for it.
func TestNoDowngrade(t *testing.T) {
	t.Parallel()
	classical := rsa2048(t)
	spki := spkiOf(t, &classical.PublicKey)
	hybridKey := generate(t, hpke.MLKEM768X25519())
	beside, c := hybridKey.PublicKey().Bytes(), commitment(t, hybridKey)

	both := committing(t, c, spki)
	sealBoth(t, recipient.Sealer{}, both, recipient.Downgrade)
	_, err := recipient.SealHybrid(both, beside, nil)
	require.NoError(t, err)
	_, err = recipient.Sealer{InsecureAllowDowngrade: true}.Seal(both, nil)
	require.NoError(t, err)
	sealBoth(t, recipient.Sealer{InsecureAllowDowngrade: true, PostQuantum: true}, both, recipient.Downgrade)
	sealBoth(t, recipient.Sealer{}, committing(t, c[:40], spki), recipient.Downgrade) // also one that is cut off

	plain := committing(t, nil, spki)
	sealBoth(t, recipient.Sealer{PostQuantum: true}, plain, recipient.Downgrade)
	x25519 := committing(t, nil, make([]byte, 32))
	sealBoth(t, recipient.Sealer{PostQuantum: true}, x25519, recipient.Downgrade)
	sealed, err := recipient.Sealer{PostQuantum: true}.SealHybrid(plain, beside, nil)
	requireReason(t, recipient.NotCommitted, sealed, err)
	_, err = recipient.Sealer{PostQuantum: true}.SealHybrid(both, beside, nil)
	require.NoError(t, err)
}

func TestSealHybridLooksAtTheResultFirst(t *testing.T) {
	t.Parallel()
	key := generate(t, hpke.MLKEM768X25519())
	beside, c := key.PublicKey().Bytes(), commitment(t, key)
	sealed, err := recipient.SealHybrid(nil, beside, nil)
	requireReason(t, recipient.UnverifiedResult, sealed, err)
	unstated := appraise(t, attestationtest.Request{UserData: c}, nil, attestation.Expect{InsecureNoFreshness: true})
	sealed, err = recipient.SealHybrid(unstated, beside, nil)
	requireReason(t, recipient.FreshnessUnstated, sealed, err)
	sealed, err = recipient.SealHybrid(committing(t, c, nil), beside, make([]byte, recipient.MaxPlaintextSize+1))
	requireReason(t, recipient.TooLarge, sealed, err)
}

// Every byte of the key, of the commitment and of the envelope counts.
func TestEveryByteOfHybridCounts(t *testing.T) {
	t.Parallel()
	for name, kem := range hybridKEMs {
		key := generate(t, kem)
		beside, c := key.PublicKey().Bytes(), commitment(t, key)
		result := committing(t, c, nil)
		for i := range beside {
			if i%7 != 0 && testing.Short() {
				continue
			}
			beside[i] ^= 1 << (i % 8)
			sealed, err := recipient.SealHybrid(result, beside, nil)
			require.ErrorIs(t, err, recipient.NotCommitted, "%s: byte %d of the key", name, i)
			require.Nil(t, sealed)
			beside[i] ^= 1 << (i % 8)
		}
		for i := range c {
			c[i] ^= 1 << (i % 8)
			sealed, err := recipient.SealHybrid(committing(t, c, nil), beside, nil)
			require.ErrorIs(t, err, recipient.NotCommitted, "%s: byte %d of the commitment", name, i)
			require.Nil(t, sealed)
			c[i] ^= 1 << (i % 8)
		}
		envelope, err := recipient.SealHybrid(result, beside, []byte(greeting))
		require.NoError(t, err)
		for i := range envelope {
			if i > 16 && i%7 != 0 && testing.Short() {
				continue
			}
			envelope[i] ^= 1 << (i % 8)
			opened, err := recipient.OpenHybrid(envelope, key)
			want := recipient.DecryptionFailed
			switch {
			case i < 4:
				want = recipient.MalformedEnvelope
			case i < 10:
				want = recipient.UnsupportedAlgorithm
			}
			require.ErrorIs(t, err, want, "%s: byte %d of the envelope", name, i)
			require.Nil(t, opened)
			envelope[i] ^= 1 << (i % 8)
		}
		for n := range envelope {
			opened, err := recipient.OpenHybrid(envelope[:n], key)
			require.Error(t, err, "%s: %d bytes", name, n)
			require.Nil(t, opened)
		}
	}
}

func TestOpenHybridRefusesKeysAndEnvelopes(t *testing.T) {
	t.Parallel()
	key, another := generate(t, hpke.MLKEM768X25519()), generate(t, hpke.MLKEM768X25519())
	envelope, err := recipient.SealHybrid(committing(t, commitment(t, key), nil), key.PublicKey().Bytes(), []byte(greeting))
	require.NoError(t, err)
	opened, err := recipient.OpenHybrid(envelope, nil)
	requireReason(t, recipient.InvalidKey, opened, err)
	opened, err = recipient.OpenHybrid(envelope, generate(t, hpke.MLKEM768()))
	requireReason(t, recipient.InvalidKey, opened, err)
	opened, err = recipient.OpenHybrid(envelope, generate(t, hpke.MLKEM1024P384()))
	requireReason(t, recipient.MalformedEnvelope, opened, err) // shorter than any of that suite
	opened, err = recipient.OpenHybrid(envelope, another)
	requireReason(t, recipient.DecryptionFailed, opened, err)
	opened, err = recipient.OpenHybrid(make([]byte, recipient.MaxEnvelopeSize+1), key)
	requireReason(t, recipient.TooLarge, opened, err)
	// Made for the same key by another protocol.
	foreign, err := hpke.Seal(key.PublicKey(), hpke.HKDFSHA384(), hpke.AES256GCM(), []byte("another protocol"), []byte(greeting))
	require.NoError(t, err)
	opened, err = recipient.OpenHybrid(append(slices.Clone(envelope[:10]), foreign...), key)
	requireReason(t, recipient.DecryptionFailed, opened, err)
}

type hybridVector struct{ KEM, PrivateKey, Commitment, Envelope, Plaintext string }

// Envelopes of this version open in every later one. They were made by SealHybrid;
// that crypto/hpke follows the draft is tested there, with the draft's vectors.
func TestHybridRecordedOpens(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/hybrid.json")
	require.NoError(t, err)
	var vectors []hybridVector
	require.NoError(t, json.Unmarshal(text, &vectors))
	require.Len(t, vectors, 2)
	for _, v := range vectors {
		key, err := hybridKEMs[v.KEM].NewPrivateKey(fromHex(t, v.PrivateKey))
		require.NoError(t, err)
		assert.Equal(t, fromHex(t, v.Commitment), commitment(t, key), v.KEM)
		opened, err := recipient.OpenHybrid(fromHex(t, v.Envelope), key)
		require.NoError(t, err, v.KEM)
		assert.Equal(t, v.Plaintext, string(opened))
	}
}

// That crypto/hpke of this version of Go follows the draft which the documentation
// names: a key and a ciphertext of the draft's own.
func TestHybridDraftVectors(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/hpke-pq.json")
	require.NoError(t, err)
	var file struct {
		Vectors []struct {
			KEM                                uint16 `json:"kem_id"`
			KDF                                uint16 `json:"kdf_id"`
			AEAD                               uint16 `json:"aead_id"`
			Info, SkRm, PkRm, Enc, AAD, PT, CT string
		}
	}
	require.NoError(t, json.Unmarshal(text, &file))
	require.Len(t, file.Vectors, 2)
	for _, v := range file.Vectors {
		if v.AEAD == hpke.ChaCha20Poly1305().ID() && fips140.Enforced() {
			continue // not approved; what we seal with is AES
		}
		kem, err := hpke.NewKEM(v.KEM)
		require.NoError(t, err)
		kdf, err := hpke.NewKDF(v.KDF)
		require.NoError(t, err)
		aead, err := hpke.NewAEAD(v.AEAD)
		require.NoError(t, err)
		key, err := kem.NewPrivateKey(fromHex(t, v.SkRm))
		require.NoError(t, err)
		assert.Equal(t, fromHex(t, v.PkRm), key.PublicKey().Bytes())
		opener, err := hpke.NewRecipient(fromHex(t, v.Enc), key, kdf, aead, fromHex(t, v.Info))
		require.NoError(t, err)
		opened, err := opener.Open(fromHex(t, v.AAD), fromHex(t, v.CT))
		require.NoError(t, err)
		assert.Equal(t, fromHex(t, v.PT), opened)
		// And it is one of the keys that can be committed to.
		_, err = recipient.Commitment(key.PublicKey())
		require.NoError(t, err)
	}
}

// Whatever a document and the key beside it hold, a secret is sealed only to the
// key that the document commits to.
func FuzzSealHybrid(f *testing.F) {
	key := generate(f, hpke.MLKEM768X25519())
	beside, c := key.PublicKey().Bytes(), commitment(f, key)
	f.Add(c, []byte(nil), beside)
	f.Add([]byte(nil), c, beside)
	f.Add(c, c, beside[:len(beside)-1])
	f.Add(c[:60], beside[:1024], beside)
	h := simulated()
	verifier, err := attestation.NewVerifier(attestation.Config{Policy: pcr.Policy{Images: []pcr.Image{h.Enclave().Image()}}, Roots: h.Roots()})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, userData, publicKey, beside []byte) {
		if len(userData) > 1024 || len(publicKey) > 1024 {
			return
		}
		result, err := verifier.Verify(h.Attest(attestationtest.Request{UserData: userData, PublicKey: publicKey}), attestation.Expect{MaxAge: time.Minute})
		require.NoError(t, err)
		sealed, err := recipient.SealHybrid(result, beside, []byte("secret"))
		if err != nil {
			var typed *recipient.Error
			require.ErrorAs(t, err, &typed)
			require.Contains(t, []recipient.Reason{recipient.NotCommitted, recipient.InvalidKey}, typed.Reason)
			require.Nil(t, sealed)
			return
		}
		digest := sha512.Sum384(beside)
		require.Contains(t, string(userData)+string(publicKey), string(digest[:]))
		_, err = recipient.Seal(result, []byte("secret"))
		require.ErrorIs(t, err, recipient.Downgrade)
	})
}

func FuzzOpenHybrid(f *testing.F) {
	text, err := os.ReadFile("testdata/hybrid.json")
	require.NoError(f, err)
	var vectors []hybridVector
	require.NoError(f, json.Unmarshal(text, &vectors))
	var keys []hpke.PrivateKey
	for _, v := range vectors {
		key, err := hybridKEMs[v.KEM].NewPrivateKey(fromHex(f, v.PrivateKey))
		require.NoError(f, err)
		keys = append(keys, key)
		f.Add(fromHex(f, v.Envelope))
	}
	f.Fuzz(func(t *testing.T, envelope []byte) {
		for _, key := range keys {
			opened, err := recipient.OpenHybrid(envelope, key)
			requireVerdict(t, opened, err)
		}
	})
}
