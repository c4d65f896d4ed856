package fastp384_test

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/fastp384"
)

var order = elliptic.P384().Params().N

// standard is the verdict of package crypto/ecdsa.
func standard(key *ecdsa.PublicKey, digest, r, s []byte) bool {
	signature, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(r), new(big.Int).SetBytes(s)})
	return err == nil && ecdsa.VerifyASN1(key, digest, signature)
}

// requireSame fails unless both verdicts are the same, and returns them.
func requireSame(t testing.TB, key *ecdsa.PublicKey, digest, r, s []byte) bool {
	t.Helper()
	want, got := standard(key, digest, r, s), fastp384.New().VerifyP384(key, digest, r, s)
	if want != got {
		encoded, _ := key.Bytes()
		t.Fatalf("key %x, digest %x, r %x, s %x: found %t, expected %t", encoded, digest, r, s, got, want)
	}
	return got
}

// scalar reads a number from 1 to n-1.
func scalar(b []byte) *big.Int {
	v := new(big.Int).SetBytes(b)
	less := new(big.Int).Sub(order, big.NewInt(1))
	return v.Add(v.Mod(v, less), big.NewInt(1))
}

func fill(v *big.Int) []byte { return v.FillBytes(make([]byte, 48)) }

// times returns k times the generator, uncompressed.
func times(t testing.TB, k *big.Int) []byte {
	t.Helper()
	private, err := ecdh.P384().NewPrivateKey(fill(k))
	require.NoError(t, err)
	return private.PublicKey().Bytes()
}

func publicKey(t testing.TB, d *big.Int) *ecdsa.PublicKey {
	t.Helper()
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P384(), times(t, d))
	require.NoError(t, err)
	return key
}

// withScalars returns the signature by the key of d whose verification adds u1
// times the generator to u2 times the key, and whether it is valid. It is not
// where the sum is the point at infinity.
func withScalars(t testing.TB, d, u1, u2 *big.Int) (digest, r, s []byte, valid bool) {
	t.Helper()
	k := new(big.Int).Mul(u2, d)
	k.Mod(k.Add(k, u1), order)
	rn := big.NewInt(7)
	if valid = k.Sign() != 0; valid {
		rn.SetBytes(times(t, k)[1:49])
		rn.Mod(rn, order)
	}
	sn := new(big.Int).ModInverse(u2, order)
	sn.Mod(sn.Mul(sn, rn), order)
	e := new(big.Int).Mul(u1, sn)
	return fill(e.Mod(e, order)), fill(rn), fill(sn), valid
}

// numbers takes a signature in DER apart.
func numbers(t testing.TB, der []byte) (r, s []byte) {
	t.Helper()
	var value struct{ R, S *big.Int }
	_, err := asn1.Unmarshal(der, &value)
	require.NoError(t, err)
	return fill(value.R), fill(value.S)
}
