package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
)

// trySignatures runs the known answers through a verifier of signatures and
// returns an error if one of its verdicts is wrong.
func trySignatures(signatures SignatureVerifier) error {
	if signatures == nil {
		return nil
	}
	if fipsOnly() {
		return errors.New("found a verifier that is not of the Go Cryptographic Module, expected none under GODEBUG=fips140=only")
	}
	for _, a := range knownAnswers() {
		r, s := make([]byte, scalarSize), make([]byte, scalarSize)
		if got := signatures.VerifyP384(a.key(), a.digest, a.r.FillBytes(r), a.s.FillBytes(s)); got != a.valid {
			return fmt.Errorf("found the verdict %t for the known answer %q, expected %t", got, a.name, a.valid)
		}
	}
	return nil
}

// knownAnswer is a signature and whether it is one.
type knownAnswer struct {
	name   string
	x, y   *big.Int // the key
	digest []byte
	r, s   *big.Int
	valid  bool
}

// key has whatever coordinates there are, for some are of no point.
func (a *knownAnswer) key() *ecdsa.PublicKey {
	return &ecdsa.PublicKey{Curve: elliptic.P384(), X: a.x, Y: a.y}
}

// knownAnswers returns valid signatures, those among them that an
// implementation gets wrong first, and forgeries that differ from them in one
// thing each.
func knownAnswers() []knownAnswer {
	curve := elliptic.P384().Params()
	p, n := curve.P, curve.N
	ordinary := knownAnswer{"ordinary", number(keyX), number(keyY), digest(ordinaryDigest), number(ordinaryR), number(ordinaryS), true}
	double := knownAnswer{"sum of a point and itself", curve.Gx, curve.Gy, digest(doubleR), number(doubleR), number(doubleS), true}
	wrapped := knownAnswer{"x of the sum above n", number(wrappedX), number(wrappedY), digest(wrappedDigest), big.NewInt(2), big.NewInt(3), true}

	flip := func(v *big.Int, bit int) *big.Int { return new(big.Int).SetBit(v, bit, 1-v.Bit(bit)) }
	plus := func(v *big.Int) *big.Int { return new(big.Int).Add(v, n) }
	var answers []knownAnswer
	add := func(name string, from knownAnswer, valid bool, change func(*knownAnswer)) {
		from.name, from.valid = name, valid
		change(&from)
		answers = append(answers, from)
	}
	same := func(*knownAnswer) {}

	add(ordinary.name, ordinary, true, same)
	add("high s", ordinary, true, func(a *knownAnswer) { a.s = new(big.Int).Sub(n, a.s) })
	add("digest of ones", ordinary, true, func(a *knownAnswer) {
		a.digest, a.r, a.s = digest(onesDigest), number(onesR), number(onesS)
	})
	add("digest of zeros", ordinary, true, func(a *knownAnswer) {
		a.digest, a.r, a.s = make([]byte, scalarSize), number(zerosR), number(zerosS)
	})
	add(double.name, double, true, same)
	add(wrapped.name, wrapped, true, same)

	add("other message", ordinary, false, func(a *knownAnswer) { a.digest = digest(onesDigest) })
	add("other key", ordinary, false, func(a *knownAnswer) { a.x, a.y = curve.Gx, curve.Gy })
	add("r and s swapped", ordinary, false, func(a *knownAnswer) { a.r, a.s = a.s, a.r })
	add("bit of r flipped", ordinary, false, func(a *knownAnswer) { a.r = flip(a.r, 0) })
	add("bit of s flipped", ordinary, false, func(a *knownAnswer) { a.s = flip(a.s, 200) })
	add("last bit of the digest flipped", ordinary, false, func(a *knownAnswer) { a.digest = flip(new(big.Int).SetBytes(a.digest), 0).Bytes() })
	// The key is the negative of the generator: the sum is the point at infinity.
	add("sum at infinity", double, false, func(a *knownAnswer) { a.y = new(big.Int).Sub(p, a.y) })
	add("negative key", ordinary, false, func(a *knownAnswer) { a.y = new(big.Int).Sub(p, a.y) })

	zero, ones := new(big.Int), new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 8*scalarSize), big.NewInt(1))
	add("r 0", ordinary, false, func(a *knownAnswer) { a.r = zero })
	add("s 0", ordinary, false, func(a *knownAnswer) { a.s = zero })
	add("r and s 0", ordinary, false, func(a *knownAnswer) { a.r, a.s = zero, zero })
	add("r n", ordinary, false, func(a *knownAnswer) { a.r = n })
	add("s n", ordinary, false, func(a *knownAnswer) { a.s = n })
	// These two are congruent to valid ones, and the first is the very x.
	add("r above n", wrapped, false, func(a *knownAnswer) { a.r = plus(a.r) })
	add("s above n", wrapped, false, func(a *knownAnswer) { a.s = plus(a.s) })
	add("r of ones", ordinary, false, func(a *knownAnswer) { a.r = ones })
	add("s of ones", ordinary, false, func(a *knownAnswer) { a.s = ones })

	add("key off the curve", ordinary, false, func(a *knownAnswer) { a.y = flip(a.y, 0) })
	add("key at infinity", ordinary, false, func(a *knownAnswer) { a.x, a.y = zero, zero })
	// The same points modulo p.
	add("x of the key above p", ordinary, false, func(a *knownAnswer) { a.x = new(big.Int).Add(a.x, p) })
	add("y of the key negative", ordinary, false, func(a *knownAnswer) { a.y = new(big.Int).Sub(a.y, p) })
	return answers
}

// digest decodes one of the constants below, all of which are hexadecimal.
func digest(constant string) []byte {
	b, _ := hex.DecodeString(constant)
	return b
}

func number(constant string) *big.Int { return new(big.Int).SetBytes(digest(constant)) }

// The numbers were computed for this purpose, apart from any implementation
// below test: nonces and the private key are SHA-384 of fixed sentences.
const (
	keyX = "76c70c9b9c19943afe02e0800e84c50dd14f710bab6766bb46f1f47fa24cfc7ce6385fb4538208c8f04d96e936b3e6d6"
	keyY = "31f928bb07a3326c5f3f76292c8dfa870c3035db34386b90721a2293b269e72ad9be28c10df619e2f4fa2d4e37bc1aba"

	// s is low, so that n-s is high.
	ordinaryDigest = "b1e8f8be02260d4305280a0c1e82813d3e53d3a0519e2fd54b2cd73b5561f3e6e00c04aa8f7afd0d9719eb6ca2f5bf1a"
	ordinaryR      = "66ef33baad5dd6d4d5434e89adee44d5709ec309afadeca5bcdf582c67a540a9d50ddd45b2ab6df80441c2efc7e3acf6"
	ordinaryS      = "228ade5ad65baf47aa6e665c9c7ccf82ddc7a597fde55e570135eff47ebef5225fa0ec7943b6eb051416f0eff79a44de"

	// The digest is above n and has to be reduced.
	onesDigest = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	onesR      = "3f00b7648ce439a431d7306f923ffb2c0ca7f5e77c2de808db75bf5889143fbb8d7b72a310ff5831289e46ca6efa4d7b"
	onesS      = "673f3c91381681df737032686aecdca07b8013422015f1dcfc9324ca9ec070660f87902f54d4681398a77530aa23c61f"

	// The digest is zero: nothing is added to the multiple of the key.
	zerosR = "161bfe01bda06d5018900fdf8ffe7ae3434d410334539a85adb64fe29e9c4d0e96b9f37f9b0aa0c65070a93ae7e2a4c7"
	zerosS = "86689415b89018803bd18b94f0230612d3871d90129b313b762f822af545010306cd4b0bfa87d00ad5ffa5183afee830"

	// The key is the generator and the digest is r: both points that are added
	// are the same.
	doubleR = "5f1210c1a55420b1422aa5380d12e5053a5c6ee69b932954fc493b0a9c1c5e3e923aef62db164259543c137d363b14c4"
	doubleS = "7e9bd082a1e3bf98426b746fca0e8b1f4d107954c3d10a1a3dbceb5a550e8f38a09a62f61d60b9607307d2abf612f784"

	// The x of the sum is n+2 and r is 2, s is 3. No such signature comes about
	// by chance: the key was computed from it.
	wrappedX      = "bcaf3f386a26bcbe6666f460633f4e9129810fe600a6078a587325109b21d99d652f82fe6311c2386bd358bbf4628f87"
	wrappedY      = "4a8750c7df8513913dddf894ccdb82d3cd3ae84360928d706ff71f2aebe799c816e9a5eadfde7d651bec9fb7e83a8928"
	wrappedDigest = "b2f8b5c3c723e11261240e49f50096ed840fa5da57d01193f3b067788f03b698273a9781d1ce36c7974003a8c511ba57"
)
