package attestation_test

import (
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr"
)

// A result says how freshness was stated, and which checks it went round.
func TestResultSaysWhatItRestsOn(t *testing.T) {
	t.Parallel()
	h := attestationtest.NewHypervisor()
	nonce := []byte("nonce")
	evidence := h.Attest(attestationtest.Request{Nonce: nonce})
	debug := h.Attest(attestationtest.Request{Nonce: nonce, PCRs: pcr.Bank{0: {}, 1: {}, 2: {}}})
	for name, test := range map[string]struct {
		change    func(*attestation.Config)
		evidence  []byte
		expect    attestation.Expect
		freshness attestation.Freshness
		waived    []string
	}{
		"nonce":         {nil, evidence, attestation.Expect{Nonce: nonce}, attestation.Freshness{Nonce: true}, nil},
		"age":           {nil, evidence, attestation.Expect{MaxAge: time.Hour}, attestation.Freshness{MaxAge: time.Hour}, nil},
		"both":          {nil, evidence, attestation.Expect{Nonce: nonce, MaxAge: time.Hour}, attestation.Freshness{Nonce: true, MaxAge: time.Hour}, nil},
		"both and none": {nil, evidence, attestation.Expect{Nonce: nonce, InsecureNoFreshness: true}, attestation.Freshness{Nonce: true}, nil},
		"none":          {nil, evidence, attestation.Expect{InsecureNoFreshness: true}, attestation.Freshness{}, []string{"InsecureNoFreshness"}},
		"recorded":      {func(c *attestation.Config) { c.Recorded = true }, evidence, attestation.Expect{Nonce: nonce}, attestation.Freshness{Nonce: true, Recorded: true}, []string{"Recorded"}},
		"any image": {func(c *attestation.Config) { c.InsecureAnyImage, c.Policy = true, pcr.Policy{} }, evidence,
			attestation.Expect{Nonce: nonce}, attestation.Freshness{Nonce: true}, []string{"InsecureAnyImage"}},
		"debug allowed and not there": {func(c *attestation.Config) { c.InsecureAllowDebug = true }, evidence,
			attestation.Expect{Nonce: nonce}, attestation.Freshness{Nonce: true}, nil},
		"everything": {func(c *attestation.Config) {
			c.InsecureAllowDebug, c.InsecureAnyImage, c.Policy, c.Recorded = true, true, pcr.Policy{}, true
		}, debug, attestation.Expect{}, attestation.Freshness{Recorded: true}, []string{"Recorded", "InsecureAnyImage", "InsecureAllowDebug"}},
	} {
		result, err := verifierOf(t, h, test.change).Verify(test.evidence, test.expect)
		require.NoError(t, err, name)
		assert.Equal(t, test.freshness, result.Freshness, name)
		assert.Equal(t, test.waived, result.Waived(), name)
		assert.True(t, result.Verified(), name)
	}
	assert.NotEmpty(t, new(attestation.Result).Waived(), "nobody verified it")
	assert.NotEmpty(t, (*attestation.Result)(nil).Waived())
}

// Neither a result nor a copy of one can be changed and stay verified. What is
// not changed stays so.
func TestChangedResultIsNotVerified(t *testing.T) {
	t.Parallel()
	h := attestationtest.NewHypervisor()
	v := verifierOf(t, h, func(c *attestation.Config) { c.Policy.Images[0].Exchange = []int{16} })
	expect := attestation.Expect{MaxAge: time.Hour, PCRs: pcr.Bank{16: {}}}
	field := func() []byte { return []byte("field") }
	evidence := h.Attest(attestationtest.Request{Nonce: field(), UserData: field(), PublicKey: field(), PCRs: pcr.Bank{16: {}}})
	parsed, err := v.Parse(evidence)
	require.NoError(t, err)
	for name, change := range map[string]func(*attestation.Result){
		"kind":             func(r *attestation.Result) { r.Document.Kind = attestation.NitroTPM },
		"module ID":        func(r *attestation.Result) { r.Document.ModuleID += "0" },
		"timestamp":        func(r *attestation.Result) { r.Document.Timestamp = r.Document.Timestamp.Add(1) },
		"digest":           func(r *attestation.Result) { r.Document.Digest = "SHA256" },
		"register":         func(r *attestation.Result) { r.Document.PCRs[0] = pcr.Value{} },
		"another register": func(r *attestation.Result) { r.Document.PCRs[31] = pcr.Value{} },
		"public key":       func(r *attestation.Result) { r.Document.PublicKey = []byte("other") },
		"no public key":    func(r *attestation.Result) { r.Document.PublicKey = nil },
		"public key's bit": func(r *attestation.Result) { r.Document.PublicKey[0] ^= 1 },
		"user data's bit":  func(r *attestation.Result) { r.Document.UserData[0] ^= 1 },
		"nonce's bit":      func(r *attestation.Result) { r.Document.Nonce[0] ^= 1 },
		"unknown field":    func(r *attestation.Result) { r.Document.UnknownFields = []string{"x"} },
		"image":            func(r *attestation.Result) { r.Image.Name = "other" },
		"image's register": func(r *attestation.Result) { r.Image.PCRs[0] = pcr.Value{} },
		"image's exchange": func(r *attestation.Result) { r.Image.Exchange[0] = 17 },
		"image's source":   func(r *attestation.Result) { r.Image.Source = "other" },
		"chain":            func(r *attestation.Result) { r.Chain = r.Chain[1:] },
		"certificate":      func(r *attestation.Result) { r.Chain[0] = new(x509.Certificate) },
		"verified at":      func(r *attestation.Result) { r.VerifiedAt = r.VerifiedAt.Add(time.Hour) },
		"fresh until":      func(r *attestation.Result) { r.FreshUntil = r.FreshUntil.Add(time.Hour) },
		"debug":            func(r *attestation.Result) { r.Debug = true },
		"freshness":        func(r *attestation.Result) { r.Freshness.Nonce = true },
	} {
		for way, verify := range map[string]func() (*attestation.Result, error){
			"Verify": func() (*attestation.Result, error) { return v.Verify(evidence, expect) },
			"VerifyParsed": func() (*attestation.Result, error) {
				return v.VerifyParsed(parsed, expect)
			},
		} {
			result, err := verify()
			require.NoError(t, err)
			copied := *result
			assert.True(t, copied.Verified(), "a copy that nobody changed")
			change(&copied)
			assert.False(t, copied.Verified(), "%s: %s", way, name)
			assert.NotEmpty(t, copied.Waived())
			result, err = verify()
			require.NoError(t, err)
			change(result)
			assert.False(t, result.Verified(), "%s: %s", way, name)
		}
	}
	assert.False(t, new(attestation.Result).Verified())
	assert.False(t, (*attestation.Result)(nil).Verified())
}

// The text begins with the reason, and nothing but the reason and a cause that
// there is is unwrapped.
func TestErrorUnwrapsToReasonAndCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for _, err := range []interface {
		error
		Unwrap() []error
	}{&attestation.Error{Reason: attestation.BadSignature, Detail: "detail"}} {
		assert.Equal(t, []error{attestation.BadSignature}, err.Unwrap())
		assert.True(t, strings.HasPrefix(err.Error(), string(attestation.BadSignature)+": "), err.Error())
	}
	for _, err := range []interface{ Unwrap() []error }{&attestation.Error{Reason: attestation.BadSignature, Err: cause}} {
		assert.Equal(t, []error{attestation.BadSignature, cause}, err.Unwrap())
	}
}
