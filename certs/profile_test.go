package certs_test

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
)

// edited is a simulated chain in which one certificate was changed before it was
// signed.
func edited(t *testing.T, level attestationtest.Level, edit func(*attestationtest.Certificate)) certs.Chain {
	t.Helper()
	b := simulated().Blueprint(attestationtest.Request{})
	edit(b.Chain[level])
	chain, _ := chainOf(t, b.Document())
	return chain
}

// extended is one with an extension in the place of that with the same OID, or
// beside the others.
func extended(t *testing.T, level attestationtest.Level, extension pkix.Extension) certs.Chain {
	t.Helper()
	return edited(t, level, func(c *attestationtest.Certificate) {
		i := slices.IndexFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(extension.Id) })
		if i < 0 {
			c.Extensions = append(c.Extensions, extension)
		} else {
			c.Extensions[i] = extension
		}
	})
}

// Each extension that would narrow what a chain is good for is refused, critical
// or not, at every level: the walk evaluates none of them.
func TestNarrowingExtensions(t *testing.T) {
	v, count := counting(t, simulated().Roots(), 0)
	oid := func(last int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 5, 29, last} }
	sequence := func(contents ...[]byte) []byte { return der(asn1.TagSequence, true, contents...) }
	anyPolicy := []byte{6, 4, 0x55, 0x1d, 0x20, 0}
	for name, extension := range map[string]pkix.Extension{
		"name constraints":   {Id: oid(30), Value: sequence(field(0, true, sequence(field(2, false, []byte("example.invalid")))))},
		"policy mappings":    {Id: oid(33), Value: sequence(sequence(anyPolicy, anyPolicy))},
		"policy constraints": {Id: oid(36), Value: sequence(field(0, false, []byte{0}))},
		"extended key usage": {Id: oid(37), Value: sequence([]byte{6, 4, 0x55, 0x1d, 0x25, 0})},
		"inhibit any-policy": {Id: oid(54), Value: []byte{2, 1, 0}},
	} {
		for _, critical := range []bool{false, true} {
			extension.Critical = critical
			for level := levelRegional; level <= levelLeaf; level++ {
				_, err := v.Verify(extended(t, level, extension), someTime)
				fault := requireReason(t, certs.Extension, err)
				assert.Equal(t, "found "+name+", which no certificate of AWS's has", fault.Detail)
				assert.Equal(t, int(level), fault.Position)
			}
		}
	}
	assert.Zero(t, count.Load())
}

// A key usage has one encoding, whatever its bits.
func TestFormsOfKeyUsage(t *testing.T) {
	v, _ := counting(t, simulated().Roots(), 0)
	const signs, issues = 0x80, 0x04 // digitalSignature, keyCertSign
	for _, test := range []struct {
		level  attestationtest.Level
		value  []byte
		reason certs.Reason
	}{
		{levelLeaf, []byte{3, 2, 7, signs}, ""},
		{levelLeaf, []byte{3, 2, 0, signs | 1}, ""},
		{levelLeaf, []byte{3, 2, 1, signs | 2}, ""},
		{levelZonal, []byte{3, 2, 2, issues}, ""},
		{levelZonal, []byte{3, 2, 1, issues | 2}, ""},
		{levelLeaf, []byte{3, 2, 6, 0x40}, certs.KeyUsage},
		{levelZonal, []byte{3, 2, 7, signs}, certs.KeyUsage},
		{levelZonal, []byte{3, 1, 0}, certs.KeyUsage},
		{levelLeaf, []byte{3, 1, 0}, certs.KeyUsage},

		{levelLeaf, []byte{3, 2, 6, signs}, certs.Encoding},             // a zero bit too many
		{levelLeaf, []byte{3, 2, 0, signs}, certs.Encoding},             // seven of them
		{levelLeaf, []byte{3, 2, 0, 0}, certs.Encoding},                 // nothing but zero bits
		{levelLeaf, []byte{3, 2, 7, 0}, certs.Encoding},                 //
		{levelLeaf, []byte{3, 3, 7, signs, signs}, certs.Encoding},      // decipherOnly
		{levelLeaf, []byte{3, 3, 0, signs, 1}, certs.Encoding},          // sixteen bits
		{levelLeaf, []byte{3, 2, 7, signs, 0}, certs.Encoding},          // a byte after it
		{levelLeaf, []byte{3, 3, 7, 0, signs}, certs.Encoding},          //
		{levelLeaf, []byte{3, 2, 7, signs | 1}, certs.Encoding},         // an unused bit that is set
		{levelLeaf, []byte{3, 1, 7}, certs.Encoding},                    // seven unused bits of none
		{levelLeaf, []byte{4, 2, 7, signs}, certs.Encoding},             // an OCTET STRING
		{levelLeaf, []byte{3, 0x81, 2, 7, signs}, certs.Encoding},       // a long length
		{levelZonal, []byte{3, 2, 1, issues, 0}, certs.Encoding},        //
		{levelInstance, []byte{3, 2, 0, issues}, certs.Encoding},        //
		{levelRegional, []byte{3, 3, 0, 6, 0}, certs.Encoding},          //
		{levelRegional, []byte{3, 2, 8, issues | 1}, certs.Encoding},    // eight unused bits
		{levelRegional, []byte{0x23, 4, 3, 2, 1, 6}, certs.Encoding},    // in parts
		{levelRegional, []byte{}, certs.Encoding},                       //
		{levelRegional, []byte{3, 2, 1}, certs.Encoding},                // cut
		{levelRegional, []byte{3, 2, 1, issues | 2, 5}, certs.Encoding}, //
	} {
		_, err := v.Verify(extended(t, test.level, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 15}, Critical: true, Value: test.value}), someTime)
		if test.reason == "" {
			require.NoError(t, err, "% x", test.value)
			continue
		}
		assert.Equal(t, int(test.level), requireReason(t, test.reason, err).Position, "% x", test.value)
	}
}

// So have basic constraints.
func TestFormsOfBasicConstraints(t *testing.T) {
	v, _ := counting(t, simulated().Roots(), 0)
	for _, test := range []struct {
		level  attestationtest.Level
		value  []byte
		reason certs.Reason
	}{
		{levelZonal, []byte{0x30, 3, 1, 1, 0xff}, ""},
		{levelZonal, []byte{0x30, 6, 1, 1, 0xff, 2, 1, 1}, ""},
		{levelZonal, []byte{0x30, 6, 1, 1, 0xff, 2, 1, 127}, ""},
		{levelZonal, []byte{0x30, 6, 1, 1, 0xff, 2, 1, 0}, certs.PathLength},
		{levelInstance, []byte{0x30, 6, 1, 1, 0xff, 2, 1, 0}, ""},
		{levelLeaf, []byte{0x30, 0}, ""},
		{levelLeaf, []byte{0x30, 3, 1, 1, 0xff}, certs.BasicConstraints},
		{levelZonal, []byte{0x30, 0}, certs.BasicConstraints},
		{levelLeaf, []byte{0x30, 3, 1, 1, 0}, certs.Encoding},                    // FALSE written out
		{levelLeaf, []byte{0x30, 3, 2, 1, 0}, certs.Encoding},                    // a path length without authority
		{levelZonal, []byte{0x30, 7, 1, 1, 0xff, 2, 2, 0, 128}, certs.Encoding},  // 128
		{levelZonal, []byte{0x30, 7, 1, 1, 0xff, 2, 2, 0, 1}, certs.Encoding},    // a zero byte too many
		{levelZonal, []byte{0x30, 8, 1, 1, 0xff, 2, 1, 1, 5, 0}, certs.Encoding}, // an element too many
		{levelZonal, []byte{0x30, 5, 1, 1, 0xff, 5, 0}, certs.Encoding},          //
		{levelZonal, []byte{0x30, 3, 1, 1, 0xff, 0}, certs.Encoding},             // a byte after it
		{levelZonal, []byte{0x30, 6, 1, 1, 0xff, 2, 1, 0xff}, certs.Encoding},    // -1
	} {
		_, err := v.Verify(extended(t, test.level, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Critical: true, Value: test.value}), someTime)
		if test.reason == "" {
			require.NoError(t, err, "% x", test.value)
			continue
		}
		requireReason(t, test.reason, err)
	}
}

// The largest bundle and the largest certificate are within the bounds, and one
// more of either is not.
func TestBoundsOfAChain(t *testing.T) {
	v, _ := counting(t, simulated().Roots(), 0)
	chain, _ := chainOf(t, simulated().Attest(attestationtest.Request{}))
	for length, reason := range map[int]certs.Reason{1: certs.IssuerName, certs.MaxBundle: certs.IssuerName, certs.MaxBundle + 1: certs.BundleLength} {
		long := clone(chain)
		for len(long.Bundle) < length {
			long.Bundle = append(long.Bundle, long.Bundle[1])
		}
		long.Bundle = long.Bundle[:length]
		_, err := v.Verify(long, someTime)
		requireReason(t, reason, err)
	}
	padded := func(size int) certs.Chain {
		b := simulated().Blueprint(attestationtest.Request{})
		extensions := slices.Clone(b.Certificate.Extensions)
		for try := range 1000 { // the size of a signature varies
			padding := make([]byte, size-len(chain.Leaf)-20+try%16)
			padding[0] = byte(try)
			b.Certificate.Extensions = append(extensions[:len(extensions):len(extensions)], pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: padding})
			if leaf := b.Certificate.DER(); len(leaf) == size {
				return certs.Chain{Bundle: chain.Bundle, Leaf: leaf, ModuleID: chain.ModuleID}
			}
		}
		require.Fail(t, "no leaf of that size")
		return certs.Chain{}
	}
	_, err := v.Verify(padded(certs.MaxCertificateSize), someTime)
	require.NoError(t, err)
	_, err = v.Verify(padded(certs.MaxCertificateSize+1), someTime)
	requireReason(t, certs.BundleLength, err)
}
