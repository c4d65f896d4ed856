package kms_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/examples/localkms/kms"
	"github.com/nitroattest/nitroattest/pcr"
)

const (
	region  = "eu-central-1"
	account = "111122223333"
	role    = "arn:aws:iam::111122223333:role/data-processing"
	visitor = "arn:aws:iam::111122223333:role/visitor"
)

var (
	roleKey    = kms.Credential{AccessKeyID: "AKIDROLE", SecretAccessKey: "the secret access key of the role", Principal: role}
	visitorKey = kms.Credential{AccessKeyID: "AKIDVISITOR", SecretAccessKey: "the secret access key of the visitor", Principal: visitor}
)

// world is a stand-in with a simulated hypervisor that it trusts.
type world struct {
	hypervisor *attestationtest.Hypervisor
	enclave    *attestationtest.Enclave
	url        string
	client     *awskms.Client // of the role
}

func newWorld(t *testing.T) world {
	hypervisor := attestationtest.NewHypervisor()
	url := serve(t, filepath.Join(t.TempDir(), "keys.db"), kms.Config{Roots: hypervisor.Roots()})
	return world{hypervisor, hypervisor.Enclave(), url, newClient(url, roleKey)}
}

func serve(t *testing.T, path string, config kms.Config) (url string) {
	store, err := kms.OpenStore(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return serveStore(t, store, config)
}

func serveStore(t *testing.T, store *kms.Store, config kms.Config) (url string) {
	config.Region, config.Account = region, account
	config.Credentials = []kms.Credential{roleKey, visitorKey}
	handler, err := kms.NewServer(store, config)
	require.NoError(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func newClient(url string, c kms.Credential) *awskms.Client {
	return awskms.New(awskms.Options{
		Region:           region,
		BaseEndpoint:     aws.String(url),
		Credentials:      credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, ""),
		RetryMaxAttempts: 1,
	})
}

// createKey returns the ARN of a new key.
func (w world) createKey(t *testing.T, policy string) string {
	key, err := w.client.CreateKey(t.Context(), &awskms.CreateKeyInput{Policy: aws.String(policy)})
	require.NoError(t, err)
	return *key.KeyMetadata.Arn
}

// encrypt returns a ciphertext of "the secret".
func (w world) encrypt(t *testing.T, key string) []byte {
	answer, err := w.client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: &key, Plaintext: []byte("the secret")})
	require.NoError(t, err)
	return answer.CiphertextBlob
}

// policyWith is a key policy with these statements; everybody may encrypt besides.
func policyWith(statements string) string {
	return `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*"}, ` + statements + `]}`
}

// allowIf is the policy that lets the role decrypt and make data keys under a
// condition.
func allowIf(condition string) string {
	return policyWith(fmt.Sprintf(`{"Effect": "Allow", "Principal": {"AWS": %q},
		"Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*", "Condition": %s}`, role, condition))
}

func imageIs(e *attestationtest.Enclave) string {
	return allowIf(fmt.Sprintf(`{"StringEqualsIgnoreCase": {"kms:RecipientAttestation:ImageSha384": %q}}`,
		e.Image().PCRs[pcr.RegisterImage]))
}

// enclaveKey is the key of the enclaves; making one takes a while.
var enclaveKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func publicKey(t *testing.T) []byte {
	public, err := x509.MarshalPKIXPublicKey(enclaveKey().Public())
	require.NoError(t, err)
	return public
}

func document(t *testing.T, e *attestationtest.Enclave, age time.Duration) []byte {
	return e.Attest(attestationtest.Request{PublicKey: publicKey(t), Time: time.Now().Add(-age)})
}

func recipientFor(document []byte) *types.RecipientInfo {
	return &types.RecipientInfo{
		AttestationDocument:    document,
		KeyEncryptionAlgorithm: types.KeyEncryptionMechanismRsaesOaepSha256,
	}
}

func assertRefused(t *testing.T, err error, code, message string) {
	t.Helper()
	var refused smithy.APIError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, code, refused.ErrorCode())
	assert.Contains(t, refused.ErrorMessage(), message)
}
