package recipient_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/recipient"
)

// openssl runs the cms command of OpenSSL on a file with the given content and
// returns what it writes.
func openssl(t *testing.T, input []byte, args ...string) []byte {
	t.Helper()
	in, out := filepath.Join(t.TempDir(), "in"), filepath.Join(t.TempDir(), "out")
	require.NoError(t, os.WriteFile(in, input, 0o600))
	command := exec.Command("openssl", append([]string{"cms", "-binary", "-in", in, "-out", out}, args...)...)
	message, err := command.CombinedOutput()
	require.NoErrorf(t, err, "%s", message)
	output, err := os.ReadFile(out)
	require.NoError(t, err)
	return output
}

func needOpenSSL(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed: interoperation with it is not tested")
	}
}

var keySizes = []string{"rsa2048", "rsa3072", "rsa4096"}

func TestOpenSSLOpensWhatIsSealed(t *testing.T) {
	t.Parallel()
	needOpenSSL(t)
	for _, name := range keySizes {
		key := readKey(t, "synthetic/"+name+".key.pem")
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				plaintext := randomBytes(size)
				opened := openssl(t, seal(t, &key.PublicKey, plaintext), "-decrypt",
					"-inform", "DER", "-inkey", filepath.Join(data, "synthetic", name+".key.pem"))
				assert.Equal(t, plaintext, opened)
			})
		}
	}
}

func TestOpenOpensWhatOpenSSLSeals(t *testing.T) {
	t.Parallel()
	needOpenSSL(t)
	for _, name := range keySizes {
		key := readKey(t, "synthetic/"+name+".key.pem")
		certificate := filepath.Join(t.TempDir(), "certificate.pem")
		writeCertificate(t, certificate, key)
		for _, size := range sizes {
			// Without -keyid it names the recipient by issuer and serial number.
			for form, arguments := range map[string][]string{"whole": {"-keyid"}, "pieces": {"-keyid", "-stream"}, "by certificate": nil} {
				t.Run(fmt.Sprintf("%s/%d/%s", name, size, form), func(t *testing.T) {
					plaintext := randomBytes(size)
					envelope := openssl(t, plaintext, append(arguments, "-encrypt", "-outform", "DER", "-aes-256-cbc",
						"-recip", certificate, "-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256")...)
					assert.Equal(t, form == "pieces", envelope[1] == 0x80, "indefinite length")
					opened, err := recipient.Open(envelope, key)
					require.NoError(t, err)
					assert.Equal(t, plaintext, opened)
				})
			}
		}
	}
}

// writeCertificate makes a certificate whose subject key identifier is the one
// that AWS KMS uses.
func writeCertificate(t *testing.T, path string, key *rsa.PrivateKey) {
	t.Helper()
	id := sha256.Sum256(spkiOf(t, &key.PublicKey))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "recipient"}, SubjectKeyId: id[:],
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
}
