package recipient_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/recipient"
)

var sizes = []int{0, 1, 15, 16, 17, 32, 999, 1000, 1001, 4096, 64 << 10}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func seal(t testing.TB, key *rsa.PublicKey, plaintext []byte) []byte {
	t.Helper()
	envelope, err := sealTo(t, spkiOf(t, key), plaintext)
	require.NoError(t, err)
	return envelope
}

func TestSealedOpens(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"rsa2048", "rsa3072", "rsa4096"} {
		key := readKey(t, "synthetic/"+name+".key.pem")
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				plaintext := randomBytes(size)
				opened, err := recipient.Open(seal(t, &key.PublicKey, plaintext), key)
				require.NoError(t, err)
				assert.Equal(t, plaintext, opened)
			})
		}
	}
}

// An envelope for the key and the plaintext length of the recorded one differs
// from it in nothing but the bytes that encryption makes.
func TestSealWritesWhatKMSWrites(t *testing.T) {
	t.Parallel()
	key := readKey(t, "edgebit_datakey.key.pem")
	recorded := readFile(t, "edgebit_datakey.ber")
	opened, err := recipient.Open(recorded, key)
	require.NoError(t, err)
	sealed := seal(t, &key.PublicKey, opened)
	require.Len(t, sealed, len(recorded))

	offsets := structural(t, recorded)
	assert.Len(t, offsets, 493-256-16-48)
	assert.Equal(t, offsets, structural(t, sealed))
	for _, i := range offsets {
		assert.Equalf(t, recorded[i], sealed[i], "byte %d", i)
	}
}

// pieces returns the lengths of the OCTET STRINGs that the content of a sealed
// envelope consists of.
func pieces(t *testing.T, envelope []byte) []int {
	t.Helper()
	_, _, iv, _, err := recipient.Fields(envelope)
	require.NoError(t, err)
	at := bytes.Index(envelope, iv) + len(iv)
	require.Equal(t, []byte{0xa0, 0x80}, envelope[at:at+2])
	var lengths []int
	for at += 2; envelope[at] == 0x04; at += lengths[len(lengths)-1] {
		n, octets := int(envelope[at+1]), 0
		if n > 0x80 {
			octets = n & 0x7f
			n = 0
			for _, b := range envelope[at+2 : at+2+octets] {
				n = n<<8 | int(b)
			}
		}
		at += 2 + octets
		lengths = append(lengths, n)
	}
	assert.Equal(t, make([]byte, 10), envelope[at:], "five levels end")
	return lengths
}

func TestSealWritesPiecesOf1000Bytes(t *testing.T) {
	t.Parallel()
	key := &rsa2048(t).PublicKey
	for size, want := range map[int][]int{
		0:    {16},
		112:  {128},
		240:  {256},
		991:  {992},
		992:  {1000, 8},
		2500: {1000, 1000, 512},
		// 16000 bytes of ciphertext end with a piece, and no empty one follows.
		15999: slices.Repeat([]int{1000}, 16),
	} {
		assert.Equal(t, want, pieces(t, seal(t, key, make([]byte, size))), size)
	}
}

func TestSealIsRandomized(t *testing.T) {
	t.Parallel()
	key := &rsa2048(t).PublicKey
	_, firstKey, firstIV, firstContent, err := recipient.Fields(seal(t, key, []byte(greeting)))
	require.NoError(t, err)
	_, secondKey, secondIV, secondContent, err := recipient.Fields(seal(t, key, []byte(greeting)))
	require.NoError(t, err)
	assert.NotEqual(t, firstKey, secondKey)
	assert.NotEqual(t, firstIV, secondIV)
	assert.NotEqual(t, firstContent, secondContent)
}

func TestSealLeavesThePlaintextAlone(t *testing.T) {
	t.Parallel()
	backing := append([]byte(greeting), "beyond the plaintext"...)
	before := slices.Clone(backing)
	seal(t, &rsa2048(t).PublicKey, backing[:len(greeting)])
	assert.Equal(t, before, backing)
}

func TestSealBoundsThePlaintext(t *testing.T) {
	t.Parallel()
	key := rsa2048(t)
	most := make([]byte, recipient.MaxPlaintextSize)
	opened, err := recipient.Open(seal(t, &key.PublicKey, most), key)
	require.NoError(t, err)
	assert.Len(t, opened, len(most))

	sealed, err := sealTo(t, spkiOf(t, &key.PublicKey), append(most, 0))
	requireReason(t, recipient.TooLarge, sealed, err)
}
