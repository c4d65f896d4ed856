package recipient_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/pcr"
)

// A document that AWS signed, with a public key as AWS KMS takes it.
func TestSealToARecordedDocument(t *testing.T) {
	result := verified(t, rsaDocument)
	envelope, err := sealerAt(result).Seal(result, []byte(greeting))
	require.NoError(t, err)
	keyID, encryptedKey, _, _, err := recipient.Fields(envelope)
	require.NoError(t, err)
	want := sha256.Sum256(result.Document.PublicKey)
	assert.Equal(t, want[:], keyID)
	assert.Len(t, encryptedKey, 256)
}

// Both ways to seal look at the result before they look at the key.
func sealBoth(t *testing.T, sealer recipient.Sealer, result *attestation.Result, want recipient.Reason) {
	t.Helper()
	sealed, err := sealer.Seal(result, []byte("secret"))
	requireReason(t, want, sealed, err)
	sealed, err = sealer.SealHPKE(result, []byte("secret"))
	requireReason(t, want, sealed, err)
}

func TestSealRefusesWhatNoVerifierReturned(t *testing.T) {
	good := verified(t, rsaDocument)
	sealer := sealerAt(good)
	sealBoth(t, sealer, nil, recipient.UnverifiedResult)
	sealBoth(t, sealer, &attestation.Result{}, recipient.UnverifiedResult)
	// The same in everything that can be seen.
	sealBoth(t, sealer, &attestation.Result{Document: good.Document, Image: good.Image, Chain: good.Chain,
		VerifiedAt: good.VerifiedAt, FreshUntil: good.FreshUntil, Debug: good.Debug}, recipient.UnverifiedResult)
}

func TestSealRefusesAResultThatIsNoLongerFresh(t *testing.T) {
	result := verified(t, rsaDocument)
	at := result.FreshUntil
	sealer := recipient.Sealer{Now: func() time.Time { return at }}
	_, err := sealer.Seal(result, []byte("secret"))
	require.NoError(t, err, "a certificate is valid at notAfter (RFC 5280, section 4.1.2.5)")

	at = at.Add(time.Nanosecond)
	sealBoth(t, sealer, result, recipient.ResultExpired)

	// The functions go by the real time, at which every recording has expired.
	sealed, err := recipient.Seal(result, []byte("secret"))
	requireReason(t, recipient.ResultExpired, sealed, err)
	sealed, err = recipient.SealHPKE(result, []byte("secret"))
	requireReason(t, recipient.ResultExpired, sealed, err)
}

func TestSealRefusesDebugMode(t *testing.T) {
	key := rsa2048(t)
	result := resultOf(t, attestationtest.Request{PublicKey: spkiOf(t, &key.PublicKey), PCRs: pcr.Bank{0: {}, 1: {}, 2: {}}})
	require.True(t, result.Debug)
	sealer := sealerAt(result)
	sealBoth(t, sealer, result, recipient.DebugMode)

	sealer.InsecureAllowDebug = true
	sealed, err := sealer.Seal(result, []byte(greeting))
	require.NoError(t, err)
	opened, err := recipient.Open(sealed, key)
	require.NoError(t, err)
	assert.Equal(t, greeting, string(opened))
}

func TestSealRefusesADocumentWithoutAKey(t *testing.T) {
	result := resultWith(t, nil)
	sealBoth(t, sealerAt(result), result, recipient.InvalidKey)
}

func TestErrorText(t *testing.T) {
	_, err := recipient.Open(syntheticEnvelope(t, "bad_wrong_ski"), rsa2048(t))
	assert.EqualError(t, err, "wrong-recipient: subjectKeyIdentifier: found the identifier of another key, expected the SHA-256 of this key's SubjectPublicKeyInfo (at byte 31)")
	assert.Equal(t, "wrong-recipient", recipient.WrongRecipient.Error())

	_, err = recipient.Seal(nil, nil)
	assert.EqualError(t, err, "unverified-result: found a result that no verifier returned, expected one from Verify")

	_, err = recipient.Open(syntheticEnvelope(t, "bad_pad_zero"), rsa2048(t))
	assert.EqualError(t, err, "decryption-failed: the envelope was altered or was not made for this key")
}
