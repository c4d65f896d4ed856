package attestation_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr"
)

// fullDocument has 1024 bytes in all three optional fields.
const fullDocument = "blocky-nitro-attestation-72ffd8.cbor"

func TestNonceAndBinding(t *testing.T) {
	t.Parallel()
	evidence := readEvidence(t, fullDocument)
	u, err := attestation.ParseUnverified(evidence)
	require.NoError(t, err)
	d := u.Document
	v := newVerifier(t, anyImage())

	_, err = v.Verify(evidence, attestation.Expect{Nonce: d.Nonce, UserData: d.UserData, PublicKey: d.PublicKey})
	require.NoError(t, err)

	other := func(b []byte) []byte { c := append([]byte{}, b...); c[len(c)-1] ^= 1; return c }
	for name, test := range map[string]struct {
		expect attestation.Expect
		reason attestation.Reason
	}{
		"nonce differs":        {attestation.Expect{Nonce: other(d.Nonce)}, attestation.NonceMismatch},
		"nonce is a prefix":    {attestation.Expect{Nonce: d.Nonce[:32]}, attestation.NonceMismatch},
		"user data differs":    {attestation.Expect{UserData: other(d.UserData)}, attestation.UserDataMismatch},
		"user data empty":      {attestation.Expect{UserData: []byte{}}, attestation.UserDataMismatch},
		"public key differs":   {attestation.Expect{PublicKey: other(d.PublicKey)}, attestation.PublicKeyMismatch},
		"public key is longer": {attestation.Expect{PublicKey: append(d.PublicKey, 0)}, attestation.PublicKeyMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := v.Verify(evidence, test.expect)
			requireReason(t, test.reason, err)
		})
	}
}

// A null field is not an empty one, in either direction.
func TestAbsentDiffersFromEmpty(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, anyImage())
	empty := attestation.Expect{UserData: []byte{}}

	_, err := v.Verify(readEvidence(t, "blocky-nitro-stag-attestation-a71ebb.cbor"), empty)
	require.NoError(t, err, "user_data is there and empty")
	_, err = v.Verify(readEvidence(t, "nautilus-weather-7e9164.cbor"), empty)
	requireReason(t, attestation.UserDataMismatch, err)
	_, err = v.Verify(readEvidence(t, "nautilus-weather-7e9164.cbor"), attestation.Expect{Nonce: []byte{1}})
	requireReason(t, attestation.NonceMismatch, err)
	_, err = v.Verify(readEvidence(t, "blocky-nitro-stag-attestation-a71ebb.cbor"), attestation.Expect{Nonce: []byte{1}})
	requireReason(t, attestation.NonceMismatch, err)
}

// Everything that an authentic document fails is in the report; the verdict
// has one reason.
func TestReportShowsEveryFailure(t *testing.T) {
	t.Parallel()
	config := anyImage()
	config.InsecureAnyImage, config.InsecureAllowDebug = false, false
	config.Policy = somePolicy()
	v := newVerifier(t, config)
	expect := attestation.Expect{Nonce: []byte{1}, UserData: []byte{2}, PublicKey: []byte{3}}
	evidence := readEvidence(t, "blocky-nitro-attestation-debug-f67dfb.cbor")

	report := v.Appraise(evidence, expect)
	assert.False(t, report.Accepted())
	assert.True(t, report.Authentic())
	failed := map[string]attestation.Reason{}
	for _, check := range report.Checks {
		assert.NotEqual(t, attestation.NotReached, check.Status, check.Name)
		if check.Status == attestation.Fail {
			failed[check.Name] = check.Reason
			assert.NotEmpty(t, check.Detail)
		} else {
			assert.Empty(t, check.Reason)
		}
	}
	assert.Equal(t, map[string]attestation.Reason{
		"nonce":        attestation.NonceMismatch,
		"debug":        attestation.DebugMode,
		"measurements": attestation.MeasurementMismatch,
		"user-data":    attestation.UserDataMismatch,
		"public-key":   attestation.PublicKeyMismatch,
	}, failed)

	result, err := report.Result()
	assert.Nil(t, result)
	requireReason(t, attestation.NonceMismatch, err)
	_, verifyErr := v.Verify(evidence, expect)
	assert.Equal(t, verifyErr, err)
}

func TestReportStopsWhereAuthenticityFails(t *testing.T) {
	t.Parallel()
	evidence := flip(t, readEvidence(t, fullDocument), func(u *attestation.Unverified) []byte { return u.CABundle[2] })
	report := newVerifier(t, anyImage()).Appraise(evidence, attestation.Expect{})
	assert.Nil(t, report.Document)
	assert.NotNil(t, report.Unverified)
	assert.Empty(t, report.Chain)
	statuses := map[attestation.Status][]string{}
	for _, check := range report.Checks {
		statuses[check.Status] = append(statuses[check.Status], check.Name)
	}
	assert.Equal(t, []string{"evidence", "algorithm", "envelope", "payload", "fields", "kind", "root", "chain", "validity"}, statuses[attestation.Pass])
	assert.Equal(t, []string{"chain-signatures"}, statuses[attestation.Fail])
	assert.Equal(t, []string{"revocation"}, statuses[attestation.Skipped])
	assert.Equal(t, []string{"signature", "nonce", "age", "timestamp", "debug", "measurements", "exchange-registers", "user-data", "public-key"}, statuses[attestation.NotReached])
}

func TestMismatchNamesEveryRegister(t *testing.T) {
	t.Parallel()
	evidence := readEvidence(t, benchDocument)
	u, err := attestation.ParseUnverified(evidence)
	require.NoError(t, err)
	got := u.Document.PCRs
	want := pcr.ForInstance("other")
	v := newVerifier(t, attestation.Config{Recorded: true, Policy: pcr.Policy{Images: []pcr.Image{
		{Name: "one register off", PCRs: pcr.Bank{0: got[0], 1: want}},
		{Name: "beyond the document", PCRs: pcr.Bank{0: got[0], 31: want}},
	}}})
	_, err = v.Verify(evidence, attestation.Expect{})
	requireReason(t, attestation.MeasurementMismatch, err)
	var mismatch *pcr.MismatchError
	require.ErrorAs(t, err, &mismatch)
	zero, one := got[0], got[1]
	assert.Equal(t, []pcr.ImageMismatch{
		{Image: "one register off", Registers: []pcr.Comparison{{Register: 0, Want: zero, Got: &zero}, {Register: 1, Want: want, Got: &one}}},
		{Image: "beyond the document", Registers: []pcr.Comparison{{Register: 0, Want: zero, Got: &zero}, {Register: 31, Want: want}}},
	}, mismatch.Images)
}

func TestReportAsJSON(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, anyImage())
	decode := func(evidence []byte, expect attestation.Expect) map[string]any {
		data, err := json.Marshal(v.Appraise(evidence, expect))
		require.NoError(t, err)
		var out map[string]any
		require.NoError(t, json.Unmarshal(data, &out))
		return out
	}

	accepted := decode(readEvidence(t, "nautilus-weather-7e9164.cbor"), attestation.Expect{})
	assert.Equal(t, true, accepted["accepted"])
	assert.Equal(t, "", accepted["reason"])
	document := accepted["document"].(map[string]any)
	assert.Equal(t, "2025-04-15T02:25:23.696Z", document["timestamp"])
	assert.Equal(t, "e8e62201dbe293b703c759f653107acbc2c911fa1d2e66f2c747bec95971a2af", document["public_key"])
	assert.Nil(t, document["nonce"])
	assert.Len(t, document["pcrs"], 16)
	assert.Contains(t, document["pcrs"], "15")
	assert.Len(t, accepted["chain"], 5)

	refused := decode(readEvidence(t, "nautilus-weather-7e9164.cbor"), attestation.Expect{Nonce: []byte{1}})
	assert.Equal(t, false, refused["accepted"])
	assert.Equal(t, true, refused["authentic"])
	assert.Equal(t, "nonce-mismatch", refused["reason"])
	assert.Equal(t, "nonce: found null, expected 01", refused["detail"])
	assert.NotNil(t, refused["document"])

	forged := decode(readEvidence(t, "eternis-invalid-attestation-5f42eb.cbor"), attestation.Expect{})
	assert.Equal(t, "bad-signature", forged["reason"])
	assert.Equal(t, false, forged["authentic"])
	assert.Nil(t, forged["document"], "fields of a forged document are under another name")
	assert.NotNil(t, forged["unverified_document"])
}

func TestZeroReportIsNoResult(t *testing.T) {
	t.Parallel()
	result, err := new(attestation.Report).Result()
	require.Error(t, err)
	assert.Nil(t, result)
	assert.False(t, new(attestation.Report).Accepted())
}

// Every reason has its text, and belongs to one of the two classes.
func TestReasons(t *testing.T) {
	t.Parallel()
	notAuthentic := []attestation.Reason{attestation.MalformedEvidence, attestation.UnsupportedAlgorithm, attestation.InvalidField,
		attestation.WrongDocumentKind, attestation.UntrustedRoot, attestation.InvalidChain, attestation.CertificateExpired,
		attestation.CertificateNotYetValid, attestation.CertificateRevoked, attestation.BadSignature}
	refused := []attestation.Reason{attestation.DebugMode, attestation.MeasurementMismatch, attestation.NonceMismatch,
		attestation.Stale, attestation.TimestampOutOfRange, attestation.RegisterMismatch, attestation.UserDataMismatch, attestation.PublicKeyMismatch}
	for _, reason := range notAuthentic {
		assert.False(t, reason.Authentic(), reason)
	}
	for _, reason := range refused {
		assert.True(t, reason.Authentic(), reason)
	}
	for _, reason := range append(notAuthentic, refused...) {
		assert.Equal(t, string(reason), reason.Error())
		cause := errors.New("cause")
		err := error(&attestation.Error{Reason: reason, Detail: "detail", Err: cause})
		assert.Equal(t, string(reason)+": detail: cause", err.Error())
		assert.ErrorIs(t, err, reason)
		assert.ErrorIs(t, err, cause)
	}
}

// The zero Report has the keys of every other, says that nothing was accepted,
// and whoever embeds its form can say more.
func TestReportJSONCanBeEmbedded(t *testing.T) {
	t.Parallel()
	c := attestationtest.NewHypervisor().Case(attestationtest.Mutation{Name: "valid"})
	v := newVerifier(t, c.Config())
	for name, report := range map[string]*attestation.Report{"zero": {}, "accepted": v.Appraise(c.Document, c.Expect())} {
		keys := keysOf(t, report)
		embedded := keysOf(t, struct {
			File string `json:"file"`
			attestation.ReportJSON
		}{"name", report.JSON()})
		assert.ElementsMatch(t, append([]string{"file"}, keys...), embedded, name)
		assert.Len(t, keys, 14, name)
		assert.NotNil(t, report.JSON().Chain)
		assert.NotNil(t, report.JSON().Checks)
		assert.NotNil(t, report.JSON().Registers)
		assert.Equal(t, name == "accepted", report.JSON().Accepted)
	}
}

// What may differ between good documents, arrays and maps of either form of
// length among it.
func TestVariationsAreAccepted(t *testing.T) {
	t.Parallel()
	h := attestationtest.NewHypervisor(attestationtest.WithSeed([]byte("variations")))
	for _, m := range attestationtest.Variations() {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			c := h.Case(m)
			_, err := newVerifier(t, c.Config()).Verify(c.Document, c.Expect())
			require.NoError(t, err, m.Comment)
		})
	}
}

// The timestamp of a document and its leaf are by the same clock: a Recorded
// verifier has no tolerance for clocks that differ.
func TestRecordedHasNoClockSkew(t *testing.T) {
	t.Parallel()
	h := attestationtest.NewHypervisor()
	made := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	v := newVerifier(t, attestation.Config{InsecureAnyImage: true, Recorded: true, Roots: h.Roots()})
	for early, want := range map[time.Duration]attestation.Reason{0: "", time.Second: attestation.CertificateNotYetValid} {
		b := h.Blueprint(attestationtest.Request{Time: made})
		b.Chain[attestationtest.LevelLeaf].NotBefore = made.Add(early)
		_, err := v.Verify(b.Document(), attestation.Expect{})
		if want == "" {
			require.NoError(t, err)
			continue
		}
		requireReason(t, want, err)
	}
}

// What begins no item, and what is in chunks, are told apart: the one is broken,
// the other an encoding that AWS does not use.
func TestChunksAreNamed(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, anyImage())
	for first, text := range map[byte]string{
		0x5f: "found a string in chunks, expected it in one piece", 0x7f: "found a string in chunks, expected it in one piece",
		0x5c: "found the byte 0x5c, expected the beginning of an item", 0x7e: "found the byte 0x7e, expected the beginning of an item",
		0xff: "found the byte 0xff, expected the beginning of an item", 0x1f: "found the byte 0x1f, expected the beginning of an item",
	} {
		_, err := v.Verify([]byte{0x84, first, 0x40, 0xff}, attestation.Expect{})
		requireReason(t, attestation.MalformedEvidence, err)
		assert.ErrorContains(t, err, text)
	}
}
