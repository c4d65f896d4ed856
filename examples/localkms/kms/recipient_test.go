package kms_test

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/examples/localkms/kms"
	"github.com/nitroattest/nitroattest/pcr"
)

func TestReleaseToTheRightImage(t *testing.T) {
	w := newWorld(t)
	key := w.createKey(t, imageIs(w.enclave))
	info := recipientFor(document(t, w.enclave, 0))

	t.Run("Decrypt", func(t *testing.T) {
		answer, err := w.client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: w.encrypt(t, key), Recipient: info})
		require.NoError(t, err)
		assert.Empty(t, answer.Plaintext)
		assert.Equal(t, key, *answer.KeyId)
		plaintext, err := recipient.Open(answer.CiphertextForRecipient, enclaveKey())
		require.NoError(t, err)
		assert.Equal(t, "the secret", string(plaintext))
	})
	t.Run("GenerateDataKey", func(t *testing.T) {
		answer, err := w.client.GenerateDataKey(t.Context(), &awskms.GenerateDataKeyInput{
			KeyId: &key, KeySpec: types.DataKeySpecAes256, Recipient: info})
		require.NoError(t, err)
		assert.Empty(t, answer.Plaintext)
		dataKey, err := recipient.Open(answer.CiphertextForRecipient, enclaveKey())
		require.NoError(t, err)
		assert.Len(t, dataKey, 32)

		copied, err := w.client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: answer.CiphertextBlob, Recipient: info})
		require.NoError(t, err)
		again, err := recipient.Open(copied.CiphertextForRecipient, enclaveKey())
		require.NoError(t, err)
		assert.Equal(t, dataKey, again)
	})
	t.Run("GenerateRandom", func(t *testing.T) {
		answer, err := w.client.GenerateRandom(t.Context(), &awskms.GenerateRandomInput{NumberOfBytes: aws.Int32(48), Recipient: info})
		require.NoError(t, err)
		assert.Empty(t, answer.Plaintext)
		random, err := recipient.Open(answer.CiphertextForRecipient, enclaveKey())
		require.NoError(t, err)
		assert.Len(t, random, 48)
	})
}

func TestRefusedDocuments(t *testing.T) {
	w := newWorld(t)
	blob := w.encrypt(t, w.createKey(t, imageIs(w.enclave)))
	instance := w.enclave.Instance()
	good := document(t, w.enclave, 0)
	noKey := w.enclave.Attest(attestationtest.Request{})
	weakKey := w.enclave.Attest(attestationtest.Request{PublicKey: []byte("no key")})
	stranger := attestationtest.NewHypervisor().Enclave().Instance().NewEnclave(attestationtest.WithImage(w.enclave.Image().PCRs))

	for _, test := range []struct {
		name          string
		document      []byte
		code, message string
	}{
		{"another image", document(t, instance.NewEnclave(attestationtest.WithImage(pcr.Bank{0: pcr.Value{1}})), 0),
			"AccessDeniedException", "no statement of the key policy allows it"},
		{"debug mode", document(t, instance.NewEnclave(attestationtest.WithDebugMode()), 0), "AccessDeniedException", "debug-mode"},
		{"too old", document(t, w.enclave, 6*time.Minute), "AccessDeniedException", "stale"},
		{"expired", document(t, w.enclave, 4*time.Hour), "AccessDeniedException", "certificate-expired"},
		{"another root", document(t, stranger, 0), "AccessDeniedException", "untrusted-root"},
		{"a NitroTPM", document(t, instance.NewEnclave(attestationtest.WithNitroTPM()), 0), "AccessDeniedException", "wrong-document-kind"},
		{"another signature", flip(good, len(good)-1), "AccessDeniedException", "bad-signature"},
		{"a renamed field", bytes.Replace(good, []byte("nonce"), []byte("Nonce"), 1), "ValidationException", "malformed-evidence"},
		{"no document", []byte("a document"), "ValidationException", "malformed-evidence"},
		{"half a document", good[:len(good)/2], "ValidationException", "malformed-evidence"},
		{"no public key", noKey, "ValidationException", "invalid-key"},
		{"no RSA key", weakKey, "ValidationException", "invalid-key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer, err := w.client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: blob, Recipient: recipientFor(test.document)})
			assertRefused(t, err, test.code, test.message)
			assert.Nil(t, answer)
		})
	}

	t.Run("no document at all", func(t *testing.T) {
		_, err := w.client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: blob})
		assertRefused(t, err, "AccessDeniedException", "no statement of the key policy allows it")
	})
	t.Run("another algorithm", func(t *testing.T) {
		info := recipientFor(good)
		info.KeyEncryptionAlgorithm = "RSAES_OAEP_SHA_1"
		_, err := w.client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: blob, Recipient: info})
		assertRefused(t, err, "ValidationException", "RSAES_OAEP_SHA_256")
	})
	t.Run("the good one", func(t *testing.T) {
		_, err := w.client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: blob, Recipient: recipientFor(good)})
		assert.NoError(t, err)
	})
}

// A document that is refused stays so where the policy asks for none.
func TestBadDocumentWithoutCondition(t *testing.T) {
	w := newWorld(t)
	old := recipientFor(document(t, w.enclave, 6*time.Minute))
	key, err := w.client.CreateKey(t.Context(), &awskms.CreateKeyInput{})
	require.NoError(t, err)
	_, err = w.client.GenerateDataKey(t.Context(), &awskms.GenerateDataKeyInput{
		KeyId: key.KeyMetadata.KeyId, KeySpec: types.DataKeySpecAes256, Recipient: old})
	assertRefused(t, err, "AccessDeniedException", "stale")
	_, err = w.client.GenerateRandom(t.Context(), &awskms.GenerateRandomInput{NumberOfBytes: aws.Int32(1), Recipient: old})
	assertRefused(t, err, "AccessDeniedException", "stale")
}

// With no root configured, only AWS's is trusted.
func TestDefaultRoot(t *testing.T) {
	hypervisor := attestationtest.NewHypervisor()
	client := newClient(serve(t, filepath.Join(t.TempDir(), "keys.db"), kms.Config{}), roleKey)
	_, err := client.GenerateRandom(t.Context(), &awskms.GenerateRandomInput{
		NumberOfBytes: aws.Int32(1), Recipient: recipientFor(document(t, hypervisor.Enclave(), 0))})
	assertRefused(t, err, "AccessDeniedException", "untrusted-root")
}

func flip(document []byte, at int) []byte {
	changed := bytes.Clone(document)
	changed[at] ^= 1
	return changed
}
