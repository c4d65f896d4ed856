package fastp384_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"flag"
	"math/big"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/fastp384"
)

var (
	scalars = flag.Int("scalars", 500, "how many pairs of scalars TestScalars tries")
	seed    = flag.Uint64("seed", 18, "which pairs of scalars TestScalars tries")
)

// special returns scalars at which implementations differ from what they should
// be: about 0, n, halves of n, powers of two and runs of ones.
func special() []*big.Int {
	var out []*big.Int
	add := func(v *big.Int) {
		for d := int64(-2); d <= 2; d++ {
			s := new(big.Int).Add(v, big.NewInt(d))
			out = append(out, s.Mod(s, order))
		}
	}
	add(new(big.Int))
	add(new(big.Int).Rsh(order, 1))
	for bit := uint(0); bit < 384; bit++ {
		power := new(big.Int).Lsh(big.NewInt(1), bit)
		add(power)
		out = append(out, new(big.Int).Sub(order, power))
	}
	for _, pattern := range []byte{0x55, 0xaa, 0x0f, 0xf0, 0x11, 0x80, 0x1f} {
		b := make([]byte, 48)
		for i := range b {
			b[i] = pattern
		}
		v := new(big.Int).SetBytes(b)
		out = append(out, v.Mod(v, order))
	}
	return out
}

// TestScalars has valid signatures for chosen scalars, and what becomes of them
// when a bit is changed. -scalars says how many, and -seed which, so that many of
// them can be tried in several runs; half of the numbers are special.
func TestScalars(t *testing.T) {
	t.Parallel()
	specials := special()
	const workers = 2
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(*seed, uint64(worker)))
			bytes := rand.NewChaCha8([32]byte{byte(*seed), byte(*seed >> 8), byte(worker)})
			pick := func() *big.Int {
				if random.IntN(2) == 0 {
					return specials[random.IntN(len(specials))]
				}
				b := make([]byte, 48)
				_, _ = bytes.Read(b)
				return scalar(b)
			}
			nonZero := func() *big.Int {
				for {
					if v := pick(); v.Sign() != 0 {
						return v
					}
				}
			}
			d, key := big.NewInt(1), publicKey(t, big.NewInt(1))
			for i := 0; i < *scalars/workers && !t.Failed(); i++ {
				if i%4 == 0 {
					d = nonZero()
					key = publicKey(t, d)
				}
				u1, u2 := pick(), nonZero()
				if random.IntN(16) == 0 { // the sum is the point at infinity
					u1 = new(big.Int).Mul(u2, d)
					u1.Mod(u1.Neg(u1), order)
				}
				digest, r, s, valid := withScalars(t, d, u1, u2)
				if random.IntN(4) == 0 {
					field := [][]byte{digest, r, s}[random.IntN(3)]
					field[random.IntN(48)] ^= 1 << random.IntN(8)
					requireSame(t, key, digest, r, s)
				} else if got := requireSame(t, key, digest, r, s); got != valid {
					t.Errorf("d %x, u1 %x, u2 %x: found %t, expected %t", d, u1, u2, got, valid)
				}
			}
		})
	}
	group.Wait()
}

// What the signatures of a chain cannot have, and a caller of the package can:
// lengths of any size.
func TestLengths(t *testing.T) {
	t.Parallel()
	d := big.NewInt(3)
	key := publicKey(t, d)
	digest, r, s, _ := withScalars(t, d, big.NewInt(5), big.NewInt(11))
	zeros := make([]byte, 9)
	require.True(t, requireSame(t, key, digest, r, s))
	require.True(t, requireSame(t, key, digest, append(zeros, r...), append(zeros, s...)))
	require.True(t, requireSame(t, key, append(digest, 1, 2, 3), r, s), "a longer digest is cut")
	require.False(t, requireSame(t, key, digest[:47], r, s))
	require.False(t, requireSame(t, key, digest, append(r, 0), s))
	require.False(t, fastp384.New().VerifyP384(key, nil, r, s), "the standard library refuses it since Go 1.27")
	require.False(t, requireSame(t, key, digest, nil, nil))
	short, r, s, _ := withScalars(t, d, big.NewInt(0), big.NewInt(2))
	require.False(t, fastp384.New().VerifyP384(key, short[:0], r, s), "no digest is not a digest of zero")
	require.True(t, requireSame(t, key, short[:20], r, s))
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	d := big.NewInt(3)
	digest, r, s, _ := withScalars(t, d, big.NewInt(5), big.NewInt(11))
	good := publicKey(t, d)
	point, err := good.Bytes()
	require.NoError(t, err)
	x, y := new(big.Int).SetBytes(point[1:49]), new(big.Int).SetBytes(point[49:])
	p, one := elliptic.P384().Params().P, big.NewInt(1)
	for name, key := range map[string]*ecdsa.PublicKey{
		"off the curve":    raw(x, new(big.Int).Add(y, one)),
		"infinity":         raw(new(big.Int), new(big.Int)),
		"x of p more":      raw(new(big.Int).Add(x, p), y),
		"y of p more":      raw(x, new(big.Int).Add(y, p)),
		"y of p less":      raw(x, new(big.Int).Sub(y, p)),
		"the negative key": raw(x, new(big.Int).Sub(p, y)),
	} {
		require.False(t, standard(key, digest, r, s), name)
		require.False(t, fastp384.New().VerifyP384(key, digest, r, s), name)
	}
	p256 := raw(x, y)
	p256.Curve = elliptic.P256()
	for name, key := range map[string]*ecdsa.PublicKey{
		"nil": nil, "zero": {}, "no coordinates": raw(nil, nil), "one coordinate": raw(x, nil), "another curve": p256,
	} {
		require.False(t, fastp384.New().VerifyP384(key, digest, r, s), name)
	}
	require.True(t, fastp384.New().VerifyP384(good, digest, r, s))
	require.True(t, (*fastp384.Verifier)(nil).VerifyP384(good, digest, r, s))
}

// raw is a key with whatever coordinates.
func raw(x, y *big.Int) *ecdsa.PublicKey {
	//lint:ignore SA1019 no other way leads to a key that is not valid
	return &ecdsa.PublicKey{Curve: elliptic.P384(), X: x, Y: y}
}

// FuzzAgainstStandard compares verdicts: of signatures that are valid for chosen
// scalars and then changed, and of what is no signature at all.
func FuzzAgainstStandard(f *testing.F) {
	f.Add([]byte{1}, []byte{1}, []byte{1}, []byte{}, []byte{}, []byte{})
	f.Add([]byte{2}, []byte{0xff}, []byte{3}, []byte{1}, []byte{}, []byte{})
	f.Add(fill(order), []byte{}, fill(order), []byte{}, fill(order), fill(order))
	f.Add([]byte{5}, []byte{9}, fill(new(big.Int).Rsh(order, 1)), []byte{}, []byte{}, []byte{1})
	f.Fuzz(func(t *testing.T, private, first, second, xorDigest, xorR, xorS []byte) {
		d, u2 := scalar(private), scalar(second)
		u1 := new(big.Int).SetBytes(first)
		digest, r, s, valid := withScalars(t, d, u1.Mod(u1, order), u2)
		key := publicKey(t, d)
		changed := xor(digest, xorDigest)
		changed = xor(r, xorR) || changed
		changed = xor(s, xorS) || changed
		if got := requireSame(t, key, digest, r, s); !changed && got != valid {
			t.Fatalf("d %x, u1 %x, u2 %x: found %t, expected %t", d, u1, u2, got, valid)
		}
		requireSame(t, key, first, second, xorS)
	})
}

// xor changes b and reports whether it did.
func xor(b, with []byte) (changed bool) {
	for i := range min(len(b), len(with)) {
		b[i] ^= with[i]
		changed = changed || with[i] != 0
	}
	return changed
}
