package fastp384

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"math/big"

	"github.com/cloudflare/circl/ecc/p384"
)

// size is the length in bytes of a coordinate and of the order of the curve,
// which has all of its 384 bits: a longer digest is cut to as many bytes.
const size = 48

// Verifier verifies ECDSA signatures on P-384. Its zero value is ready, it keeps
// nothing, and it is safe for concurrent use.
type Verifier struct{}

// New returns a Verifier.
func New() *Verifier { return &Verifier{} }

// VerifyP384 reports whether (r, s) is a signature of digest by key, with the
// verdict of [ecdsa.VerifyASN1] (FIPS 186-5, section 6.4.2). r and s are numbers
// of any length, big endian. Of a digest longer than 48 bytes the first 48
// count. An empty digest is refused, as the standard library does since Go 1.27.
// A key that is no point of P-384, and nil, have signed nothing.
func (*Verifier) VerifyP384(key *ecdsa.PublicKey, digest, r, s []byte) bool {
	if key == nil || key.Curve != elliptic.P384() || len(digest) == 0 {
		return false
	}
	curve, order := p384.P384(), elliptic.P384().Params().N
	rn, sn := new(big.Int).SetBytes(r), new(big.Int).SetBytes(s)
	if !isScalar(rn, order) || !isScalar(sn, order) {
		return false
	}
	x, y, ok := coordinates(key)
	if !ok {
		return false
	}
	e := new(big.Int).SetBytes(digest[:min(len(digest), size)])
	w := sn.ModInverse(sn, order) // of a number below a prime there is always one
	u1 := e.Mod(e.Mul(e, w), order)
	u2 := w.Mod(w.Mul(w, rn), order)

	sumX, sumY := curve.CombinedMult(x, y, u1.Bytes(), u2.Bytes())
	if curve.IsAtInfinity(sumX, sumY) {
		return false
	}
	// x is a number modulo p, and r one modulo n, which is smaller.
	return sumX.Mod(sumX, order).Cmp(rn) == 0
}

// isScalar reports whether v is from 1 to the order less 1.
func isScalar(v, order *big.Int) bool { return v.Sign() > 0 && v.Cmp(order) < 0 }

// coordinates returns those of a key that is a point of the curve and not the
// one at infinity. The standard library makes sure: circl computes something
// for any two numbers.
func coordinates(key *ecdsa.PublicKey) (x, y *big.Int, ok bool) {
	//lint:ignore SA1019 a key that somebody put together may have none, and Bytes would panic
	if key.X == nil || key.Y == nil {
		return nil, nil, false
	}
	point, err := key.Bytes()
	if err != nil {
		return nil, nil, false
	}
	return new(big.Int).SetBytes(point[1 : 1+size]), new(big.Int).SetBytes(point[1+size:]), true
}
