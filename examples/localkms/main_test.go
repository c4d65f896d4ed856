package main_test

import (
	"bufio"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/recipient"
)

func build(t *testing.T, directory string) (binary string) {
	binary = filepath.Join(t.TempDir(), "command")
	out, err := exec.Command("go", "build", "-o", binary, directory).CombinedOutput()
	require.NoError(t, err, string(out))
	return binary
}

// serve runs the command until stop is called, and returns a client for it.
func serve(t *testing.T, binary string, args ...string) (client *awskms.Client, stop func()) {
	cmd := exec.Command(binary, append(args, "-listen", "127.0.0.1:0")...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=of the test")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "serving on ")
	require.True(t, ok, line)
	client = awskms.New(awskms.Options{
		Region:       "us-east-1",
		BaseEndpoint: &url,
		Credentials:  credentials.NewStaticCredentialsProvider("test", "of the test", ""),
	})
	return client, func() {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, cmd.Wait())
	}
}

// The root comes from a file, and keys are still there after a restart.
func TestServe(t *testing.T) {
	binary := build(t, ".")
	directory := t.TempDir()
	hypervisor := attestationtest.NewHypervisor()
	root := filepath.Join(directory, "root.pem")
	require.NoError(t, os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: hypervisor.Root().Raw}), 0o600))
	store := filepath.Join(directory, "keys.db")
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	require.NoError(t, err)
	info := &types.RecipientInfo{
		AttestationDocument:    hypervisor.Attest(attestationtest.Request{PublicKey: public}),
		KeyEncryptionAlgorithm: types.KeyEncryptionMechanismRsaesOaepSha256,
	}

	client, stop := serve(t, binary, "-store", store, "-root", root)
	key, err := client.CreateKey(t.Context(), &awskms.CreateKeyInput{})
	require.NoError(t, err)
	encrypted, err := client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: key.KeyMetadata.KeyId, Plaintext: []byte("the secret")})
	require.NoError(t, err)
	stop()

	client, stop = serve(t, binary, "-store", store, "-root", root)
	answer, err := client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob, Recipient: info})
	require.NoError(t, err)
	plaintext, err := recipient.Open(answer.CiphertextForRecipient, private)
	require.NoError(t, err)
	assert.Equal(t, "the secret", string(plaintext))
	stop()

	client, stop = serve(t, binary, "-store", store)
	_, err = client.GenerateRandom(t.Context(), &awskms.GenerateRandomInput{NumberOfBytes: aws.Int32(8), Recipient: info})
	assert.ErrorContains(t, err, "untrusted-root", "without -root it is AWS's")
	stop()
}

func TestMisuse(t *testing.T) {
	binary := build(t, ".")
	store := filepath.Join(t.TempDir(), "keys.db")
	credential := []string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=of the test"}
	for _, test := range []struct {
		env, args []string
		message   string
	}{
		{credential, nil, "expected -store FILE"},
		{credential, []string{"-store", store, "more"}, "expected -store FILE"},
		{nil, []string{"-store", store}, "expected the credential"},
		{credential[:1], []string{"-store", store}, "expected the credential"},
		{credential, []string{"-store", store, "-root", "main.go"}, "certs:"},
		{credential, []string{"-store", store, "-root", "absent.pem"}, "absent.pem"},
		{credential, []string{"-store", store, "-account", "1"}, "Config.Account"},
		{credential, []string{"-store", store, "-listen", "nowhere"}, "nowhere"},
	} {
		cmd := exec.Command(binary, test.args...)
		cmd.Env = append([]string{}, test.env...)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
		assert.Equal(t, 1, exit.ExitCode())
		assert.Contains(t, string(out), test.message)
	}
}

func TestDemo(t *testing.T) {
	out, err := exec.Command(build(t, "./demo")).Output()
	require.NoError(t, err)
	for _, line := range []string{
		"the enclave has a data key of 32 bytes, and decrypts its copy to the same: true",
		"an enclave with another image: AccessDeniedException",
		"the image in debug mode: AccessDeniedException",
	} {
		assert.Contains(t, string(out), line)
	}
}
