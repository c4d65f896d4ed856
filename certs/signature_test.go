package certs_test

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
)

// signatureFunc is a SignatureVerifier.
type signatureFunc func(key *ecdsa.PublicKey, digest, r, s []byte) bool

func (f signatureFunc) VerifyP384(key *ecdsa.PublicKey, digest, r, s []byte) bool {
	return f(key, digest, r, s)
}

// standard is package crypto/ecdsa as a SignatureVerifier.
func standard(key *ecdsa.PublicKey, digest, r, s []byte) bool {
	signature, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(r), new(big.Int).SetBytes(s)})
	return err == nil && ecdsa.VerifyASN1(key, digest, signature)
}

func notUnderFIPS(t *testing.T) {
	t.Helper()
	if strings.Contains(os.Getenv("GODEBUG"), "fips140=only") {
		t.Skip("no other signatures under fips140=only")
	}
}

func TestKnownAnswersAreThoseOfTheStandardLibrary(t *testing.T) {
	notUnderFIPS(t)
	_, err := certs.NewVerifier(certs.AWSNitroRootG1(), certs.Config{Signatures: signatureFunc(standard)})
	assert.NoError(t, err)
}

// A verifier that is wrong about any one of the known answers is refused by its
// name, and each of them is asked about.
func TestEachKnownAnswerDecides(t *testing.T) {
	t.Parallel()
	notUnderFIPS(t)
	names := certs.KnownAnswers()
	require.Greater(t, len(names), 25)
	seen := map[string]bool{}
	for wrong, name := range names {
		require.False(t, seen[name], "%s: twice", name)
		seen[name] = true
		asked := 0
		v, err := certs.NewVerifier(certs.AWSNitroRootG1(), certs.Config{Signatures: signatureFunc(func(key *ecdsa.PublicKey, digest, r, s []byte) bool {
			require.Len(t, digest, 48)
			require.Len(t, r, 48)
			require.Len(t, s, 48)
			asked++
			return standard(key, digest, r, s) != (asked == wrong+1)
		})})
		require.ErrorContains(t, err, "certs: Config.Signatures: ")
		require.ErrorContains(t, err, `"`+name+`"`)
		require.Nil(t, v)
	}
}

// Verifiers that make one well-known mistake each.
func TestWrongVerifiersAreRefused(t *testing.T) {
	t.Parallel()
	notUnderFIPS(t)
	n, _ := new(big.Int).SetString("ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16)
	reduced := func(b []byte) []byte {
		v := new(big.Int).SetBytes(b)
		return v.Mod(v, n).FillBytes(make([]byte, 48))
	}
	for name, wrong := range map[string]signatureFunc{
		"accepts all": func(*ecdsa.PublicKey, []byte, []byte, []byte) bool { return true },
		"refuses all": func(*ecdsa.PublicKey, []byte, []byte, []byte) bool { return false },
		"refuses high s": func(key *ecdsa.PublicKey, digest, r, s []byte) bool {
			return s[0] < 0x80 && standard(key, digest, r, s)
		},
		"accepts zeros": func(key *ecdsa.PublicKey, digest, r, s []byte) bool {
			return bytes.Equal(append(bytes.Clone(r), s...), make([]byte, 96)) || standard(key, digest, r, s)
		},
		"reduces r": func(key *ecdsa.PublicKey, digest, r, s []byte) bool { return standard(key, digest, reduced(r), s) },
		"reduces s": func(key *ecdsa.PublicKey, digest, r, s []byte) bool { return standard(key, digest, r, reduced(s)) },
		"compares x with r without reducing it": func(key *ecdsa.PublicKey, digest, r, s []byte) bool {
			return new(big.Int).SetBytes(r).Cmp(big.NewInt(1<<32)) > 0 && standard(key, digest, r, s)
		},
	} {
		_, err := certs.NewVerifier(certs.AWSNitroRootG1(), certs.Config{Signatures: wrong})
		assert.ErrorContains(t, err, "certs: Config.Signatures: found the verdict", name)
	}
}

// The signatures of a chain are verified by what is set and by nothing else.
func TestSignaturesOfChainsGoThroughTheVerifier(t *testing.T) {
	t.Parallel()
	notUnderFIPS(t)
	var calls atomic.Int64
	var refuse atomic.Bool
	v, err := certs.NewVerifier(certs.AWSNitroRootG1(), certs.Config{Signatures: signatureFunc(func(key *ecdsa.PublicKey, digest, r, s []byte) bool {
		calls.Add(1)
		return standard(key, digest, r, s) && !refuse.Load()
	})})
	require.NoError(t, err)
	for _, c := range recordedChains(t) {
		refuse.Store(false)
		calls.Store(0)
		_, err = v.Verify(c.chain, c.at)
		require.NoError(t, err, c.file)
		require.EqualValues(t, 4, calls.Load(), c.file)
		refuse.Store(true)
		_, err = v.Verify(c.chain, c.at)
		require.ErrorIs(t, err, certs.Signature, c.file)
	}
}

// Broken chains are refused with the same words whatever verifies their
// signatures.
func TestMutatedChainsWithAnotherVerifier(t *testing.T) {
	t.Parallel()
	notUnderFIPS(t)
	if testing.Short() {
		t.Skip("a long table on one goroutine")
	}
	h := simulated()
	for _, m := range attestationtest.Mutations() {
		if !ofChain(m.Topic) {
			continue
		}
		c := h.Case(m)
		roots, err := certs.NewRoots(c.Root)
		require.NoError(t, err)
		chain, _ := chainOf(t, c.Document)
		var refusals []string
		for _, signatures := range []certs.SignatureVerifier{nil, signatureFunc(standard)} {
			v, err := certs.NewVerifier(roots, certs.Config{Signatures: signatures})
			require.NoError(t, err)
			_, err = v.Verify(chain, c.Now)
			require.Error(t, err, m.Name)
			refusals = append(refusals, err.Error())
		}
		require.Equal(t, refusals[0], refusals[1], m.Name)
	}
}

// The numbers of a signature are read from DER as crypto/ecdsa reads them: what
// one takes for a form of the signature, so does the other.
func TestSignatureEncodings(t *testing.T) {
	t.Parallel()
	for _, hexDER := range []string{
		"", "30", "3000", "3003020101", "3006020101020101", "300602010102010100", "3007020101020101", "30060201010201",
		"3106020101020101", "3006030101020101", "3006020101030101", "300602010102017f", "3006020180020101", "3007020200800201017f",
		"300702020080020101", "30070202007f020101", "3006020100020100", "30050200020101", "3005020101 0200", "30810602010102010102",
		"308106020101020101", "30800201010201010000", "3009020101020101020101", "300702010102020080", "30080203000080020101",
	} {
		der, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(hexDER), []byte(" "), nil)))
		require.NoError(t, err)
		r, s, ok := certs.SplitSignature(der)
		// A value that encoding/asn1 reads and writes as the same bytes is DER.
		var value struct{ R, S *big.Int }
		rest, err := asn1.Unmarshal(der, &value)
		want := err == nil && len(rest) == 0 && value.R.Sign() >= 0 && value.S.Sign() >= 0
		if want {
			again, err := asn1.Marshal(value)
			require.NoError(t, err)
			want = bytes.Equal(again, der)
		}
		require.Equal(t, want, ok, hexDER)
		if ok {
			require.Equal(t, value.R.FillBytes(make([]byte, 48)), r)
			require.Equal(t, value.S.FillBytes(make([]byte, 48)), s)
		}
	}
	most := append([]byte{0}, bytes.Repeat([]byte{0xff}, 48)...)
	over := append([]byte{1}, make([]byte, 48)...)
	for _, number := range [][]byte{most, over} {
		der := append(append([]byte{0x30, 2 + 49 + 3, 2, 49}, number...), 2, 1, 1)
		_, _, ok := certs.SplitSignature(der)
		require.Equal(t, number[0] == 0, ok)
	}
}

// Under fips140=only nothing takes the place of the standard library's
// signatures, and nil is as good as ever.
func TestOtherSignaturesUnderFIPS(t *testing.T) {
	if !strings.Contains(os.Getenv("GODEBUG"), "fips140=only") {
		t.Parallel()
		again := exec.Command(os.Args[0], "-test.run", "^TestOtherSignaturesUnderFIPS$")
		again.Env = append(os.Environ(), "GODEBUG=fips140=only")
		out, err := again.CombinedOutput()
		require.NoError(t, err, string(out))
		return
	}
	_, err := certs.NewVerifier(certs.AWSNitroRootG1(), certs.Config{Signatures: signatureFunc(standard)})
	require.ErrorContains(t, err, "certs: Config.Signatures: ")
	require.ErrorContains(t, err, "fips140=only")
	_, err = certs.NewVerifier(certs.AWSNitroRootG1(), certs.Config{})
	require.NoError(t, err)
}
