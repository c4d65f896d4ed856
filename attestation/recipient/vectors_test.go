package recipient_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/recipient"
)

type recordedVector struct {
	Name, BER, Key, SHA256 string
	PlaintextHex           *string `json:"plaintext_hex"`
	Structure              struct {
		SKI, IV   string
		KeyLength int `json:"enc_key_len"`
		Length    int `json:"ct_len"`
	}
}

type syntheticVector struct {
	Name, Key, Expect string
	PlaintextHex      *string `json:"plaintext_hex"`
}

func readVectors(t testing.TB) (recorded []recordedVector, synthetic []syntheticVector) {
	t.Helper()
	var vectors struct {
		Recorded  []recordedVector
		Synthetic []syntheticVector
	}
	require.NoError(t, json.Unmarshal(readFile(t, "vectors.json"), &vectors))
	require.Len(t, vectors.Recorded, 3)
	require.Len(t, vectors.Synthetic, 22)
	return vectors.Recorded, vectors.Synthetic
}

// syntheticEnvelope returns the file of a vector, or makes the one that is too
// large to keep: 200000 bytes that open one SEQUENCE after the other.
func syntheticEnvelope(t testing.TB, name string) []byte {
	t.Helper()
	if name == "bad_deep_nesting" {
		return bytes.Repeat([]byte{0x30, 0x80}, 100_000)
	}
	return readFile(t, "synthetic/"+name+".ber")
}

func fromHex(t testing.TB, text string) []byte {
	t.Helper()
	decoded, err := hex.DecodeString(text)
	require.NoError(t, err)
	return decoded
}

func TestRecordedEnvelopes(t *testing.T) {
	t.Parallel()
	recorded, _ := readVectors(t)
	for _, v := range recorded {
		t.Run(v.Name, func(t *testing.T) {
			envelope := readFile(t, v.BER)
			digest := sha256.Sum256(envelope)
			require.Equal(t, v.SHA256, hex.EncodeToString(digest[:]), "the file is the recorded one")

			keyID, encryptedKey, iv, ciphertext, err := recipient.Fields(envelope)
			require.NoError(t, err)
			assert.Equal(t, v.Structure.SKI, hex.EncodeToString(keyID))
			assert.Equal(t, v.Structure.IV, hex.EncodeToString(iv))
			assert.Len(t, encryptedKey, v.Structure.KeyLength)
			assert.Len(t, ciphertext, v.Structure.Length)

			if v.Key == "" {
				opened, err := recipient.Open(envelope, rsa2048(t))
				requireReason(t, recipient.WrongRecipient, opened, err)
				return
			}
			opened, err := recipient.Open(envelope, readKey(t, v.Key))
			require.NoError(t, err)
			assert.Equal(t, fromHex(t, *v.PlaintextHex), opened)
		})
	}
}

// wantReasons says what is wrong with each bad_ vector: its reason and a part of
// its detail.
var wantReasons = map[string]struct {
	reason recipient.Reason
	detail string
}{
	"bad_empty_content":         {recipient.MalformedEnvelope, "encryptedContent: found 0 bytes"},
	"bad_absent_content":        {recipient.MalformedEnvelope, "encryptedContent: found tag 0x00"},
	"bad_ct_not_block_multiple": {recipient.MalformedEnvelope, "expected a positive multiple of 16"},
	"bad_pad_zero":              {recipient.DecryptionFailed, ""},
	"bad_pad_mismatch":          {recipient.DecryptionFailed, ""},
	"bad_cek16":                 {recipient.DecryptionFailed, ""},
	"bad_wrong_ski":             {recipient.WrongRecipient, "subjectKeyIdentifier"},
	"bad_oaep_sha1":             {recipient.UnsupportedAlgorithm, "hashFunc: absent, which means SHA-1"},
	"bad_rsaes_pkcs1":           {recipient.UnsupportedAlgorithm, "found 1.2.840.113549.1.1.1, expected 1.2.840.113549.1.1.7"},
	"bad_two_recipients":        {recipient.UnsupportedForm, "found a second recipient"},
	"bad_trailing":              {recipient.MalformedEnvelope, "found 1 bytes after the envelope"},
	"bad_missing_last_eoc":      {recipient.MalformedEnvelope, "ContentInfo: end-of-contents: found the end"},
	"bad_piece_integer":         {recipient.MalformedEnvelope, "encryptedContent piece: found tag 0x02, expected 0x04"},
	"bad_deep_nesting":          {recipient.MalformedEnvelope, "ContentInfo.contentType: found tag 0x30, expected 0x06"},
	"bad_huge_length":           {recipient.MalformedEnvelope, "found a length of 2147483647, expected at most the 1 bytes"},
	"bad_empty":                 {recipient.MalformedEnvelope, "ContentInfo: found the end"},
}

func TestSyntheticEnvelopes(t *testing.T) {
	t.Parallel()
	_, synthetic := readVectors(t)
	refused := 0
	for _, v := range synthetic {
		t.Run(v.Name, func(t *testing.T) {
			opened, err := recipient.Open(syntheticEnvelope(t, v.Name), readKey(t, "synthetic/"+v.Key))
			if strings.HasPrefix(v.Name, "ok_") {
				require.Equal(t, "ok", v.Expect)
				require.NoError(t, err)
				require.NotNil(t, opened)
				assert.Equal(t, fromHex(t, *v.PlaintextHex), opened)
				return
			}
			require.Equal(t, "error", v.Expect)
			require.Contains(t, wantReasons, v.Name)
			refused++
			typed := requireReason(t, wantReasons[v.Name].reason, opened, err)
			assert.Contains(t, typed.Detail, wantReasons[v.Name].detail)
		})
	}
	assert.Equal(t, len(wantReasons), refused, "every expectation has a vector")
}
