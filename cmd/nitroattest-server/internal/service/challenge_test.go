package service_test

import (
	"encoding/base64"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/challenge"
)

// verifications is how many documents were given to a verifier.
func (k *kit) verifications(t testing.TB) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^nitroattest_verification_seconds_count (\d+)$`).FindStringSubmatch(k.metrics(t))
	require.Len(t, found, 2)
	return found[1]
}

// withClock has an issuer whose clock the test moves.
func withClock(t testing.TB, now *time.Time) func(*kit) {
	return func(k *kit) {
		memory, err := challenge.NewMemory(10)
		require.NoError(t, err)
		k.config.Issuer, err = challenge.New(challenge.Config{Store: memory, Now: func() time.Time { return *now }})
		require.NoError(t, err)
	}
}

// flipped changes one bit of a challenge.
func flipped(t testing.TB, text string, byte int) string {
	t.Helper()
	nonce, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	nonce[byte] ^= 1
	return base64.RawURLEncoding.EncodeToString(nonce)
}

// The document of each is authentic, has the challenge that the request has, and
// is accepted in the end: the challenge alone is at fault.
func TestABadChallengeCostsNoVerification(t *testing.T) {
	now := time.Now()
	k := newKit(t, withClock(t, &now))
	for name, c := range map[string]struct {
		reason string
		alter  func(challenge string) string
		other  bool // context
		late   time.Duration
	}{
		"forged":          {reason: "unknown-nonce", alter: func(c string) string { return flipped(t, c, challenge.NonceSize-1) }},
		"extended":        {reason: "unknown-nonce", alter: func(c string) string { return flipped(t, c, 1) }},
		"malformed":       {reason: "malformed-nonce", alter: func(c string) string { return flipped(t, c, 0) }},
		"another context": {reason: "unknown-nonce", other: true},
		"expired":         {reason: "nonce-expired", late: challenge.DefaultLifetime},
		"from the future": {reason: "nonce-expiry-out-of-range", late: -2 * challenge.MaxLifetime},
	} {
		t.Run(name, func(t *testing.T) {
			issued := now
			defer func() { now = issued }()
			good := k.challenge(t, "session")
			altered := good
			if c.alter != nil {
				altered = c.alter(good)
			}
			request := object{"policy": "prod", "challenge": altered, "context": "session", "ear": "always",
				"document": k.attest(t, altered, attestationtest.Request{PublicKey: []byte("key")})}
			if c.other {
				request["context"] = "another session"
			}
			now = now.Add(c.late)

			before := k.verifications(t)
			full, brief := k.verify(t, request), k.verify(t, with(request, "report", "brief"))
			assert.Equal(t, before, k.verifications(t))

			for _, verdict := range []object{full, brief} {
				assert.Equal(t, false, verdict["accepted"])
				assert.Equal(t, false, verdict["authentic"])
				assert.Equal(t, c.reason, verdict["reason"])
				assert.Equal(t, "refused", verdict["challenge"])
				assert.Equal(t, "the challenge was refused, and so the document was not looked at", verdict["detail"])
				claims, submod := k.submod(t, verdict)
				assert.Equal(t, "contraindicated", claims["ear_status"])
				assert.Equal(t, "contraindicated", submod["ear_status"])
				assert.Equal(t, object{"instance-identity": 0.0, "configuration": 0.0, "executables": 0.0, "hardware": 0.0}, submod["ear_trustworthiness_vector"])
				assert.Equal(t, object{"reason": c.reason}, submod["github.com/nitroattest/nitroattest"])
				assert.NotContains(t, submod, "eat_nonce")
			}
			assert.Equal(t, []any{}, full["checks"])
			for _, member := range []string{"document", "unverified_document", "image", "mismatch", "verified_at", "fresh_until"} {
				assert.Nil(t, full[member], member)
			}
			for _, member := range []string{"image_name", "module_id", "timestamp", "public_key", "user_data"} {
				assert.Nil(t, brief[member], member)
			}
			assert.Nil(t, k.verify(t, with(request, "ear", "accepted"))["ear"])

			now = issued
			request = with(request, "challenge", good)
			request["context"], request["document"] = "session", k.attest(t, good, attestationtest.Request{})
			assert.Equal(t, true, k.verify(t, request)["accepted"])
		})
	}
}

// It is the only fault of a challenge that the store alone knows of.
func TestARedeemedChallengeIsFoundAfterTheVerification(t *testing.T) {
	k := newKit(t)
	request := with(k.good(t), "ear", "always")
	require.Equal(t, true, k.verify(t, request)["accepted"])
	require.Equal(t, "1", k.verifications(t))
	verdict := k.verify(t, request)
	assert.Equal(t, "2", k.verifications(t))
	assert.Equal(t, "nonce-already-redeemed", verdict["reason"])
	assert.Equal(t, "the document passed every check and its challenge was refused", verdict["detail"])
	assert.Equal(t, true, verdict["authentic"])
	_, submod := k.submod(t, verdict)
	assert.Equal(t, "contraindicated", submod["ear_status"])
	assert.Equal(t, object{"instance-identity": 2.0, "configuration": 2.0, "executables": 3.0, "hardware": 2.0}, submod["ear_trustworthiness_vector"])
}

// What else is wrong with the request does not bring the document to a verifier.
func TestABadChallengeComesBeforeABadDocument(t *testing.T) {
	k := newKit(t)
	request := with(k.good(t), "document", "hESh")
	assert.Equal(t, "malformed-evidence", k.verify(t, request)["reason"])
	request["challenge"] = flipped(t, request["challenge"].(string), 10)
	assert.Equal(t, "unknown-nonce", k.verify(t, request)["reason"])
}

// The challenge expires while the document is verified.
func TestAChallengeCanExpireDuringTheVerification(t *testing.T) {
	now := time.Now()
	k := newKit(t, withClock(t, &now), func(k *kit) {
		k.write(t, "prod.json", policyJSON(t, k.hypervisor.Enclave().Image()))
		k.config.Policies = k.load(t, attestation.Config{Now: func() time.Time {
			now = now.Add(challenge.DefaultLifetime)
			return time.Now()
		}})
	})
	verdict := k.verify(t, k.good(t))
	assert.Equal(t, false, verdict["accepted"])
	assert.Equal(t, true, verdict["authentic"])
	assert.Equal(t, "nonce-expired", verdict["reason"])
	assert.Equal(t, "refused", verdict["challenge"])
}
