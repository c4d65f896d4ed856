package attestationtest_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/hex"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr"
)

func TestBlueprintIsTheDocumentOfAttest(t *testing.T) {
	t.Parallel()
	h := seeded()
	request := attestationtest.Request{Nonce: []byte("nonce")}
	b := h.Blueprint(request)
	assert.Equal(t, h.Attest(request), b.Document())
	assert.Equal(t, b.Document(), b.Document(), "building it changes nothing")
}

func TestEditingABlueprintChangesNothingElse(t *testing.T) {
	t.Parallel()
	h := seeded()
	before := h.Attest(attestationtest.Request{})
	b := h.Blueprint(attestationtest.Request{})
	for _, c := range b.Chain {
		c.Serial = []byte{1}
		c.Extensions[0].Critical = false
	}
	b.SetModuleID("other")
	b.SetPCR(0, pcr.Value{1})
	b.RemovePCR(1)
	b.Remove("nonce")
	assert.NotEqual(t, before, b.Document())
	assert.Equal(t, before, h.Attest(attestationtest.Request{}))
}

func TestBlueprintEdits(t *testing.T) {
	t.Parallel()
	b := seeded().Blueprint(attestationtest.Request{Nonce: []byte("nonce")})
	b.Set("nonce", []byte{0x41, 0x07})
	b.Set("unknown", []byte{0xf6})
	b.Remove("user_data")
	b.SetPCR(0, pcr.Value{1})
	b.SetPCR(31, pcr.Value{2})
	b.RemovePCR(5)
	document := parse(t, b.Document())
	assert.Equal(t, []byte{7}, document.Nonce)
	assert.Equal(t, []string{"unknown"}, document.UnknownFields)
	assert.Nil(t, document.UserData)
	assert.Equal(t, pcr.Value{1}, document.PCRs[0])
	assert.Equal(t, pcr.Value{2}, document.PCRs[31])
	assert.NotContains(t, document.PCRs, 5)
}

// What is edited at one level is signed anew, and so is what is below.
func TestEditedCertificatesAreSignedAnew(t *testing.T) {
	t.Parallel()
	h := seeded()
	for level := range attestationtest.LevelLeaf + 1 {
		b := h.Blueprint(attestationtest.Request{})
		b.Chain[level].Key = b.NewKey("other")
		b.Chain[level].Subject = bytes.Replace(b.Chain[level].Subject, []byte("Amazon"), []byte("Nobody"), 1)
		var parent *x509.Certificate
		for _, c := range b.Chain {
			cert, err := c.X509()
			require.NoError(t, err)
			if parent == nil {
				parent = cert
			}
			assert.NoError(t, cert.CheckSignatureFrom(parent), "%s edited: %s", level, cert.Subject)
			assert.Equal(t, parent.RawSubject, cert.RawIssuer)
			parent = cert
		}
	}
}

func TestUnusableKeysLeaveNoSignature(t *testing.T) {
	t.Parallel()
	h := seeded()
	for name, edit := range map[string]func(*attestationtest.Blueprint){
		"no key":          func(b *attestationtest.Blueprint) { b.Certificate.Key = nil },
		"an empty key":    func(b *attestationtest.Blueprint) { b.Key = new(ecdsa.PrivateKey) },
		"no such hash":    func(b *attestationtest.Blueprint) { b.Hash = crypto.Hash(1000) },
		"no certificate":  func(b *attestationtest.Blueprint) { b.Certificate = nil },
		"not even a leaf": func(b *attestationtest.Blueprint) { *b = attestationtest.Blueprint{Payload: b.Payload} },
	} {
		b := h.Blueprint(attestationtest.Request{})
		edit(b)
		var document []byte
		require.NotPanics(t, func() { document = b.Document() }, name)
		assert.True(t, bytes.HasSuffix(document, []byte{0x40}), name)
	}
}

func TestRevocationList(t *testing.T) {
	t.Parallel()
	chain := seeded().Blueprint(attestationtest.Request{}).Chain
	serial := big.NewInt(7)
	template := &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: someTime, NextUpdate: someTime.AddDate(0, 0, 1),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: serial, RevocationTime: someTime}},
	}
	for _, level := range []attestationtest.Level{attestationtest.LevelRoot, attestationtest.LevelRegional, attestationtest.LevelZonal} {
		der, err := chain[level].SignRevocationList(template)
		require.NoError(t, err, level)
		list, err := x509.ParseRevocationList(der)
		require.NoError(t, err)
		issuer, err := chain[level].X509()
		require.NoError(t, err)
		assert.NoError(t, list.CheckSignatureFrom(issuer))
		assert.Equal(t, serial, list.RevokedCertificateEntries[0].SerialNumber)
	}
	_, err := chain[attestationtest.LevelInstance].SignRevocationList(template)
	assert.ErrorContains(t, err, "crlSign")

	chain[attestationtest.LevelRoot].EditDER = func([]byte) []byte { return nil }
	_, err = chain[attestationtest.LevelRoot].SignRevocationList(template)
	assert.ErrorContains(t, err, "malformed")
}

// Object identifiers have arcs of several bytes, and none can be too short to
// write.
func TestExtensionsOfAnyIdentifier(t *testing.T) {
	t.Parallel()
	c := seeded().Blueprint(attestationtest.Request{}).Certificate
	c.Extensions[1].Id = []int{2, 999, 1 << 21}
	cert, err := c.X509()
	require.NoError(t, err)
	assert.Equal(t, "2.999.2097152", cert.Extensions[1].Id.String())
	c.Extensions[1].Id = nil
	assert.Contains(t, hex.EncodeToString(c.DER()), "300806000404") // an empty identifier before the value
}
