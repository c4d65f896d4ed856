package attestation_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/pcr"
)

func somePolicy() pcr.Policy {
	return pcr.Policy{Images: []pcr.Image{{Name: "some", PCRs: pcr.Bank{0: pcr.ForInstance("some image")}}}}
}

// Leaving something out, or saying two things at once, is never a verifier.
func TestConfigMistakesNameTheField(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config attestation.Config
		field  string
	}{
		"zero":                   {attestation.Config{}, "Config.Policy: empty-policy: images: empty"},
		"recorded only":          {attestation.Config{Recorded: true}, "Config.Policy: empty-policy: images: empty"},
		"image without name":     {attestation.Config{Policy: pcr.Policy{Images: []pcr.Image{{}}}}, "images[0].pcrs: empty"},
		"zero register":          {attestation.Config{Policy: pcr.Policy{Images: []pcr.Image{{PCRs: pcr.Bank{0: {}}}}}}, "images[0].pcrs.0: all zero"},
		"pins no code":           {attestation.Config{Policy: pcr.Policy{Images: []pcr.Image{{PCRs: pcr.Bank{4: pcr.ForInstance("i")}}}}}, "images[0].pcrs: pins no code"},
		"any image and policy":   {attestation.Config{Policy: somePolicy(), InsecureAnyImage: true}, "Config.InsecureAnyImage"},
		"empty roots":            {attestation.Config{Policy: somePolicy(), Roots: &certs.Roots{}}, "Config.Roots"},
		"unknown kind":           {attestation.Config{Policy: somePolicy(), Kind: "sgx"}, "Config.Kind"},
		"enclave's for nitrotpm": {attestation.Config{Policy: pcr.Policy{Kind: pcr.NitroTPM, Images: somePolicy().Images}, Kind: attestation.NitroTPM}, "Config.Policy: pins-no-code: images[0].pcrs: pins no code: list PCR4 with PCR12"},
		"kind of the verifier":   {attestation.Config{Policy: somePolicy(), Kind: attestation.NitroTPM}, `Config.Kind: found "nitrotpm" beside a Config.Policy for documents of kind "enclave", expected the same kind`},
		"kind of the policy":     {attestation.Config{Policy: pcr.Policy{Kind: pcr.NitroTPM, Images: somePolicy().Images}}, `Config.Kind: found "enclave" beside a Config.Policy for documents of kind "nitrotpm", expected the same kind`},
		"unknown kind of policy": {attestation.Config{Policy: pcr.Policy{Kind: "tdx", Images: somePolicy().Images}}, `beside a Config.Policy for documents of kind "tdx"`},
		"negative evidence":      {attestation.Config{Policy: somePolicy(), Limits: attestation.Limits{EvidenceSize: -1}}, "Config.Limits.EvidenceSize"},
		"evidence beyond KMS":    {attestation.Config{Policy: somePolicy(), Limits: attestation.Limits{EvidenceSize: 262145}}, "Config.Limits.EvidenceSize"},
		"field beyond evidence":  {attestation.Config{Policy: somePolicy(), Limits: attestation.Limits{FieldSize: 32<<10 + 1}}, "Config.Limits.FieldSize"},
		"negative skew":          {attestation.Config{Policy: somePolicy(), Limits: attestation.Limits{ClockSkew: -1}}, "Config.Limits.ClockSkew"},
		"negative cache":         {attestation.Config{Policy: somePolicy(), Limits: attestation.Limits{CachedCertificates: -2}}, "Config.Limits.CachedCertificates"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := attestation.NewVerifier(test.config)
			require.ErrorContains(t, err, "attestation: ")
			require.ErrorContains(t, err, test.field)
			assert.Nil(t, v)
		})
	}
}

func TestExpectMistakesNameTheField(t *testing.T) {
	t.Parallel()
	live := attestation.Config{InsecureAnyImage: true}
	past := attestation.Config{InsecureAnyImage: true, Recorded: true}
	evidence := readEvidence(t, benchDocument)
	for name, test := range map[string]struct {
		config attestation.Config
		expect attestation.Expect
		field  string
	}{
		"zero":                  {live, attestation.Expect{}, "Expect: states no freshness"},
		"binding alone":         {live, attestation.Expect{UserData: []byte{1}}, "Expect: states no freshness"},
		"empty nonce":           {live, attestation.Expect{Nonce: []byte{}}, "Expect.Nonce: empty"},
		"empty nonce and age":   {live, attestation.Expect{Nonce: []byte{}, MaxAge: time.Hour}, "Expect.Nonce: empty"},
		"empty nonce, recorded": {past, attestation.Expect{Nonce: []byte{}}, "Expect.Nonce: empty"},
		"negative age":          {live, attestation.Expect{MaxAge: -time.Second}, "Expect.MaxAge"},
		"age, recorded":         {past, attestation.Expect{MaxAge: time.Hour}, "Expect.MaxAge"},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVerifier(t, test.config)
			result, err := v.Verify(evidence, test.expect)
			require.ErrorContains(t, err, test.field)
			assert.Nil(t, result)
			var refused *attestation.Error
			assert.NotErrorAs(t, err, &refused, "a mistake of the caller is no verdict on the document")

			report := v.Appraise(evidence, test.expect)
			assert.False(t, report.Accepted())
			assert.False(t, report.Authentic())
			for _, check := range report.Checks {
				assert.NotEqual(t, attestation.Pass, check.Status, check.Name)
			}
		})
	}
}

func TestOnlyAVerifierMakesAVerifiedResult(t *testing.T) {
	t.Parallel()
	result, err := newVerifier(t, anyImage()).Verify(readEvidence(t, benchDocument), attestation.Expect{})
	require.NoError(t, err)
	assert.True(t, result.Verified())
	byHand := &attestation.Result{Document: result.Document, Image: result.Image, Chain: result.Chain,
		VerifiedAt: result.VerifiedAt, FreshUntil: result.FreshUntil}
	assert.False(t, byHand.Verified())
	assert.False(t, (*attestation.Result)(nil).Verified())
}

// The policy is part of an immutable verifier: neither the maps it was made of
// nor those it hands out lead back into it.
func TestVerifierSharesNoPolicyWithItsCaller(t *testing.T) {
	t.Parallel()
	evidence := readEvidence(t, benchDocument)
	u, err := attestation.ParseUnverified(evidence)
	require.NoError(t, err)
	policy := pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: pcr.Bank{0: u.Document.PCRs[0]}}}}
	v := newVerifier(t, attestation.Config{Policy: policy, Recorded: true})

	policy.Images[0].PCRs[0] = pcr.ForInstance("other")
	result, err := v.Verify(evidence, attestation.Expect{})
	require.NoError(t, err)
	result.Image.PCRs[0] = pcr.ForInstance("other")
	_, err = v.Verify(evidence, attestation.Expect{})
	require.NoError(t, err)
}

// A result outlives the buffer that the evidence came in.
func TestResultSharesNoMemoryWithTheEvidence(t *testing.T) {
	t.Parallel()
	evidence := readEvidence(t, "blocky-nitro-attestation-72ffd8.cbor")
	want, err := attestation.ParseUnverified(evidence)
	require.NoError(t, err)
	v := newVerifier(t, anyImage())
	buffer := append([]byte{}, evidence...)
	result, err := v.Verify(buffer, attestation.Expect{})
	require.NoError(t, err)
	got, err := attestation.ParseUnverified(buffer)
	require.NoError(t, err)
	clear(buffer)
	assert.Equal(t, want.Document, result.Document)
	assert.Equal(t, want, got)
	// The chain is cached by now, and has to be of the old bytes still.
	_, err = v.Verify(evidence, attestation.Expect{})
	require.NoError(t, err)
}

func TestClockIsReadAtEveryVerification(t *testing.T) {
	t.Parallel()
	r := authentic(t)[0]
	now := r.timestamp()
	config := attestation.Config{InsecureAnyImage: true, InsecureAllowDebug: true, Now: func() time.Time { return now }}
	v := newVerifier(t, config)
	expect := attestation.Expect{MaxAge: time.Minute}

	_, err := v.Verify(r.read(t), expect)
	require.NoError(t, err)
	now = r.timestamp().Add(time.Minute)
	_, err = v.Verify(r.read(t), expect)
	require.NoError(t, err, "exactly the age limit")
	now = now.Add(time.Millisecond)
	_, err = v.Verify(r.read(t), expect)
	requireReason(t, attestation.Stale, err)
	now = r.Leaf.NotAfter.Add(time.Second)
	_, err = v.Verify(r.read(t), expect)
	requireReason(t, attestation.CertificateExpired, err)
}

func TestTimestampMayBeAheadByTheSkewOnly(t *testing.T) {
	t.Parallel()
	// Its leaf was seven minutes old, so that it is valid at every time below.
	r := find(t, "nautilus-weather-7e9164.cbor")
	verify := func(ahead, skew time.Duration) error {
		v := newVerifier(t, attestation.Config{
			InsecureAnyImage: true,
			Now:              func() time.Time { return r.timestamp().Add(-ahead) },
			Limits:           attestation.Limits{ClockSkew: skew},
		})
		_, err := v.Verify(r.read(t), attestation.Expect{MaxAge: time.Hour})
		return err
	}
	require.NoError(t, verify(time.Second, time.Second))
	requireReason(t, attestation.TimestampOutOfRange, verify(time.Second+time.Millisecond, time.Second))
	require.NoError(t, verify(2*time.Second, 0), "the default is a minute")
}
