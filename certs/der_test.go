package certs_test

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
)

// The freedoms of the parser that der.go lists as refused. Each is a mutation,
// which TestMutatedChains and the vectors go through, and names what tells.
func TestFreedomsThatAreRefused(t *testing.T) {
	h := simulated()
	details := map[string]string{
		"inner-bytes":              "signature: found an encoding that is not DER",
		"unused-bits":              "signature: found an encoding that is not DER",
		"outer-parameters":         "inner and outer signature algorithm identifiers",
		"unique-identifier":        "found elements in the signed part",
		"surplus-at-end":           "found elements in the signed part",
		"surplus-in-version":       "malformed version",
		"surplus-in-validity":      "validity: found an encoding that is not DER",
		"surplus-in-attribute":     "subject: found an encoding that is not DER",
		"two-attributes":           "subject: found an encoding that is not DER",
		"bmp-text":                 "subject: found an encoding that is not DER",
		"time-without-seconds":     "validity: found an encoding that is not DER",
		"time-with-offset":         "validity: found an encoding that is not DER",
		"generalized-time":         "validity: found an encoding that is not DER",
		"generalized-not-before":   "validity: found an encoding that is not DER",
		"false-written-out":        "extensions: found an encoding that is not DER",
		"surplus-in-extension":     "extensions: found an encoding that is not DER",
		"surplus-after-extensions": "extensions: found an encoding that is not DER",
		"surplus-in-key":           "found a ECDSA key",
	}
	found := map[string]bool{}
	for _, m := range attestationtest.Mutations() {
		name, ok := strings.CutPrefix(m.Name, "chain-der-")
		if !ok {
			continue
		}
		name = name[:strings.LastIndexByte(name, '-')]
		c := h.Case(m)
		roots, err := certs.NewRoots(c.Root)
		require.NoError(t, err)
		v, count := counting(t, roots, 0)
		chain, _ := chainOf(t, c.Document)
		_, err = v.Verify(chain, c.Now)
		assert.ErrorContains(t, err, details[name], m.Name)
		assert.Zero(t, count.Load(), m.Name)
		found[name] = true
	}
	for name := range details {
		assert.True(t, found[name], name)
	}
	assert.Len(t, found, len(details))
}

// The freedoms that der.go lists as accepted.
func TestFreedomsThatAreHarmless(t *testing.T) {
	v, _ := counting(t, simulated().Roots(), 10)
	leafOf := func(edit func(*attestationtest.Certificate)) certs.Chain {
		b := simulated().Blueprint(attestationtest.Request{})
		edit(b.Certificate)
		chain, _ := chainOf(t, b.Document())
		return chain
	}
	plain, _ := chainOf(t, simulated().Attest(attestationtest.Request{}))
	twin := clone(plain)
	twin.Leaf = negated(plain.Leaf)
	require.NotEqual(t, plain.Leaf, twin.Leaf)
	for name, chain := range map[string]certs.Chain{
		"the other signature": twin,
		"an extension that is no DER": leafOf(func(c *attestationtest.Certificate) {
			c.Extensions = append(c.Extensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte{0x30, 0x80}})
		}),
		"a serial number of 40 bytes": leafOf(func(c *attestationtest.Certificate) { c.Serial = []byte(strings.Repeat("s", 40)) }),
		"IA5String": leafOf(func(c *attestationtest.Certificate) {
			c.Subject = []byte(strings.Replace(string(c.Subject), "\x0c\x06Amazon", "\x16\x06Amazon", 1))
		}),
	} {
		_, err := v.Verify(chain, someTime)
		require.NoError(t, err, name)
	}
}
