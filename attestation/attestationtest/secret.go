package attestationtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"math/big"
)

// secret is what everything that looks random is derived from: keys, serial
// numbers and identifiers. Two secrets from one seed yield the same values, so
// a seeded hypervisor is deterministic; without a seed the secret comes from
// crypto/rand and so do, in effect, the values.
type secret []byte

func seededSecret(seed []byte) secret {
	sum := sha512.Sum384(seed)
	return sum[:]
}

func randomSecret() secret {
	s := make(secret, sha512.Size384)
	rand.Read(s) // never fails, see its documentation
	return s
}

// bytes returns n bytes, at most 12240, that belong to the label.
func (s secret) bytes(label string, n int) []byte {
	out, _ := hkdf.Expand(sha512.New384, s, label, n) // fails beyond 255 blocks only
	return out
}

// child returns the secret of something further down the tree.
func (s secret) child(label string) secret {
	return s.bytes("child: "+label, sha512.Size384)
}

// below returns a number from 0 to n-1.
func (s secret) below(label string, n int64) int64 {
	v := new(big.Int).SetBytes(s.bytes(label, 16))
	return v.Mod(v, big.NewInt(n)).Int64()
}

// key returns a private key. It takes 128 bits more than the order has, so
// that the scalar is as good as uniform (FIPS 186-5, A.2.1).
func (s secret) key(label string, curve elliptic.Curve) *ecdsa.PrivateKey {
	order := curve.Params().N
	size := (order.BitLen() + 7) / 8
	scalar := new(big.Int).SetBytes(s.bytes("key: "+label, size+16))
	scalar.Mod(scalar, new(big.Int).Sub(order, big.NewInt(1)))
	scalar.Add(scalar, big.NewInt(1))
	// The scalar lies in [1, order-1], which is all that is asked of it.
	key, _ := ecdsa.ParseRawPrivateKey(curve, scalar.FillBytes(make([]byte, size)))
	return key
}
