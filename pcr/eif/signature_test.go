package eif_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/veraison/go-cose"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/eif"
)

// integers turns bytes into what CBOR writes as an array of integers.
func integers(data []byte) []int {
	out := make([]int, len(data))
	for i, b := range data {
		out[i] = int(b)
	}
	return out
}

type item struct {
	key   string
	value any
}

// mapOf encodes a map with its keys in the given order.
func mapOf(t testing.TB, items ...item) cbor.RawMessage {
	t.Helper()
	out := []byte{5<<5 | byte(len(items))}
	for _, i := range items {
		for _, v := range []any{i.key, i.value} {
			data, err := cbor.Marshal(v)
			require.NoError(t, err)
			out = append(out, data...)
		}
	}
	return out
}

func payloadOf(t testing.TB, register int, value pcr.Value) []byte {
	t.Helper()
	return mapOf(t, item{"register_index", register}, item{"register_value", integers(value[:])})
}

func entryOf(t testing.TB, certificate, signature []byte) cbor.RawMessage {
	t.Helper()
	return mapOf(t, item{"signing_certificate", integers(certificate)}, item{"signature", integers(signature)})
}

func sectionOf(t testing.TB, entries ...cbor.RawMessage) []byte {
	t.Helper()
	data, err := cbor.Marshal(entries)
	require.NoError(t, err)
	return data
}

// sign1 signs like AWS's tools, but for the headers given in addition.
func sign1(t testing.TB, key crypto.Signer, alg cose.Algorithm, payload []byte, protected cose.ProtectedHeader, unprotected cose.UnprotectedHeader) []byte {
	t.Helper()
	signer, err := cose.NewSigner(alg, key)
	require.NoError(t, err)
	if protected == nil {
		protected = cose.ProtectedHeader{}
	}
	protected[cose.HeaderLabelAlgorithm] = alg
	data, err := cose.Sign1Untagged(rand.Reader, signer, cose.Headers{Protected: protected, Unprotected: unprotected}, payload, nil)
	require.NoError(t, err)
	return data
}

func certificateFor(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "image signer"},
		NotBefore:    time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2049, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func newKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	return key
}

func recordedKey(t testing.TB) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	block, _ := pem.Decode(testdata(t, "in/es384.key.pem"))
	key, err := x509.ParseECPrivateKey(block.Bytes)
	require.NoError(t, err)
	return key, testdata(t, "in/es384.crt.pem")
}

func withSignature(section []byte) []byte {
	return assemble(4, kernel, cmdline, metadata, boot, part{kind: 4, data: section})
}

// The PCR0 of what withSignature assembles.
func signedPCR0() pcr.Value { return register(kernel.data, cmdline.data, boot.data) }

func TestSignaturesOfEveryAlgorithm(t *testing.T) {
	for alg, curve := range map[cose.Algorithm]elliptic.Curve{
		cose.AlgorithmES256: elliptic.P256(),
		cose.AlgorithmES384: elliptic.P384(),
		cose.AlgorithmES512: elliptic.P521(),
	} {
		t.Run(alg.String(), func(t *testing.T) {
			key := newKey(t, curve)
			certificate := certificateFor(t, key)
			signature := sign1(t, key, alg, payloadOf(t, 0, signedPCR0()), nil, nil)
			image := mustMeasure(t, withSignature(sectionOf(t, entryOf(t, certificate, signature))))
			assert.Equal(t, alg.String(), image.Signature.Algorithm)
			block, _ := pem.Decode(certificate)
			assert.Equal(t, pcr.ForCertificate(block.Bytes), image.Measurements[8])
			assert.Empty(t, image.Warnings)

			tagged := append([]byte{0xd2}, signature...)
			again := mustMeasure(t, withSignature(sectionOf(t, entryOf(t, certificate, tagged))))
			assert.Equal(t, image.Measurements, again.Measurements, "with tag 18")
		})
	}
}

func TestWhatReadersIgnoreInASignature(t *testing.T) {
	key, certificate := recordedKey(t)
	signature := sign1(t, key, cose.AlgorithmES384, payloadOf(t, 0, signedPCR0()), nil, nil)
	good := entryOf(t, certificate, signature)
	plain := mustMeasure(t, withSignature(sectionOf(t, good)))
	chain := certificateFor(t, newKey(t, elliptic.P256()))
	for name, section := range map[string][]byte{
		"a second signature, even a bad one": sectionOf(t, good, entryOf(t, nil, nil)),
		"the rest of a chain":                sectionOf(t, entryOf(t, append(bytes.Clone(certificate), chain...), signature)),
		"a description before":               sectionOf(t, entryOf(t, append([]byte("Certificate:\n    Data:\n"), certificate...), signature)),
	} {
		t.Run(name, func(t *testing.T) {
			image := mustMeasure(t, withSignature(section))
			assert.Equal(t, []eif.Reason{eif.ExtraSignatureData}, reasons(image.Warnings))
			assert.Equal(t, plain.Measurements, image.Measurements)
		})
	}
	spaced := mustMeasure(t, withSignature(sectionOf(t, entryOf(t, append([]byte("\r\n"), append(bytes.Clone(certificate), " \n"...)...), signature))))
	assert.Empty(t, spaced.Warnings, "white space is nothing")
	dos := mustMeasure(t, withSignature(sectionOf(t, entryOf(t, bytes.ReplaceAll(certificate, []byte("\n"), []byte("\r\n")), signature))))
	assert.Equal(t, plain.Measurements, dos.Measurements)
	assert.Empty(t, dos.Warnings)
}

// Every section here differs in one thing from one that is accepted.
func TestBrokenSignatures(t *testing.T) {
	key, certificate := recordedKey(t)
	other := newKey(t, elliptic.P384())
	payload := payloadOf(t, 0, signedPCR0())
	sign := func(payload []byte) []byte { return sign1(t, key, cose.AlgorithmES384, payload, nil, nil) }
	good := sign(payload)
	one := func(certificate, signature []byte) []byte { return sectionOf(t, entryOf(t, certificate, signature)) }
	require.NotEmpty(t, mustMeasure(t, withSignature(one(certificate, good))).Signature)

	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	flipped := bytes.Clone(good)
	flipped[len(flipped)-1] ^= 1
	wrongValue := signedPCR0()
	wrongValue[0] ^= 1
	text := string(certificate)
	for name, c := range map[string]struct {
		section []byte
		reason  eif.Reason
		detail  string
	}{
		"empty section":           {nil, eif.MalformedSignature, "EOF"},
		"no entries":              {sectionOf(t), eif.MalformedSignature, "found no signature, expected one"},
		"null":                    {[]byte{0xf6}, eif.MalformedSignature, "found no signature"},
		"not an array":            {entryOf(t, certificate, good), eif.MalformedSignature, "cannot unmarshal map"},
		"truncated":               {one(certificate, good)[:100], eif.MalformedSignature, "unexpected EOF"},
		"trailing byte":           {append(one(certificate, good), 0), eif.MalformedSignature, "1 bytes of extraneous data"},
		"byte strings":            {sectionOf(t, mapOf(t, item{"signing_certificate", certificate}, item{"signature", good})), eif.MalformedSignature, "cannot unmarshal byte string"},
		"integers beyond a byte":  {sectionOf(t, mapOf(t, item{"signing_certificate", integers(certificate)}, item{"signature", []int{256}})), eif.MalformedSignature, "found 256, expected a byte"},
		"signature first":         {sectionOf(t, mapOf(t, item{"signature", integers(good)}, item{"signing_certificate", integers(certificate)})), eif.MalformedSignature, "another order"},
		"no signature":            {sectionOf(t, mapOf(t, item{"signing_certificate", integers(certificate)})), eif.MalformedSignature, "another order or set of keys"},
		"unknown key":             {sectionOf(t, mapOf(t, item{"signing_certificate", integers(certificate)}, item{"signature", integers(good)}, item{"x", 0})), eif.MalformedSignature, "unknown field"},
		"key in capitals":         {sectionOf(t, mapOf(t, item{"Signing_certificate", integers(certificate)}, item{"signature", integers(good)})), eif.MalformedSignature, "unknown field"},
		"key twice":               {sectionOf(t, mapOf(t, item{"signing_certificate", integers(certificate)}, item{"signature", integers(good)}, item{"signature", integers(good)})), eif.MalformedSignature, "duplicate map key"},
		"array of indefinite len": {append(append([]byte{0x9f}, entryOf(t, certificate, good)...), 0xff), eif.MalformedSignature, "indefinite-length"},
		"long form of the length": {append([]byte{0x98, 1}, entryOf(t, certificate, good)...), eif.MalformedSignature, "another encoding than the shortest"},

		"no PEM":                {one([]byte("certificate"), good), eif.BadCertificate, "found no certificate as the first PEM block"},
		"DER":                   {one(derOf(certificate), good), eif.BadCertificate, "found no certificate as the first PEM block"},
		"key before":            {one(append(testdata(t, "in/es384.key.pem"), certificate...), good), eif.BadCertificate, "found no certificate as the first PEM block"},
		"not at a line's start": {one(append([]byte(" "), certificate...), good), eif.BadCertificate, "found no certificate as the first PEM block"},
		"more in the line":      {one([]byte(strings.Replace(text, "CERTIFICATE-----", "CERTIFICATE-----x", 1)), good), eif.BadCertificate, "found no certificate as the first PEM block"},
		"no end":                {one([]byte(strings.Replace(text, "-----END", "----END", 1)), good), eif.BadCertificate, "found a PEM block without an end"},
		"no base64":             {one([]byte(strings.Replace(text, "MII", "*II", 1)), good), eif.BadCertificate, "found a PEM block that is not plain base64"},
		"PEM header":            {one([]byte(strings.Replace(text, "MII", "a: b\n\nMII", 1)), good), eif.BadCertificate, "found a PEM block that is not plain base64"},
		"no certificate in it":  {one(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{0x30, 0}}), good), eif.BadCertificate, "x509:"},
		"RSA":                   {one(certificateFor(t, rsaKey), good), eif.BadCertificate, "found a key of type *rsa.PublicKey, expected ECDSA"},
		"P-224":                 {one(certificateFor(t, newKey(t, elliptic.P224())), good), eif.BadCertificate, "found a key on P-224, expected P-256, P-384 or P-521"},

		"empty COSE":         {one(certificate, nil), eif.MalformedSignature, "zero length data"},
		"other tag":          {one(certificate, append([]byte{0xd1}, good...)), eif.MalformedSignature, "invalid COSE_Sign1"},
		"tag twice":          {one(certificate, append([]byte{0xd2, 0xd2}, good...)), eif.MalformedSignature, "invalid COSE_Sign1"},
		"COSE with trailer":  {one(certificate, append(bytes.Clone(good), 0)), eif.MalformedSignature, "extraneous data"},
		"other algorithm":    {one(certificateFor(t, newKey(t, elliptic.P256())), good), eif.MalformedSignature, "found the protected header 44a1013822, expected 43a10126"},
		"protected header":   {one(certificate, sign1(t, key, cose.AlgorithmES384, payload, cose.ProtectedHeader{cose.HeaderLabelKeyID: []byte("k")}, nil)), eif.MalformedSignature, "found the protected header 47a201382204416b"},
		"critical header":    {one(certificate, sign1(t, key, cose.AlgorithmES384, payload, cose.ProtectedHeader{cose.HeaderLabelCritical: []any{"x"}, "x": 1}, nil)), eif.MalformedSignature, "found the protected header"},
		"unprotected header": {one(certificate, sign1(t, key, cose.AlgorithmES384, payload, nil, cose.UnprotectedHeader{cose.HeaderLabelKeyID: []byte("k")})), eif.MalformedSignature, "found unprotected headers"},

		"flipped bit":     {one(certificate, flipped), eif.BadSignature, "does not verify with the signing certificate: verification error"},
		"other key":       {one(certificateFor(t, other), good), eif.BadSignature, "verification error"},
		"short signature": {one(certificate, withRaw(t, good, make([]byte, 95))), eif.BadSignature, "does not verify"},
		"no payload":      {one(certificate, withPayload(t, good, nil)), eif.BadSignature, "payload"},

		"other value":      {one(certificate, sign(payloadOf(t, 0, wrongValue))), eif.SignedRegister, "found register 0, " + wrongValue.String() + ", expected PCR0 of the image, " + signedPCR0().String()},
		"other register":   {one(certificate, sign(payloadOf(t, 1, signedPCR0()))), eif.SignedRegister, "found register 1, " + signedPCR0().String()},
		"no register":      {one(certificate, sign([]byte("PCR0"))), eif.SignedRegister, "found a payload of 4 bytes that is no register"},
		"value as bytes":   {one(certificate, sign(mapOf(t, item{"register_index", 0}, item{"register_value", signedPCR0()}))), eif.SignedRegister, "that is no register"},
		"payload reversed": {one(certificate, sign(mapOf(t, item{"register_value", integers(payloadValue())}, item{"register_index", 0}))), eif.SignedRegister, "found register 0, " + signedPCR0().String()},
	} {
		t.Run(name, func(t *testing.T) {
			e := requireReason(t, c.reason, withSignature(c.section))
			assert.Contains(t, e.Error(), c.detail)
			assert.EqualValues(t, 593+12+len(metadata.data)+12+len(boot.data), e.Offset)
		})
	}
}

func payloadValue() []byte { v := signedPCR0(); return v[:] }

func derOf(certificate []byte) []byte {
	block, _ := pem.Decode(certificate)
	return block.Bytes
}

// withRaw and withPayload replace one part of a COSE_Sign1.
func withRaw(t testing.TB, message, signature []byte) []byte {
	return replaced(t, message, 3, signature)
}

func withPayload(t testing.TB, message []byte, payload any) []byte {
	return replaced(t, message, 2, payload)
}

func replaced(t testing.TB, message []byte, index int, value any) []byte {
	t.Helper()
	var parts []any
	require.NoError(t, cbor.Unmarshal(message, &parts))
	parts[index] = value
	data, err := cbor.Marshal(parts)
	require.NoError(t, err)
	return data
}

// A signed image is refused when anything that is measured changes, though its
// checksum is put right.
func TestSignatureBindsPCR0(t *testing.T) {
	for _, offset := range []int{560, 5572, 5908, 8921} {
		data := patched(t, "aws_signed_es384.eif", func(d []byte) []byte { d[offset] ^= 1; return d })
		requireReason(t, eif.SignedRegister, data)
	}
	unmeasured := patched(t, "aws_signed_es384.eif", func(d []byte) []byte {
		return bytes.Replace(d, []byte(`"ImageName":"kernel"`), []byte(`"ImageName":"KERNEL"`), 1)
	})
	image := mustMeasure(t, unmeasured)
	assert.Equal(t, "KERNEL", image.Metadata.ImageName)
	assert.Equal(t, mustMeasure(t, testdata(t, "aws_signed_es384.eif")).Measurements, image.Measurements)
}
