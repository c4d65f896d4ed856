package certs_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
)

// The digests that AWS publishes, and those of what is embedded.
func TestEmbeddedRootIsTheOneThatAWSPublishes(t *testing.T) {
	file, err := os.ReadFile("../testdata/roots/AWS_NitroEnclaves_Root-G1.zip")
	require.NoError(t, err)
	assert.Equal(t, "8cf60e2b2efca96c6a9e71e851d00c1b6991cc09eadbe64a6a1d1b1eb9faff7c", digest(file))

	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	require.NoError(t, err)
	var published []byte
	for _, f := range archive.File {
		r, err := f.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		if block, _ := pem.Decode(content); block != nil {
			require.Nil(t, published, "more than one certificate")
			published = block.Bytes
		}
	}
	require.NotNil(t, published)
	assert.Equal(t, "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b", digest(published))

	roots := certs.AWSNitroRootG1().Certificates()
	require.Len(t, roots, 1)
	assert.Equal(t, published, roots[0].Raw)
	assert.Equal(t, "CN=aws.nitro-enclaves,OU=AWS,O=Amazon,C=US", roots[0].Subject.String())
	assert.Equal(t, "2049-10-28T14:28:05Z", roots[0].NotAfter.Format("2006-01-02T15:04:05Z07:00"))
}

func TestGovCloudRoot(t *testing.T) {
	roots := certs.AWSGovCloudRoot().Certificates()
	require.Len(t, roots, 1)
	assert.Equal(t, "20bcd30a3e168ea03789e1c45912bc123c4de3c977b8a6e1c125c7929d668b3b", digest(roots[0].Raw))
	assert.Equal(t, "aws-us-gov.nitro-enclaves", roots[0].Subject.CommonName)
	assert.NotEqual(t, certs.AWSNitroRootG1().Certificates()[0].Raw, roots[0].Raw)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// rootWith edits the simulated root.
func rootWith(t *testing.T, edit func(b *attestationtest.Blueprint, root *attestationtest.Certificate)) *x509.Certificate {
	t.Helper()
	b := simulated().Blueprint(attestationtest.Request{})
	edit(b, b.Chain[attestationtest.LevelRoot])
	cert, err := b.Chain[attestationtest.LevelRoot].X509()
	require.NoError(t, err)
	return cert
}

func TestNewRoots(t *testing.T) {
	good := simulated().Root()
	leaf, err := simulated().Blueprint(attestationtest.Request{}).Certificate.X509()
	require.NoError(t, err)
	without := func(extension int) *x509.Certificate {
		return rootWith(t, func(_ *attestationtest.Blueprint, root *attestationtest.Certificate) {
			root.Extensions = append(root.Extensions[:extension:extension], root.Extensions[extension+1:]...)
		})
	}
	for name, test := range map[string]struct {
		roots  []*x509.Certificate
		reason certs.Reason // empty: no reason
		text   string
	}{
		"none":            {nil, "", "no root certificates"},
		"nil":             {[]*x509.Certificate{nil}, "", "root 0: found no DER"},
		"no DER":          {[]*x509.Certificate{{Subject: good.Subject, PublicKey: good.PublicKey}}, "", "root 0: found no DER"},
		"second is nil":   {[]*x509.Certificate{good, nil}, "", "root 1: found no DER"},
		"malformed":       {[]*x509.Certificate{{Raw: []byte{0x30, 0}}}, certs.Encoding, "root 0"},
		"a leaf":          {[]*x509.Certificate{leaf}, certs.BasicConstraints, "CA:TRUE"},
		"no constraints":  {[]*x509.Certificate{without(0)}, certs.BasicConstraints, "CA:TRUE"},
		"no key usage":    {[]*x509.Certificate{without(2)}, certs.KeyUsage, "keyCertSign"},
		"another curve":   {[]*x509.Certificate{rootWith(t, func(_ *attestationtest.Blueprint, root *attestationtest.Certificate) { root.PublicKey = p256Key })}, certs.PublicKey, "P-384"},
		"fields disagree": {[]*x509.Certificate{{Raw: leaf.Raw, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}}, certs.BasicConstraints, "CA:TRUE"},
	} {
		t.Run(name, func(t *testing.T) {
			roots, err := certs.NewRoots(test.roots...)
			assert.Nil(t, roots)
			require.ErrorContains(t, err, test.text)
			require.ErrorContains(t, err, "certs: ")
			if test.reason != "" {
				requireReason(t, test.reason, err)
			}
		})
	}
	roots, err := certs.NewRoots(good, certs.AWSNitroRootG1().Certificates()[0])
	require.NoError(t, err)
	assert.Len(t, roots.Certificates(), 2)
	roots.Certificates()[0] = nil
	assert.NotNil(t, roots.Certificates()[0], "the set is immutable")
}

// p256Key is the SubjectPublicKeyInfo of the base point of P-256.
var p256Key, _ = hex.DecodeString("3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")

func TestParseRoots(t *testing.T) {
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	good := encode("CERTIFICATE", simulated().Root().Raw)
	for name, test := range map[string]struct{ file, text string }{
		"empty":               {"", "no root certificates"},
		"white space":         {" \n", "no root certificates"},
		"DER":                 {string(simulated().Root().Raw), "not PEM"},
		"a key":               {encode("PRIVATE KEY", []byte{1}), "found a PRIVATE KEY block"},
		"a key after it":      {good + encode("PRIVATE KEY", []byte{1}), "found a PRIVATE KEY block"},
		"text before":         {"the root:\n" + good, "not PEM"},
		"text after":          {good + "that was it", "not PEM"},
		"text between":        {good + "and\n" + good, "not PEM"},
		"cut":                 {good[:len(good)/2], "not PEM"},
		"no certificate":      {encode("CERTIFICATE", []byte("text")), "root 0"},
		"second is malformed": {good + encode("CERTIFICATE", []byte{0x30, 0}), "root 1"},
	} {
		t.Run(name, func(t *testing.T) {
			roots, err := certs.ParseRoots([]byte(test.file))
			assert.Nil(t, roots)
			require.ErrorContains(t, err, "certs: ")
			require.ErrorContains(t, err, test.text)
		})
	}
	for name, file := range map[string]string{"one": good, "two": good + "\n\n" + good, "line ends": string(bytes.ReplaceAll([]byte(good), []byte("\n"), []byte("\r\n")))} {
		roots, err := certs.ParseRoots([]byte(file))
		require.NoError(t, err, name)
		assert.Equal(t, simulated().Root().Raw, roots.Certificates()[0].Raw)
	}
}

func TestNewVerifier(t *testing.T) {
	for name, test := range map[string]struct {
		roots  *certs.Roots
		config certs.Config
		text   string
	}{
		"nil":              {nil, certs.Config{}, "no roots"},
		"zero roots":       {new(certs.Roots), certs.Config{}, "no roots"},
		"negative cache":   {certs.AWSNitroRootG1(), certs.Config{CachedCertificates: -1}, "Config.CachedCertificates"},
		"zero revocations": {certs.AWSNitroRootG1(), certs.Config{Revocations: new(certs.Revocations)}, "Config.Revocations"},
	} {
		v, err := certs.NewVerifier(test.roots, test.config)
		assert.Nil(t, v, name)
		require.ErrorContains(t, err, test.text, name)
	}
}
