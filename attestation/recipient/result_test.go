package recipient_test

import (
	"crypto/sha256"
	"errors"
	"strings"
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
	t.Parallel()
	result := verified(t, rsaDocument)
	envelope, err := sealerAt(result).Seal(result, []byte(greeting))
	require.NoError(t, err)
	keyID, encryptedKey, _, _, err := recipient.Fields(envelope)
	require.NoError(t, err)
	want := sha256.Sum256(result.Document.PublicKey)
	assert.Equal(t, want[:], keyID)
	assert.Len(t, encryptedKey, 256)
}

// classical are the ways to seal to a key that is in the document; that by HPKE is
// there since Go 1.26.
var classical = []func(recipient.Sealer, *attestation.Result, []byte) ([]byte, error){recipient.Sealer.Seal}

// All of them look at the result before they look at the key.
func sealBoth(t *testing.T, sealer recipient.Sealer, result *attestation.Result, want recipient.Reason) {
	t.Helper()
	for _, seal := range classical {
		sealed, err := seal(sealer, result, []byte("secret"))
		requireReason(t, want, sealed, err)
	}
}

func TestSealRefusesWhatNoVerifierReturned(t *testing.T) {
	t.Parallel()
	good := verified(t, rsaDocument)
	sealer := sealerAt(good)
	sealBoth(t, sealer, nil, recipient.UnverifiedResult)
	sealBoth(t, sealer, &attestation.Result{}, recipient.UnverifiedResult)
	// The same in everything that can be seen.
	sealBoth(t, sealer, &attestation.Result{Document: good.Document, Image: good.Image, Chain: good.Chain,
		VerifiedAt: good.VerifiedAt, FreshUntil: good.FreshUntil, Debug: good.Debug}, recipient.UnverifiedResult)
}

func TestSealRefusesAResultThatIsNoLongerFresh(t *testing.T) {
	t.Parallel()
	result := verified(t, rsaDocument)
	at := result.FreshUntil
	sealer := sealerAt(result)
	sealer.Now = func() time.Time { return at }
	_, err := sealer.Seal(result, []byte("secret"))
	require.NoError(t, err, "a certificate is valid at notAfter (RFC 5280, section 4.1.2.5)")

	at = at.Add(time.Nanosecond)
	sealBoth(t, sealer, result, recipient.ResultExpired)

	// Without Now it is the real time, at which every recording has expired.
	sealer.Now = nil
	sealBoth(t, sealer, result, recipient.ResultExpired)
}

func TestSealRefusesDebugMode(t *testing.T) {
	t.Parallel()
	result := verified(t, debugDocument)
	require.True(t, result.Debug)
	sealer := sealerAt(result)
	sealBoth(t, sealer, result, recipient.DebugMode)
	sealer.InsecureAllowDebug = true
	sealBoth(t, sealer, result, recipient.InvalidKey) // the next thing that is wrong: it has none
}

// Each is waived by its own field and by no other.
func TestSealRefusesResultsThatSayTooLittle(t *testing.T) {
	t.Parallel()
	key := rsa2048(t)
	h := simulated()
	request := attestationtest.Request{PublicKey: spkiOf(t, &key.PublicKey)}
	image := pcr.Policy{Images: []pcr.Image{h.Enclave().Image()}}
	nonce := attestation.Expect{Nonce: []byte("nonce")}
	for _, c := range []struct {
		config attestation.Config
		expect attestation.Expect
		want   recipient.Reason
		waive  func(*recipient.Sealer)
	}{
		{attestation.Config{InsecureAnyImage: true}, nonce, recipient.AnyImage, func(s *recipient.Sealer) { s.InsecureAllowAnyImage = true }},
		{attestation.Config{Policy: image, Recorded: true}, nonce, recipient.RecordedResult, func(s *recipient.Sealer) { s.InsecureAllowRecorded = true }},
		{attestation.Config{Policy: image}, attestation.Expect{InsecureNoFreshness: true}, recipient.FreshnessUnstated, func(s *recipient.Sealer) { s.InsecureAllowNoFreshness = true }},
	} {
		result := appraise(t, request, &c.config, c.expect)
		sealBoth(t, recipient.Sealer{}, result, c.want)
		all := recipient.Sealer{InsecureAllowDebug: true, InsecureAllowAnyImage: c.want != recipient.AnyImage, InsecureAllowDowngrade: true,
			InsecureAllowRecorded: c.want != recipient.RecordedResult, InsecureAllowNoFreshness: c.want != recipient.FreshnessUnstated}
		sealBoth(t, all, result, c.want)
		var sealer recipient.Sealer
		c.waive(&sealer)
		envelope, err := sealer.Seal(result, []byte(greeting))
		require.NoError(t, err)
		opened, err := recipient.Open(envelope, key)
		require.NoError(t, err)
		assert.Equal(t, greeting, string(opened))
	}
	_, err := recipient.Seal(appraise(t, request, nil, attestation.Expect{MaxAge: time.Hour}), nil)
	assert.NoError(t, err, "an age limit states freshness")
}

// A result whose key was replaced, also in a copy and in place.
func TestSealRefusesAlteredResults(t *testing.T) {
	t.Parallel()
	evil := spkiOf(t, &readKey(t, "synthetic/rsa3072.key.pem").PublicKey)
	result := resultWith(t, spkiOf(t, &rsa2048(t).PublicKey))
	copied := *result
	_, err := recipient.Seal(&copied, nil)
	require.NoError(t, err, "a copy is as good")
	copied.Document.PublicKey = evil
	sealBoth(t, recipient.Sealer{}, &copied, recipient.UnverifiedResult)
	copied = *result
	copied.FreshUntil = copied.FreshUntil.Add(time.Hour)
	sealBoth(t, recipient.Sealer{}, &copied, recipient.UnverifiedResult)
	result.Document.PublicKey[40] ^= 1
	sealBoth(t, recipient.Sealer{}, result, recipient.UnverifiedResult)
}

func TestSealRefusesADocumentWithoutAKey(t *testing.T) {
	t.Parallel()
	result := resultWith(t, nil)
	sealBoth(t, recipient.Sealer{}, result, recipient.InvalidKey)
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	_, err := recipient.Open(syntheticEnvelope(t, "bad_wrong_ski"), rsa2048(t))
	assert.EqualError(t, err, "wrong-recipient: subjectKeyIdentifier: found the identifier of another key, expected the SHA-256 of this key's SubjectPublicKeyInfo (at byte 31)")
	assert.Equal(t, "wrong-recipient", recipient.WrongRecipient.Error())

	_, err = recipient.Seal(nil, nil)
	assert.EqualError(t, err, "unverified-result: found a result that no verifier returned, or that was altered since, expected one from Verify")

	_, err = recipient.Open(syntheticEnvelope(t, "bad_pad_zero"), rsa2048(t))
	assert.EqualError(t, err, "decryption-failed: the envelope was altered or was not made for this key")
}

// A module ID of a form that nobody has seen says nothing of what is behind it.
func TestSealRefusesModulesOfAnUnknownForm(t *testing.T) {
	t.Parallel()
	h := simulated()
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{h.Enclave().Image()}}, Roots: h.Roots(), InsecureAnyModuleID: true})
	require.NoError(t, err)
	b := h.Blueprint(attestationtest.Request{PublicKey: spkiOf(t, &rsa2048(t).PublicKey)})
	b.SetModuleID(h.Enclave().Instance().ID() + "-sbx0123456789abcdef")
	result, err := verifier.Verify(b.Document(), attestation.Expect{MaxAge: time.Minute})
	require.NoError(t, err)
	sealBoth(t, recipient.Sealer{}, result, recipient.UnknownModule)
	_, err = recipient.Sealer{InsecureAllowAnyModuleID: true}.Seal(result, []byte("secret"))
	require.NoError(t, err)
}

// The text begins with the reason, and nothing but the reason and a cause that
// there is is unwrapped.
func TestErrorUnwrapsToReasonAndCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for _, err := range []interface {
		error
		Unwrap() []error
	}{&recipient.Error{Reason: recipient.InvalidKey, Detail: "detail"}} {
		assert.Equal(t, []error{recipient.InvalidKey}, err.Unwrap())
		assert.True(t, strings.HasPrefix(err.Error(), string(recipient.InvalidKey)+": "), err.Error())
	}
	for _, err := range []interface{ Unwrap() []error }{&recipient.Error{Reason: recipient.InvalidKey, Err: cause}} {
		assert.Equal(t, []error{recipient.InvalidKey, cause}, err.Unwrap())
	}
}
