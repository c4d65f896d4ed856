package attestation

import (
	"bytes"
	"encoding/asn1"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSignaturesInDER compares with encoding/asn1: numbers of every length, with
// and without a first bit that DER has to keep apart from a sign.
func TestSignaturesInDER(t *testing.T) {
	random := rand.NewChaCha8([32]byte{20})
	numbers := [][]byte{make([]byte, 48), bytes.Repeat([]byte{0xff}, 48)}
	for length := 1; length <= 48; length++ {
		for _, first := range []byte{0x01, 0x7f, 0x80, 0xff} {
			number := make([]byte, 48)
			_, _ = random.Read(number[48-length:])
			number[48-length] = first
			numbers = append(numbers, number)
		}
	}
	for _, r := range numbers {
		for _, s := range numbers {
			want, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(r), new(big.Int).SetBytes(s)})
			require.NoError(t, err)
			got := derSignature(append(bytes.Clone(r), s...))
			if !bytes.Equal(want, got) {
				t.Fatalf("%x, %x: found %x, expected %x", r, s, got, want)
			}
		}
	}
}
