package attestation_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/pcr"
)

// Parse and VerifyParsed say what Verify says, of documents that are accepted
// and of those that are refused at each check.
func TestVerifyIsParseAndVerifyParsed(t *testing.T) {
	t.Parallel()
	h := attestationtest.NewHypervisor(attestationtest.WithSeed([]byte("seam")))
	for i, m := range attestationtest.Mutations() {
		if i%8 != 0 && testing.Short() {
			continue
		}
		c := h.Case(m)
		v := newVerifier(t, c.Config())
		documents := [][]byte{c.Document}
		if i%32 == 0 { // one that is accepted costs all of its signatures
			documents = append(documents, c.Original)
		}
		for _, evidence := range documents {
			result, err := v.Verify(evidence, c.Expect())
			report := v.Appraise(evidence, c.Expect())
			parsed, parseErr := v.Parse(evidence)
			if parseErr != nil {
				assert.Nil(t, parsed, m.Name)
				assert.Equal(t, err, parseErr, m.Name)
				continue
			}
			parsedResult, parsedErr := v.VerifyParsed(parsed, c.Expect())
			assert.Equal(t, err, parsedErr, m.Name)
			assert.Equal(t, result, parsedResult, m.Name)
			assert.Equal(t, report, v.AppraiseParsed(parsed, c.Expect()), m.Name)
		}
	}
}

// Whichever Verifier parsed it: the limits that count are those of the one that
// verifies.
func TestEvidenceOfAnotherVerifierIsHeldToTheLimits(t *testing.T) {
	t.Parallel()
	h := attestationtest.NewHypervisor()
	verifier := func(limits attestation.Limits) *attestation.Verifier {
		return newVerifier(t, attestation.Config{
			Policy: pcr.Policy{Images: []pcr.Image{h.Enclave().Image()}}, Roots: h.Roots(), Limits: limits,
		})
	}
	within, beyond := make([]byte, attestation.DefaultFieldSize), make([]byte, attestation.DefaultFieldSize+1)
	large := bytes.Repeat([]byte{1}, attestation.DefaultEvidenceSize)
	wide := verifier(attestation.Limits{EvidenceSize: 64 << 10, FieldSize: 64 << 10})
	for name, test := range map[string]struct {
		request attestationtest.Request
		narrow  attestation.Limits
		reason  attestation.Reason
		fails   string
	}{
		"fields within the limit": {attestationtest.Request{Nonce: within, UserData: within, PublicKey: within}, attestation.Limits{}, "", ""},
		"nonce beyond it":         {attestationtest.Request{Nonce: beyond}, attestation.Limits{}, attestation.InvalidField, "fields"},
		"user data beyond it":     {attestationtest.Request{UserData: beyond}, attestation.Limits{}, attestation.InvalidField, "fields"},
		"public key beyond it":    {attestationtest.Request{PublicKey: beyond}, attestation.Limits{}, attestation.InvalidField, "fields"},
		"document beyond it":      {attestationtest.Request{UserData: large}, attestation.Limits{FieldSize: 32 << 10}, attestation.MalformedEvidence, "evidence"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			narrow := verifier(test.narrow)
			evidence := h.Attest(test.request)
			expect := attestation.Expect{MaxAge: time.Minute}
			parsed, err := wide.Parse(evidence)
			require.NoError(t, err)
			_, err = wide.VerifyParsed(parsed, expect)
			require.NoError(t, err)

			want, wantErr := narrow.Verify(evidence, expect)
			got, err := narrow.VerifyParsed(parsed, expect)
			assert.Equal(t, wantErr, err)
			report := narrow.AppraiseParsed(parsed, expect)
			if test.reason == "" {
				require.NoError(t, err)
				assert.Equal(t, want.Document, got.Document)
				return
			}
			requireReason(t, test.reason, err)
			assert.Nil(t, got)
			assert.False(t, report.Accepted())
			for _, check := range report.Checks {
				if check.Status == attestation.Fail {
					assert.Equal(t, test.fails, check.Name)
				}
			}
			_, err = narrow.Parse(evidence)
			requireReason(t, test.reason, err)
		})
	}
}

// What a caller writes to the fields that it was shown does not reach what is
// verified, nor what the next verification returns.
func TestEvidenceCannotBeChanged(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, anyImage())
	evidence := readEvidence(t, benchDocument)
	parsed, err := v.Parse(evidence)
	require.NoError(t, err)
	expect := attestation.Expect{InsecureNoFreshness: true}
	want, err := v.VerifyParsed(parsed, expect)
	require.NoError(t, err)
	clean, err := attestation.ParseUnverified(evidence)
	require.NoError(t, err)

	spoil := func(d *attestation.Document) {
		d.ModuleID, d.Kind = "forged", attestation.NitroTPM
		d.PCRs[0], d.PCRs[31] = pcr.ForInstance("forged"), pcr.ForInstance("forged")
		for _, field := range [][]byte{d.PublicKey, d.UserData, d.Nonce} {
			clear(field)
		}
	}
	clear(evidence)
	shown := parsed.Unverified()
	assert.Equal(t, clean, shown)
	spoil(&shown.Document)
	clear(shown.Certificate)
	for i := range shown.CABundle {
		clear(shown.CABundle[i])
	}
	clear(shown.CABundle)
	spoil(&want.Document)
	refused := newVerifier(t, attestation.Config{InsecureAnyImage: true, Kind: attestation.NitroTPM}).AppraiseParsed(parsed, expect)
	spoil(&refused.Unverified.Document)
	clear(refused.Unverified.Certificate)

	got, err := v.VerifyParsed(parsed, expect)
	require.NoError(t, err)
	assert.Equal(t, clean.Document, got.Document)
	assert.Equal(t, clean, parsed.Unverified())
}

// Nothing was parsed: nothing is accepted, and nothing panics.
func TestNoEvidenceIsRefused(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, attestation.Config{InsecureAnyImage: true})
	for name, evidence := range map[string]*attestation.Evidence{"nil": nil, "zero": {}} {
		assert.Nil(t, evidence.Unverified(), name)
		result, err := v.VerifyParsed(evidence, attestation.Expect{MaxAge: time.Minute})
		requireReason(t, attestation.MalformedEvidence, err)
		assert.Nil(t, result, name)
		assert.False(t, v.AppraiseParsed(evidence, attestation.Expect{MaxAge: time.Minute}).Accepted(), name)
		_, err = v.VerifyParsed(evidence, attestation.Expect{})
		assert.ErrorContains(t, err, "states no freshness", name)
	}
}

// The snippet of package crlfetch, by a verifier whose limits are larger than
// the defaults: what Parse accepted can be looked at, so nothing is nil.
func TestParsedEvidenceTellsItsChainWhateverTheLimits(t *testing.T) {
	t.Parallel()
	h := attestationtest.NewHypervisor()
	revocations, err := certs.NewRevocations(certs.RevocationConfig{Unknown: certs.RefuseUnknown})
	require.NoError(t, err)
	v := newVerifier(t, attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{h.Enclave().Image()}}, Roots: h.Roots(), Revocations: revocations,
		Limits: attestation.Limits{FieldSize: 4096},
	})
	evidence := h.Attest(attestationtest.Request{Nonce: []byte("n"), UserData: make([]byte, 1025)})
	parsed, err := v.Parse(evidence)
	require.NoError(t, err)
	_, err = v.VerifyParsed(parsed, attestation.Expect{Nonce: []byte("n")})
	require.ErrorIs(t, err, certs.RevocationUnknown)
	u := parsed.Unverified()
	require.NotNil(t, u)
	assert.Len(t, u.CABundle, 4)
	_, err = attestation.ParseUnverified(evidence)
	requireReason(t, attestation.InvalidField, err)
}
