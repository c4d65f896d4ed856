package recipient_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/recipient"
)

// modulus returns an odd number of as many bits, which is all that the checks
// of a public key look at.
func modulus(bits uint) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return n.SetBit(n, 0, 1)
}

var badPublicKeys = []struct {
	name   string
	key    rsa.PublicKey
	detail string
}{
	{"1024 bits", rsa.PublicKey{N: modulus(1024), E: 65537}, "modulus of 1024 bits"},
	{"2046 bits", rsa.PublicKey{N: modulus(2046), E: 65537}, "modulus of 2046 bits"},
	{"2049 bits", rsa.PublicKey{N: modulus(2049), E: 65537}, "modulus of 2049 bits"},
	{"4098 bits", rsa.PublicKey{N: modulus(4098), E: 65537}, "modulus of 4098 bits"},
	{"even modulus", rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 65537}, "even RSA modulus"},
	{"exponent 3", rsa.PublicKey{N: modulus(2048), E: 3}, "exponent 3"},
	{"exponent 65535", rsa.PublicKey{N: modulus(2048), E: 65535}, "exponent 65535"},
	{"even exponent", rsa.PublicKey{N: modulus(2048), E: 65538}, "exponent 65538"},
}

func TestOpenRefusesKeys(t *testing.T) {
	t.Parallel()
	good := rsa2048(t)
	envelope := syntheticEnvelope(t, "ok_kms_style")
	refuse := func(name string, key *rsa.PrivateKey, detail string) {
		t.Run(name, func(t *testing.T) {
			opened, err := recipient.Open(envelope, key)
			typed := requireReason(t, recipient.InvalidKey, opened, err)
			assert.Contains(t, typed.Detail, detail)
			assert.Equal(t, -1, typed.Offset)
		})
	}
	refuse("nil", nil, "found no RSA key")
	refuse("empty", &rsa.PrivateKey{}, "without a positive modulus")
	refuse("negative modulus", &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Neg(good.N), E: good.E}}, "without a positive modulus")
	for _, bad := range badPublicKeys {
		refuse(bad.name, &rsa.PrivateKey{PublicKey: bad.key}, bad.detail)
	}

	bare := func() *rsa.PrivateKey {
		return &rsa.PrivateKey{PublicKey: good.PublicKey, D: good.D, Primes: slices.Clone(good.Primes)}
	}
	opened, err := recipient.Open(envelope, bare())
	require.NoError(t, err, "a key without precomputed values is good")
	assert.Equal(t, greeting, string(opened))

	const parts = "parts do not belong together"
	key := bare()
	key.D = nil
	refuse("no private exponent", key, parts)
	key = bare()
	key.D = new(big.Int).Add(good.D, big.NewInt(2))
	refuse("another private exponent", key, parts)
	key = bare()
	key.Primes[1] = nil
	refuse("a nil prime", key, parts)
	key = bare()
	key.Primes[1] = new(big.Int).Add(good.Primes[1], big.NewInt(2))
	refuse("another prime", key, parts)
	key = bare()
	key.Primes = key.Primes[:1]
	refuse("one prime", key, "1 primes")
	key = bare()
	key.Primes = append(key.Primes, big.NewInt(3))
	refuse("three primes", key, "3 primes")
	refuse("primes of different lengths", unequalPrimes(t), "different lengths")
}

// unequalPrimes makes a consistent key of 2048 bits from primes of 1100 and
// 948 bits, which FIPS 186-5, appendix A.1.1, does not allow.
func unequalPrimes(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	one, e := big.NewInt(1), big.NewInt(65537)
	for {
		p, q := prime(t, 1100), prime(t, 948)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		n := new(big.Int).Mul(p, q)
		if d != nil && n.BitLen() == 2048 {
			return &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: 65537}, D: d, Primes: []*big.Int{p, q}}
		}
	}
}

// prime does what crypto/rand.Prime does not do in FIPS 140-only mode.
func prime(t *testing.T, bits uint) *big.Int {
	t.Helper()
	for {
		candidate, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), bits))
		require.NoError(t, err)
		candidate.SetBit(candidate, 0, 1).SetBit(candidate, int(bits)-1, 1)
		if candidate.ProbablyPrime(20) {
			return candidate
		}
	}
}

func TestSealRefusesPublicKeys(t *testing.T) {
	t.Parallel()
	refuse := func(name string, publicKey []byte, detail string) {
		t.Run(name, func(t *testing.T) {
			sealed, err := sealTo(t, publicKey, []byte("secret"))
			typed := requireReason(t, recipient.InvalidKey, sealed, err)
			assert.Contains(t, typed.Detail, detail)
		})
	}
	good := &rsa2048(t).PublicKey
	spki := spkiOf(t, good)
	_, err := sealTo(t, spki, nil)
	require.NoError(t, err)

	refuse("nil", nil, "found no public_key")
	refuse("empty", []byte{}, "found no public_key")
	for _, bad := range badPublicKeys {
		refuse(bad.name, spkiOf(t, &bad.key), bad.detail)
	}
	const form = "expected the DER of an RSA SubjectPublicKeyInfo"
	refuse("PKCS #1 form", x509.MarshalPKCS1PublicKey(good), form)
	refuse("PEM", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}), form)
	refuse("trailing byte", append(slices.Clone(spki), 0), form)
	refuse("raw X25519 key", make([]byte, 32), form)
	// encoding/asn1 takes fields after the last one it knows.
	refuse("an additional field", tlv(0x30, spki[4:], null), "in another encoding")

	elliptical, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	refuse("ECDSA", spkiOf(t, &elliptical.PublicKey), "*ecdsa.PublicKey")
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	refuse("Ed25519", spkiOf(t, edwards), "ed25519.PublicKey")
}
