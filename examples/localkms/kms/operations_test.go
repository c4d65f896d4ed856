package kms_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/examples/localkms/kms"
)

const anybody = `{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}`

func TestCreateKey(t *testing.T) {
	w := newWorld(t)
	answer, err := w.client.CreateKey(t.Context(), &awskms.CreateKeyInput{Description: aws.String("of a test"), KeySpec: types.KeySpecSymmetricDefault})
	require.NoError(t, err)
	key := answer.KeyMetadata
	assert.Equal(t, "arn:aws:kms:"+region+":"+account+":key/"+*key.KeyId, *key.Arn)
	assert.Equal(t, "of a test", *key.Description)
	assert.Equal(t, types.KeyStateEnabled, key.KeyState)
	assert.False(t, key.CreationDate.IsZero())

	_, err = w.client.CreateKey(t.Context(), &awskms.CreateKeyInput{KeySpec: types.KeySpecRsa2048})
	assertRefused(t, err, "ValidationException", "KeySpec")
	_, err = w.client.CreateKey(t.Context(), &awskms.CreateKeyInput{MultiRegion: aws.Bool(true)})
	assertRefused(t, err, "ValidationException", "MultiRegion")
	_, err = w.client.CreateKey(t.Context(), &awskms.CreateKeyInput{Tags: []types.Tag{{TagKey: aws.String("k"), TagValue: aws.String("v")}}})
	assertRefused(t, err, "ValidationException", "Tags")
}

func TestEncryptionContext(t *testing.T) {
	w := newWorld(t)
	key := w.createKey(t, policyWith(anybody))
	encrypted, err := w.client.Encrypt(t.Context(), &awskms.EncryptInput{
		KeyId: &key, Plaintext: []byte("the secret"), EncryptionContext: map[string]string{"table": "patients", "row": "7"}})
	require.NoError(t, err)
	blob := encrypted.CiphertextBlob

	answer, err := w.client.Decrypt(t.Context(), &awskms.DecryptInput{
		CiphertextBlob: blob, EncryptionContext: map[string]string{"row": "7", "table": "patients"}})
	require.NoError(t, err)
	assert.Equal(t, "the secret", string(answer.Plaintext))

	for name, context := range map[string]map[string]string{
		"none":          nil,
		"another value": {"table": "patients", "row": "8"},
		"another case":  {"Table": "patients", "row": "7"},
		"one less":      {"table": "patients"},
		"one more":      {"table": "patients", "row": "7", "column": "1"},
		"moved":         {"table": "patientsrow", "": "7"},
	} {
		_, err := w.client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: blob, EncryptionContext: context})
		assertRefused(t, err, "InvalidCiphertextException", "encryption context")
		assert.Error(t, err, name)
	}
}

func TestTamperedCiphertexts(t *testing.T) {
	w := newWorld(t)
	key, other := w.createKey(t, policyWith(anybody)), w.createKey(t, policyWith(anybody))
	blob := w.encrypt(t, key)
	for name, test := range map[string]struct {
		blob []byte
		code string
	}{
		"empty but for a header": {blob[:17], "InvalidCiphertextException"},
		"another version":        {flip(blob, 0), "InvalidCiphertextException"},
		"no such key":            {flip(blob, 1), "NotFoundException"},
		"another key":            {append(bytes.Clone(w.encrypt(t, other)[:17]), blob[17:]...), "InvalidCiphertextException"},
		"another nonce":          {flip(blob, 17), "InvalidCiphertextException"},
		"another ciphertext":     {flip(blob, 29), "InvalidCiphertextException"},
		"another tag":            {flip(blob, len(blob)-1), "InvalidCiphertextException"},
		"cut off":                {blob[:20], "InvalidCiphertextException"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: test.blob})
			assertRefused(t, err, test.code, "")
		})
	}
}

func TestKeyIDs(t *testing.T) {
	w := newWorld(t)
	arn, other := w.createKey(t, policyWith(anybody)), w.createKey(t, policyWith(anybody))
	blob := w.encrypt(t, arn)
	id := arn[strings.LastIndex(arn, "/")+1:]
	for _, test := range []struct{ keyID, code string }{
		{arn, ""},
		{id, ""},
		{other, "IncorrectKeyException"},
		{"alias/mine", "NotFoundException"},
		{strings.ToUpper(arn), "NotFoundException"},
		{strings.Replace(arn, region, "us-east-1", 1), "InvalidArnException"},
		{strings.Replace(arn, account, "444455556666", 1), "InvalidArnException"},
		{arn + "0", "NotFoundException"},
	} {
		t.Run(test.keyID, func(t *testing.T) {
			answer, err := w.client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: blob, KeyId: &test.keyID})
			if test.code != "" {
				assertRefused(t, err, test.code, "")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "the secret", string(answer.Plaintext))
			assert.Equal(t, arn, *answer.KeyId)
		})
	}
	_, err := w.client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: aws.String("00000000-0000-4000-8000-000000000000"), Plaintext: []byte("x")})
	assertRefused(t, err, "NotFoundException", "there is no key")
}

func TestBounds(t *testing.T) {
	w := newWorld(t)
	key := w.createKey(t, policyWith(anybody))
	_, err := w.client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: &key, Plaintext: make([]byte, 4097)})
	assertRefused(t, err, "ValidationException", "found 4097 bytes")
	_, err = w.client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: &key, Plaintext: make([]byte, 4096)})
	assert.NoError(t, err)
	_, err = w.client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: &key, Plaintext: []byte{1}, EncryptionAlgorithm: "RSAES_OAEP_SHA_256"})
	assertRefused(t, err, "ValidationException", "EncryptionAlgorithm")
	_, err = w.client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: []byte{1}, EncryptionAlgorithm: "RSAES_OAEP_SHA_256"})
	assertRefused(t, err, "ValidationException", "EncryptionAlgorithm")
	_, err = w.client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: &key, Plaintext: make([]byte, 1<<20)})
	assertRefused(t, err, "ValidationException", "over 1048576 bytes")

	for _, size := range []int32{0, 1025} {
		_, err = w.client.GenerateRandom(t.Context(), &awskms.GenerateRandomInput{NumberOfBytes: &size})
		assertRefused(t, err, "ValidationException", "NumberOfBytes")
	}
	for _, input := range []*awskms.GenerateDataKeyInput{
		{KeyId: &key},
		{KeyId: &key, NumberOfBytes: aws.Int32(1025)},
		{KeyId: &key, NumberOfBytes: aws.Int32(32), KeySpec: types.DataKeySpecAes256},
	} {
		_, err = w.client.GenerateDataKey(t.Context(), input)
		assertRefused(t, err, "ValidationException", "expected either KeySpec")
	}
	for size, input := range map[int]*awskms.GenerateDataKeyInput{
		16: {KeyId: &key, KeySpec: types.DataKeySpecAes128},
		64: {KeyId: &key, NumberOfBytes: aws.Int32(64)},
	} {
		answer, err := w.client.GenerateDataKey(t.Context(), input)
		require.NoError(t, err)
		assert.Len(t, answer.Plaintext, size)
	}
}

func TestKeysOutliveTheServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.db")
	store, err := kms.OpenStore(path)
	require.NoError(t, err)
	require.NoError(t, store.Close())

	var key string
	var blob []byte
	t.Run("before", func(t *testing.T) {
		w := world{client: newClient(serve(t, path, kms.Config{}), roleKey)}
		key = w.createKey(t, policyWith(anybody))
		blob = w.encrypt(t, key)
		_, err := kms.OpenStore(path)
		assert.ErrorContains(t, err, "timeout", "the file is in use")
	})
	answer, err := newClient(serve(t, path, kms.Config{}), roleKey).Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: blob})
	require.NoError(t, err)
	assert.Equal(t, "the secret", string(answer.Plaintext))
	assert.Equal(t, key, *answer.KeyId)
}

func TestStoreThatIsNone(t *testing.T) {
	_, err := kms.OpenStore(t.TempDir())
	assert.ErrorContains(t, err, "is a directory")
}
