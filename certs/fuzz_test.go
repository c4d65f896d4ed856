package certs_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/certs"
)

// edits are what a fuzzer's program can do to a chain; each takes three
// operands.
var edits = []func(c *certs.Chain, others []recordedChain, at *time.Time, a, b, d int){
	func(c *certs.Chain, _ []recordedChain, _ *time.Time, a, b, d int) { // flip a bit
		der := certificate(c, a)
		if bit := b | d<<8; len(*der) > 0 {
			*der = bytes.Clone(*der)
			(*der)[bit/8%len(*der)] ^= 1 << (bit % 8)
		}
	},
	func(c *certs.Chain, others []recordedChain, _ *time.Time, a, b, d int) { // take a certificate of another chain
		*certificate(c, a) = *certificate(&others[b%len(others)].chain, d)
	},
	func(c *certs.Chain, _ []recordedChain, _ *time.Time, a, b, _ int) { // swap two
		x, y := certificate(c, a), certificate(c, b)
		*x, *y = *y, *x
	},
	func(c *certs.Chain, _ []recordedChain, _ *time.Time, a, _, _ int) { // leave one out
		if len(c.Bundle) > 0 {
			i := a % len(c.Bundle)
			c.Bundle = slices.Delete(slices.Clone(c.Bundle), i, i+1)
		}
	},
	func(c *certs.Chain, others []recordedChain, _ *time.Time, a, b, d int) { // insert one
		c.Bundle = slices.Insert(slices.Clone(c.Bundle), a%(len(c.Bundle)+1), *certificate(&others[b%len(others)].chain, d))
	},
	func(c *certs.Chain, others []recordedChain, _ *time.Time, a, _, _ int) { // take the module of another
		c.ModuleID = others[a%len(others)].chain.ModuleID
	},
	func(_ *certs.Chain, _ []recordedChain, at *time.Time, a, b, d int) { // move the clock
		*at = at.Add(time.Duration(a-128) * time.Second << (b % 32))
		_ = d
	},
	func(c *certs.Chain, _ []recordedChain, _ *time.Time, a, b, _ int) { // cut the end
		der := certificate(c, a)
		*der = (*der)[:len(*der)-min(b, len(*der))]
	},
	func(c *certs.Chain, _ []recordedChain, _ *time.Time, a, b, _ int) { // append a byte
		der := certificate(c, a)
		*der = append(bytes.Clone(*der), byte(b))
	},
	func(c *certs.Chain, _ []recordedChain, _ *time.Time, a, _, _ int) { // the other signature that verifies
		der := certificate(c, a)
		*der = negated(*der)
	},
	func(c *certs.Chain, _ []recordedChain, _ *time.Time, a, _, _ int) { // end the bundle early
		c.Leaf = *certificate(c, a)
		c.Bundle = c.Bundle[:min(a%5, len(c.Bundle))]
	},
}

// certificate is the one at a position; the last is the leaf.
func certificate(c *certs.Chain, position int) *[]byte {
	if i := position % (len(c.Bundle) + 1); i < len(c.Bundle) {
		return &c.Bundle[i]
	}
	return &c.Leaf
}

// negated turns the signature (r, s) of a certificate into (r, -s), which
// verifies as well: nobody needs a key to do so.
func negated(der []byte) []byte {
	var cert struct {
		TBS, Algorithm asn1.RawValue
		Signature      asn1.BitString
	}
	var signature struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &cert); err != nil || len(rest) > 0 {
		return der
	}
	if _, err := asn1.Unmarshal(cert.Signature.Bytes, &signature); err != nil {
		return der
	}
	signature.S.Sub(elliptic.P384().Params().N, signature.S)
	cert.Signature.Bytes, _ = asn1.Marshal(signature)
	cert.Signature.BitLength = 8 * len(cert.Signature.Bytes)
	out, err := asn1.Marshal(cert)
	if err != nil {
		return der
	}
	return out
}

// signedParts is what the signatures of a chain cover, in its order, after the
// pinned root; the signatures themselves are malleable.
func signedParts(t *testing.T, c certs.Chain) string {
	var out []byte
	for i, der := range append(slices.Clone(c.Bundle), c.Leaf) {
		cert, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		if i == 0 {
			out = append(out, der...)
		} else {
			out = append(out, cert.RawTBSCertificate...)
		}
	}
	return string(out)
}

// FuzzChain looks for a chain that is accepted and that AWS did not issue. Its
// input says with which recorded chain to begin, and how to edit it. What is
// accepted is a recorded chain, whole and in its order, for its own module,
// within the validity of all of its certificates.
func FuzzChain(f *testing.F) {
	recorded := recordedChains(f)
	v, err := certs.NewVerifier(certs.AWSNitroRootG1(), certs.Config{CachedCertificates: 1000})
	require.NoError(f, err)
	for edit := range edits {
		for i := range 30 {
			f.Add(uint8(i), []byte{byte(edit), byte(i), byte(i * 7), byte(i * 13)})
		}
	}
	for i := range recorded {
		f.Add(uint8(i), []byte{})
		f.Add(uint8(i), []byte{9, 0, 0, 0, 9, 1, 0, 0})
		f.Add(uint8(i), []byte{1, 3, byte(i + 1), 3, 1, 4, byte(i + 1), 4, 5, byte(i + 1), 0, 0})
	}
	f.Add(uint8(10), []byte{9, 0, 0, 0, 4, 0, 10, 0}) // the root twice, in two encodings
	f.Fuzz(func(t *testing.T, start uint8, program []byte) {
		from := recorded[int(start)%len(recorded)]
		chain, at := clone(from.chain), from.at
		for step := 0; len(program) >= 4 && step < 12; step++ {
			edits[int(program[0])%len(edits)](&chain, recorded, &at, int(program[1]), int(program[2]), int(program[3]))
			program = program[4:]
		}
		got, err := v.Verify(chain, at)
		if err != nil {
			require.Nil(t, got)
			var fault *certs.Error
			require.ErrorAs(t, err, &fault)
			require.NotEmpty(t, fault.Error())
			return
		}
		parts := signedParts(t, chain)
		require.True(t, slices.ContainsFunc(recorded, func(r recordedChain) bool {
			return r.chain.ModuleID == chain.ModuleID && signedParts(t, r.chain) == parts
		}), "accepted, and AWS issued no such chain")
		require.Len(t, got, len(chain.Bundle)+1)
		for _, cert := range got {
			require.False(t, at.Before(cert.NotBefore) || at.After(cert.NotAfter), "%s at %s", cert.Subject, at)
		}
	})
}
