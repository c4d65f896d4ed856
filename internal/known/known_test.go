package known_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/known"
)

func unhex(t *testing.T, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	require.NoError(t, err)
	return b
}

func spki(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	require.NoError(t, err)
	return der
}

func ecKey(t *testing.T, curve elliptic.Curve) *ecdsa.PublicKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	return &key.PublicKey
}

func point(t *testing.T, curve elliptic.Curve) []byte {
	t.Helper()
	key, err := ecKey(t, curve).ECDH()
	require.NoError(t, err)
	return key.Bytes()
}

func certificate(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../../testdata/eif/in/es384.crt.pem")
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	return block.Bytes
}

func TestDescribe(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	edKey, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	uncompressed := point(t, elliptic.P256())
	p256 := ecKey(t, elliptic.P256())
	digest := sha256.Sum256(nil)
	multihash := append([]byte{0x12, 0x20}, digest[:]...)
	off := bytes.Repeat([]byte{4}, 65)
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

	for name, c := range map[string]struct {
		value []byte
		want  string
		parts []string
	}{
		"RSA":                 {spki(t, &rsaKey.PublicKey), "RSA public key, 2048 bits (DER SubjectPublicKeyInfo)", nil},
		"RSA PKCS1":           {x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey), "RSA public key, 2048 bits (DER PKCS #1)", nil},
		"RSA PKCS1 PEM":       {pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey)}), "RSA public key, 2048 bits (DER PKCS #1), in PEM", nil},
		"EC":                  {spki(t, ecKey(t, elliptic.P384())), "EC public key, P-384 (DER SubjectPublicKeyInfo)", nil},
		"Ed25519":             {spki(t, edKey), "Ed25519 public key (DER SubjectPublicKeyInfo)", nil},
		"X25519":              {unhex(t, "302a300506032b656e032100"+empty), "X25519 public key (DER SubjectPublicKeyInfo)", nil},
		"EC PEM":              {pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki(t, p256)}), "EC public key, P-256 (DER SubjectPublicKeyInfo), in PEM", nil},
		"PEM of what":         {pem.EncodeToMemory(&pem.Block{Type: "WHAT", Bytes: []byte("?")}), "PEM of type WHAT", nil},
		"65 bytes":            {point(t, elliptic.P256()), "EC point on P-256, uncompressed (SEC 1)", nil},
		"97 bytes":            {point(t, elliptic.P384()), "EC point on P-384, uncompressed (SEC 1)", nil},
		"133 bytes":           {point(t, elliptic.P521()), "EC point on P-521, uncompressed (SEC 1)", nil},
		"65 bytes, elsewhere": {off, "EC point with coordinates of 32 bytes, not on P-256, uncompressed (SEC 1)", nil},
		"two points":          {append(off[:65:65], off...), "2 EC points with coordinates of 32 bytes, not on P-256, uncompressed (SEC 1)", []string{hex.EncodeToString(off), hex.EncodeToString(off)}},
		"33 bytes":            {append([]byte{2 + uncompressed[64]&1}, uncompressed[1:33]...), "EC point on P-256, compressed (SEC 1)", nil},
		"65 bytes, no point":  {bytes.Repeat([]byte{0xf5}, 65), "", nil},
		"multihash":           {multihash, "multihash of SHA-256", []string{"SHA-256 " + empty}},
		"two multihashes":     {append(multihash[:34:34], multihash...), "2 multihashes of SHA-256", []string{"SHA-256 " + empty, "SHA-256 " + empty}},
		"one and a half":      {append(multihash[:34:34], make([]byte, 34)...), "", nil},
		"32 bytes":            {digest[:], "the size of an X25519 or Ed25519 key and of a SHA-256 digest", nil},
		"48 bytes":            {bytes.Repeat([]byte{0xf5}, 48), "the size of a SHA-384 digest", nil},
		"64 bytes":            {bytes.Repeat([]byte{0xf5}, 64), "the size of a SHA-512 digest and of two of SHA-256", nil},
		"zeros":               {make([]byte, 64), "all zero", nil},
		"certificate":         {certificate(t), "X.509 certificate, EC public key, P-384", []string{"subject CN=eif oracle es384,C=US"}},
		"null":                {nil, "", nil},
		"empty":               {[]byte{}, "", nil},
		"CBOR map":            {unhex(t, "a101f6"), "CBOR map", nil},
		"CBOR array":          {unhex(t, "82f6f6"), "CBOR array", nil},
		"CBOR tag":            {unhex(t, "d28440a04040"), "CBOR item with a tag", nil},
		"CBOR and more":       {unhex(t, "a101f6f6"), "", nil},
		"CBOR number":         {unhex(t, "1901f4"), "", nil},
		"binary":              {[]byte{0xff, 0x00, 0x01}, "", nil},
		"control characters":  {[]byte("a\x1b[2J"), "", nil},
		"right to left":       {[]byte("a\u202eb"), "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "X25519" && strings.Contains(os.Getenv("GODEBUG"), "fips140=only") {
				t.Skip("that mode has no X25519")
			}
			form := known.Describe(c.value)
			assert.Equal(t, c.want, form.Name)
			assert.Equal(t, c.parts, form.Parts)
		})
	}
}

func TestDescribeShowsText(t *testing.T) {
	for value, want := range map[string]string{
		"hello, world!\n":    "text",
		`{"gpu": null}`:      "JSON object",
		" [1]\n":             "JSON array",
		"1":                  "text",
		"6e6f6e6365":         "text: hex digits",
		"<script>1</script>": "text",
		"é 漢\tx\r\n":         "text",
	} {
		form := known.Describe([]byte(value))
		assert.Equal(t, want, form.Name, value)
		assert.Equal(t, value, form.Text)
	}
}

// What enclaves of eleven projects put there.
func TestDescribeRecordedFields(t *testing.T) {
	for file, want := range map[string][2]string{
		"anjuna-sample-prod-doc-with-publick-b9db80.cbor":    {"RSA public key, 2048 bits (DER SubjectPublicKeyInfo)", ""},
		"evervault-non-debug-cert-containing-at-061b9b.cbor": {"", "EC public key, P-384 (DER SubjectPublicKeyInfo)"},
		"blocky-nitro-stag-attestation-a71ebb.cbor":          {"RSA public key, 2048 bits (DER PKCS #1), in PEM", ""},
		"tk-rust-turnkey-attestation-1269f0.cbor":            {"2 EC points on P-256, uncompressed (SEC 1)", "the size of an X25519 or Ed25519 key and of a SHA-256 digest"},
		"base-NitroValidator-t-69d51f.cbor":                  {"EC point with coordinates of 32 bytes, not on P-256, uncompressed (SEC 1)", ""},
		"eternis-example-attestation-fd1bd4.cbor":            {"text", "2 multihashes of SHA-256"},
		"capejs-Cape-spec-e47046.cbor":                       {"the size of an X25519 or Ed25519 key and of a SHA-256 digest", "JSON object"},
		"hf-nitrite-test-6c096a.cbor":                        {"", "text: hex digits"},
		"anjuna-sample-attestation-doc-full-8d6106.cbor":     {"RSA public key, 2048 bits (DER SubjectPublicKeyInfo)", "text"},
		"dstack-nitro-attestation-54ae0f.cbor":               {"", "the size of a SHA-512 digest and of two of SHA-256"},
		"blocky-nitro-attestation-72ffd8.cbor":               {"", ""},
	} {
		evidence, err := os.ReadFile(filepath.Join("../../testdata/evidence", file))
		require.NoError(t, err)
		u, err := attestation.ParseUnverified(evidence)
		require.NoError(t, err)
		assert.Equal(t, want, [2]string{known.Describe(u.Document.PublicKey).Name, known.Describe(u.Document.UserData).Name}, file)
	}
}
