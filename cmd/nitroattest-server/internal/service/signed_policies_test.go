package service_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
	"github.com/nitroattest/nitroattest/internal/settings"
	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

// vouched is a kit whose policies are signed.
type vouched struct {
	*kit
	key ed25519.PrivateKey
}

func newVouched(t *testing.T, expires time.Time, changes ...func(*kit)) *vouched {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	v := &vouched{key: key}
	changes = append(changes, func(k *kit) {
		v.kit = k
		v.sign(t, 3, expires)
		// Its time has not ended for the builder, so that the end comes in a test
		// without waiting for it.
		vouching := settings.Vouching{Keys: []crypto.PublicKey{key.Public()}, Seen: signedpolicy.NewMemoryStore(), Now: func() time.Time { return expires.Add(-time.Second) }}
		build := func(name string, file []byte) (service.Policy, error) {
			named := vouching
			named.Name = "example.com/" + name
			policy, voucher, err := named.Read(file)
			if err != nil {
				return service.Policy{}, err
			}
			verifier, err := attestation.NewVerifier(attestation.Config{Policy: policy, Roots: k.hypervisor.Roots()})
			return service.Policy{Verifier: verifier, Voucher: voucher}, err
		}
		k.config.Policies, err = service.LoadPolicies(service.PoliciesConfig{Dir: k.dir, Build: build, Logger: k.config.Logger})
		require.NoError(t, err)
	})
	newKit(t, changes...)
	return v
}

func (v *vouched) sign(t *testing.T, version uint64, expires time.Time, revoked ...string) {
	t.Helper()
	envelope, err := signedpolicy.Sign(signedpolicy.Statement{
		Revoked: revoked,
		Name:    "example.com/prod", Version: version, Issued: expires.Add(-time.Hour), Expires: expires,
		Policy:   pcr.Policy{Images: []pcr.Image{v.hypervisor.Enclave().Image()}},
		Subjects: []signedpolicy.Subject{{Name: "image.eif", Digest: map[string]string{"sha256": "0000000000000000000000000000000000000000000000000000000000000000"}}},
	}, v.key)
	require.NoError(t, err)
	v.write(t, "prod.json", envelope)
}

func inAnHour() time.Time { return time.Now().Add(time.Hour).Truncate(time.Second) }

func TestWhoVouchesForThePolicyIsToldEverywhere(t *testing.T) {
	audit := filepath.Join(t.TempDir(), "audit")
	v := newVouched(t, inAnHour(), func(k *kit) {
		var err error
		k.config.Audit, err = service.OpenAudit(audit)
		require.NoError(t, err)
		t.Cleanup(func() { k.config.Audit.Close() })
	})
	id, err := signedpolicy.KeyID(v.key.Public())
	require.NoError(t, err)
	for _, report := range []string{"full", "brief"} {
		verdict := v.verify(t, with(with(v.good(t), "report", report), "ear", "accepted"))
		require.Equal(t, true, verdict["accepted"])
		voucher := verdict["signed_policy"].(object)
		assert.Equal(t, "example.com/prod", voucher["name"])
		assert.EqualValues(t, 3, voucher["version"])
		assert.Equal(t, []any{id}, voucher["keys"])

		_, submod := v.submod(t, verdict)
		assert.Equal(t, []any{
			"prod@sha256:" + verdict["policy_sha256"].(string),
			"example.com/prod@3@sha256:" + voucher["statement_sha256"].(string),
		}, submod["ear_appraisal_policy_ids"])
		assert.Equal(t, voucher, submod["github.com/nitroattest/nitroattest"].(object)["signed_policy"])
	}
	lines, err := os.ReadFile(audit)
	require.NoError(t, err)
	assert.Equal(t, 2, bytes.Count(lines, []byte(`"signed_policy":{"name":"example.com/prod","version":3,`)))
	assert.Contains(t, v.metrics(t), `nitroattest_policy_version{policy="prod"} 3`)
}

func TestAPolicyThatHasEndedIsNotUsed(t *testing.T) {
	v := newVouched(t, time.Now().Add(-time.Second).Truncate(time.Second))
	v.refused(t, v.good(t), 503, "policy-expired")
	assert.Contains(t, v.metrics(t), `nitroattest_policy_expiry_timestamp_seconds{policy="prod"}`)

	fresh := newVouched(t, inAnHour())
	assert.Equal(t, true, fresh.verify(t, fresh.good(t))["accepted"])
}

func TestNoResultOutlivesItsPolicy(t *testing.T) {
	soon := time.Now().Add(time.Minute).Truncate(time.Second)
	v := newVouched(t, soon)
	claims, _ := v.submod(t, v.verify(t, with(v.good(t), "ear", "accepted")))
	assert.EqualValues(t, soon.Unix(), claims["exp"])
}

func TestAnOlderPolicyDoesNotComeBack(t *testing.T) {
	v := newVouched(t, inAnHour())
	v.sign(t, 2, inAnHour())
	v.reload()
	assert.EqualValues(t, 3, v.verify(t, v.good(t))["signed_policy"].(object)["version"])
	assert.Contains(t, v.log.String(), `"level":"ERROR","msg":"policy file cannot be used","policy":"prod","keeping_old":true,"error":"rolled-back: `)
	assert.Contains(t, v.metrics(t), `nitroattest_policy_broken{policy="prod"} 1`)

	v.write(t, "prod.json", policyJSON(t, v.hypervisor.Enclave().Image()))
	v.reload()
	assert.EqualValues(t, 3, v.verify(t, v.good(t))["signed_policy"].(object)["version"], "nobody signed it")

	v.sign(t, 4, inAnHour())
	v.reload()
	assert.EqualValues(t, 4, v.verify(t, v.good(t))["signed_policy"].(object)["version"])
	assert.NotContains(t, v.metrics(t), `nitroattest_policy_broken{`)
}

// Whoever vouches for a policy can take it back, and it does not matter that the
// file with which they do so is good for no document.
func TestAPolicyThatIsTakenBackIsNotUsed(t *testing.T) {
	image := newVouched(t, inAnHour()).hypervisor.Enclave().Image().Name
	for reason, sign := range map[string]func(*vouched){
		"image-revoked": func(v *vouched) { v.sign(t, 4, inAnHour(), image) },
		"expired":       func(v *vouched) { v.sign(t, 4, inAnHour().Add(-time.Minute)) },
	} {
		v := newVouched(t, inAnHour())
		require.Equal(t, true, v.verify(t, v.good(t))["accepted"])
		before, err := os.ReadFile(filepath.Join(v.dir, "prod.json"))
		require.NoError(t, err)
		sign(v)
		v.reload()
		v.refused(t, v.good(t), 503, "policy-unusable")
		assert.Contains(t, v.log.String(), `"keeping_old":false,"error":"`+reason)

		v.write(t, "prod.json", before)
		v.reload()
		v.refused(t, v.good(t), 503, "policy-unusable")
		assert.Contains(t, v.log.String(), `"keeping_old":false,"error":"rolled-back: `)

		v.sign(t, 5, inAnHour())
		v.reload()
		assert.Equal(t, true, v.verify(t, v.good(t))["accepted"])
	}
}
