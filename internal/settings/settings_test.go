package settings_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/internal/settings"
	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

const (
	nautilus = "../../testdata/evidence/nautilus-weather-7e9164.cbor"
	pcr0     = "cbe1afb6ed0ff89f10295af0b802247ec5670da8f886e71a4226373b032c322f4e42c9c98288e7211682b258684505a2"
	policy   = `{"images": [{"name": "weather", "pcrs": {"0": "` + pcr0 + `"}}]}`
	zero     = "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
)

func read(t *testing.T, text string) *settings.Appraisal {
	t.Helper()
	a, err := settings.Read([]byte(text))
	require.NoError(t, err)
	return a
}

func TestSettingsAppraise(t *testing.T) {
	t.Parallel()
	evidence, err := os.ReadFile(nautilus)
	require.NoError(t, err)
	quoted := func(text string) string {
		out, err := json.Marshal(text)
		require.NoError(t, err)
		return string(out)
	}
	for name, test := range map[string]struct {
		text   string
		reason attestation.Reason
	}{
		"policy":             {`{"policy": ` + policy + `, "recorded": true}`, ""},
		"policy as text":     {`{"policy": ` + quoted(policy) + `, "recorded": true}`, ""},
		"lines of registers": {`{"policy": "` + pcr0 + ` PCR0\n", "recorded": true}`, ""},
		"any image":          {`{"insecure_any_image": true, "recorded": true}`, ""},
		"of now":             {`{"insecure_any_image": true, "max_age": 300}`, attestation.CertificateExpired},
		"at":                 {`{"insecure_any_image": true, "max_age": 300, "at": "2025-04-15T02:26:00Z"}`, ""},
		"too old":            {`{"insecure_any_image": true, "max_age": 1, "at": "2025-04-15T02:26:00Z"}`, attestation.Stale},
		"nonce":              {`{"insecure_any_image": true, "recorded": true, "nonce": "00"}`, attestation.NonceMismatch},
		"user data":          {`{"insecure_any_image": true, "recorded": true, "user_data": ""}`, attestation.UserDataMismatch},
		"no user data":       {`{"insecure_any_image": true, "recorded": true, "no_user_data": true}`, ""},
		"public key":         {`{"insecure_any_image": true, "recorded": true, "public_key": "0xe8e62201dbe293b703c759f653107acbc2c911fa1d2e66f2c747bec95971a2af"}`, ""},
		"no public key":      {`{"insecure_any_image": true, "recorded": true, "no_public_key": true}`, attestation.PublicKeyMismatch},
		"registers":          {`{"insecure_any_image": true, "recorded": true, "pcrs": {"16": "` + zero + `"}}`, attestation.RegisterMismatch},
		"kind":               {`{"insecure_any_image": true, "recorded": true, "kind": "nitrotpm"}`, attestation.WrongDocumentKind},
		"partition":          {`{"insecure_any_image": true, "recorded": true, "partition": "aws-us-gov"}`, attestation.UntrustedRoot},
		"denied":             {`{"insecure_any_image": true, "recorded": true, "denied": ["i-0123456789abcdef0"]}`, ""},
	} {
		v, expect, err := read(t, test.text).Verifier()
		require.NoError(t, err, name)
		result, err := v.Verify(evidence, expect)
		if test.reason == "" {
			require.NoError(t, err, name)
			assert.True(t, result.Verified(), name)
			continue
		}
		require.ErrorIs(t, err, test.reason, name)
	}
}

func TestDeniedModulesAndRootsAreThoseOfTheSettings(t *testing.T) {
	t.Parallel()
	evidence, err := os.ReadFile(nautilus)
	require.NoError(t, err)
	u, err := attestation.ParseUnverified(evidence)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(u.Certificate)
	require.NoError(t, err)
	root, err := os.ReadFile("../../certs/roots/aws-us-gov-nitro-enclaves.pem")
	require.NoError(t, err)
	for name, test := range map[string]struct {
		key    string
		value  any
		reason attestation.Reason
	}{
		"module":      {"denied", []any{u.Document.ModuleID}, attestation.CertificateRevoked},
		"certificate": {"denied", []any{map[string]string{"issuer": leaf.Issuer.String(), "serial": leaf.SerialNumber.Text(16)}}, attestation.CertificateRevoked},
		"other root":  {"roots", string(root), attestation.UntrustedRoot},
	} {
		text, err := json.Marshal(map[string]any{"insecure_any_image": true, "recorded": true, test.key: test.value})
		require.NoError(t, err)
		a := read(t, string(text))
		v, expect, err := a.Verifier()
		require.NoError(t, err)
		_, err = v.Verify(evidence, expect)
		require.ErrorIs(t, err, test.reason, name)
	}
}

// What is wrong is told all at once, by path, line and column.
func TestMistakesAreToldAtOnce(t *testing.T) {
	t.Parallel()
	const fresh, image = `"recorded": true`, `"insecure_any_image": true`
	for text, want := range map[string]string{
		``:                               `found JSON that ends too early, at line 1, column 1`,
		`[]`:                             `found an array, expected a JSON object`,
		`{"nonce": "00"`:                 `found JSON that ends too early, at line 1, column 15`,
		`{` + fresh + `} {}`:             `found more at line 1, column 20, expected the end after the JSON object`,
		"{\"nonce\": \"\xff\"}":          `found the byte 0xff at line 1, column 12, which is not UTF-8`,
		`{}`:                             `policy: missing, expected it or insecure_any_image; nothing states freshness, expected nonce, max_age or recorded`,
		`{` + image + `}`:                `nothing states freshness, expected nonce, max_age or recorded`,
		`{` + fresh + `}`:                `policy: missing, expected it or insecure_any_image`,
		`{` + fresh + `, "anyImage": 1}`: `policy: missing, expected it or insecure_any_image; anyImage (line 1, column 20): unknown key`,
		`{` + fresh + `, ` + image + `, "maxAge": 1}`:                                                    `maxAge (line 1, column 48): unknown key, expected "max_age"`,
		`{` + fresh + `, ` + image + `, "recorded": true}`:                                               `recorded (line 1, column 48): the key is given twice`,
		`{` + fresh + `, ` + image + `, "policy": ` + policy + `}`:                                       `insecure_any_image (line 1, column 42): set beside policy, whose images would not be looked at; expected one of them`,
		`{` + fresh + `, ` + image + `, "max_age": 5}`:                                                   `max_age (line 1, column 59): given beside recorded, by whose clock every document is new`,
		`{` + fresh + `, ` + image + `, "at": "2025-04-15T02:25:23Z"}`:                                   `at (line 1, column 54): given beside recorded, which takes the time from the document`,
		`{` + image + `, "max_age": 0}`:                                                                  `max_age (line 1, column 41): found 0, expected a whole number from 1 to 9223372036`,
		`{` + image + `, "max_age": 1.5}`:                                                                `max_age (line 1, column 41): found 1.5, expected a whole number from 1 to 9223372036`,
		`{` + image + `, "max_age": "5m"}`:                                                               `max_age (line 1, column 41): found a string, expected a whole number from 1 to 9223372036`,
		`{` + image + `, "nonce": ""}`:                                                                   `nonce (line 1, column 39): empty, expected at least one byte`,
		`{` + image + `, "nonce": "0"}`:                                                                  `nonce (line 1, column 39): found a string of 1 characters, expected an even number of hex digits`,
		`{` + image + `, "nonce": null}`:                                                                 `nonce (line 1, column 39): found null, expected a string`,
		`{` + fresh + `, "insecure_any_image": "yes"}`:                                                   `insecure_any_image (line 1, column 42): found a string, expected true or false`,
		`{` + fresh + `, ` + image + `, "kind": "tpm"}`:                                                  `kind (line 1, column 56): found "tpm", expected "enclave" or "nitrotpm"`,
		`{` + fresh + `, ` + image + `, "kind": "nitrotpm", "insecure_any_module_id": true}`:             `insecure_any_module_id (line 1, column 94): set for documents of the kind "nitrotpm", expected "enclave"`,
		`{` + fresh + `, ` + image + `, "kind": ""}`:                                                     `kind (line 1, column 56): empty, expected "enclave" or "nitrotpm"`,
		`{` + fresh + `, ` + image + `, "pcrs": {}}`:                                                     `pcrs (line 1, column 56): empty, expected at least one register`,
		`{` + fresh + `, ` + image + `, "pcrs": {"3": "` + pcr0 + `"}}`:                                  `pcrs.3 (line 1, column 56): IAM role of the parent instance, which belongs into an image of the policy; expected registers 16 to 31, which change after boot`,
		`{` + fresh + `, ` + image + `, "pcrs": {"16": "00", "17": 1}}`:                                  `pcrs.16 (line 1, column 56): invalid-field: found 2 characters, expected 96 hex digits; pcrs.17 (line 1, column 56): invalid-field: found a number, expected a string`,
		`{` + fresh + `, ` + image + `, "user_data": "", "no_user_data": true}`:                          `no_user_data (line 1, column 81): set beside user_data, expected one of them`,
		`{` + fresh + `, ` + image + `, "roots": ""}`:                                                    `roots (line 1, column 57): certs: no root certificates`,
		`{` + fresh + `, ` + image + `, "roots": 1, "partition": ""}`:                                    `roots (line 1, column 57): found a number, expected a string; partition (line 1, column 73): empty, expected "aws" or "aws-us-gov"`,
		`{` + fresh + `, ` + image + `, "partition": "aws-cn"}`:                                          `partition (line 1, column 61): found "aws-cn", expected "aws" or "aws-us-gov"`,
		`{` + fresh + `, ` + image + `, "missing_crl": "refuse"}`:                                        `missing_crl (line 1, column 63): given without crls`,
		`{` + fresh + `, ` + image + `, "crls": []}`:                                                     `crls (line 1, column 56): empty, expected at least one element, or no such key`,
		`{` + fresh + `, ` + image + `, "crls": [1, "?"]}`:                                               `crls[0] (line 1, column 57): found a number, expected a string; crls[1] (line 1, column 60): found text that is neither PEM nor base64, expected a revocation list`,
		`{` + fresh + `, ` + image + `, "denied": ["x", {"issuer": 1}]}`:                                 `denied[0] (line 1, column 59): found "x", expected a module ID like i-0123456789abcdef0-enc0123456789abcdef or an instance ID like i-0123456789abcdef0; denied[1].serial (line 1, column 64): missing; denied[1].issuer (line 1, column 75): found a number, expected a string`,
		`{` + fresh + `, "policy_keys": "x", "policy_threshold": 1}`:                                     `policy_keys (line 1, column 35): given without policy`,
		`{` + fresh + `, ` + image + `, "policy_name": "x"}`:                                             `policy_name (line 1, column 63): given without policy_keys`,
		"{" + fresh + ",\n \"policy\": {\"images\": [\n  {\"name\": \"\", \"pcrs\": {\"0\": \"00\"}}]}}": `policy.images[0].name (line 3, column 3): invalid-field: missing or empty; it is what a verdict calls the image; policy.images[0].pcrs.0 (line 3, column 30): invalid-field: found 2 characters, expected 96 hex digits`,
	} {
		a, err := settings.Read([]byte(text))
		if assert.Error(t, err, text) {
			assert.Contains(t, err.Error(), want, text)
		}
		assert.Nil(t, a, text)
	}
}

func TestSignedPolicyInSettings(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	other, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	images, err := pcr.ReadPolicy(strings.NewReader(policy))
	require.NoError(t, err)
	now := time.Now().UTC().Truncate(time.Second)
	envelope, err := signedpolicy.Sign(signedpolicy.Statement{Name: "example.com/weather", Version: 3, Issued: now.Add(-time.Hour), Expires: now.Add(time.Hour), Policy: images}, private)
	require.NoError(t, err)
	toPEM := func(key ed25519.PublicKey) string {
		der, err := x509.MarshalPKIXPublicKey(key)
		require.NoError(t, err)
		return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	text := func(edits map[string]any) string {
		all := map[string]any{"recorded": true, "policy": json.RawMessage(envelope), "policy_keys": toPEM(public), "policy_name": "example.com/weather"}
		for key, value := range edits {
			all[key] = value
		}
		out, err := json.Marshal(all)
		require.NoError(t, err)
		return string(out)
	}
	a := read(t, text(nil))
	assert.Equal(t, images, a.Policy)
	assert.Equal(t, uint64(3), a.Origin.Voucher.Version)
	assert.True(t, a.Origin.Voucher.NameChecked)
	assert.Equal(t, images, read(t, text(map[string]any{"policy": string(envelope)})).Policy)

	for name, test := range map[string]struct {
		edits map[string]any
		is    error
		says  string
	}{
		"other key":       {map[string]any{"policy_keys": toPEM(other)}, signedpolicy.TooFewSignatures, "policy (line 1, column "},
		"other name":      {map[string]any{"policy_name": "example.com/other"}, signedpolicy.OtherName, "policy (line 1, column "},
		"unsigned":        {map[string]any{"policy": json.RawMessage(policy)}, signedpolicy.MalformedEnvelope, "policy (line 1, column "},
		"expired by then": {map[string]any{"recorded": false, "max_age": 60, "at": now.Add(2 * time.Hour).Format(time.RFC3339)}, signedpolicy.Expired, "policy (line 1, column "},
		"threshold":       {map[string]any{"policy_threshold": 2}, nil, "policy_threshold (line 1, column "},
		"no keys":         {map[string]any{"policy_keys": ""}, nil, "policy_keys (line 1, column "},
		"empty name":      {map[string]any{"policy_name": ""}, nil, "policy_name (line 1, column "},
	} {
		a, err := settings.Read([]byte(text(test.edits)))
		require.ErrorContains(t, err, test.says, name)
		if test.is != nil {
			require.ErrorIs(t, err, test.is, name)
		}
		assert.Nil(t, a, name)
	}
	// A time that cannot be used leaves nothing to say of the end of the policy.
	expired, err := signedpolicy.Sign(signedpolicy.Statement{Name: "example.com/weather", Version: 3, Issued: now.Add(-2 * time.Hour), Expires: now.Add(-time.Hour), Policy: images}, private)
	require.NoError(t, err)
	_, err = settings.Read([]byte(text(map[string]any{"policy": json.RawMessage(expired), "recorded": false, "max_age": 60, "at": "yesterday"})))
	var mistakes settings.Mistakes
	require.ErrorAs(t, err, &mistakes)
	assert.Len(t, mistakes, 1)
	require.ErrorContains(t, err, "at (line 1, column ")

	// The keys are what makes a signed policy count.
	_, err = settings.Read([]byte(`{"recorded": true, "policy": ` + string(envelope) + `}`))
	require.ErrorIs(t, err, pcr.UnknownForm)
}

// Whatever a setting asks for or leaves out is told to the reader of a report.
func TestCriteriaTellEverySetting(t *testing.T) {
	t.Parallel()
	base := `"insecure_any_image": true, "recorded": true`
	told := func(text string) string {
		var b strings.Builder
		for _, c := range read(t, text).Criteria() {
			b.WriteString(c.Name + ": " + c.Value)
			if c.Waived {
				b.WriteString(" [waived]")
			}
			b.WriteByte('\n')
		}
		return b.String()
	}
	for setting, want := range map[string]string{
		`"insecure_allow_debug": true`:      "Debug mode allowed: the console of an enclave in debug mode can be read by its parent instance (insecure_allow_debug) [waived]",
		`"insecure_any_module_id": true`:    "Any module ID: a module ID of a form that nobody has seen was acceptable (insecure_any_module_id) [waived]",
		`"nonce": "00"`:                     "Nonce: 00 (1 bytes)",
		`"user_data": ""`:                   "user_data: present and empty",
		`"no_user_data": true`:              "user_data: null",
		`"public_key": "01"`:                "public_key: 01 (1 bytes)",
		`"no_public_key": true`:             "public_key: null",
		`"pcrs": {"16": "` + zero + `"}`:    "PCR16 in this exchange: " + zero,
		`"partition": "aws-us-gov"`:         "Root: AWS's, of the partition aws-us-gov",
		`"kind": "nitrotpm"`:                "Kind: nitrotpm",
		`"denied": ["i-0123456789abcdef0"]`: "Denied: i-0123456789abcdef0",
	} {
		assert.Contains(t, told("{"+base+", "+setting+"}"), want+"\n")
		assert.NotContains(t, told("{"+base+"}"), want)
	}
	assert.Contains(t, told("{"+base+"}"), "Image not checked: any code was acceptable (insecure_any_image) [waived]\n")
	assert.Contains(t, told("{"+base+"}"), "Freshness not checked: ")
	assert.Contains(t, told(`{"policy": `+policy+`, "max_age": 5, "at": "2025-04-15T02:25:23Z"}`), "Not as of now: each document was appraised as of 2025-04-15T02:25:23Z (at) [waived]\n")
	assert.Contains(t, told(`{"policy": `+policy+`, "max_age": 5}`), "Age limit: 5s\n")
}

// A front end's own words are in every text.
func TestWordsOfTheUser(t *testing.T) {
	t.Parallel()
	a := &settings.Appraisal{AllowDebug: true, Words: func(setting string) string { return "--" + strings.ReplaceAll(setting, "_", "-") }}
	err := a.Check()
	require.EqualError(t, err, "--policy: missing, expected it or --insecure-any-image; nothing states freshness, expected --nonce, --max-age or --recorded")
	var mistakes settings.Mistakes
	require.ErrorAs(t, err, &mistakes)
	assert.Equal(t, settings.HintImages, mistakes[0].Hint)
	v, _, err := a.Verifier()
	require.Error(t, err)
	assert.Nil(t, v)
}

// What was given and cannot be used is not called missing as well.
func TestBrokenIsNotMissing(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"policy": {}, "recorded": true}`:             "policy (line 1, column 12): unknown-form",
		`{"insecure_any_image": true, "nonce": "x"}`:   "nonce (line 1, column 39): found a string of 1 characters",
		`{"insecure_any_image": 1, "recorded": true}`:  "insecure_any_image (line 1, column 24): found a number",
		`{"insecure_any_image": true, "max_age": "x"}`: "max_age (line 1, column 41): found a string",
		`{"insecure_any_image": true, "recorded": 1}`:  "recorded (line 1, column 42): found a number",
	} {
		_, err := settings.Read([]byte(text))
		var mistakes settings.Mistakes
		require.ErrorAs(t, err, &mistakes, text)
		assert.Len(t, mistakes, 1, text)
		assert.Contains(t, err.Error(), want)
	}
}

// The command has flags and the server too, but settings have names.
func TestTrustIsToldInTheWordsOfTheUser(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	for name, c := range map[string]struct {
		trust settings.Trust
		want  string // with "<setting>" for what the user calls it
	}{
		"both":          {settings.Trust{Root: text("root.pem"), Partition: text("aws")}, "<partition>: given beside <roots>, expected one of them"},
		"no partition":  {settings.Trust{Partition: text("eu")}, `<partition>: found "eu", expected "aws" or "aws-us-gov"`},
		"no file":       {settings.Trust{Root: text("none.pem")}, "<roots>: none.pem: "},
		"no lists":      {settings.Trust{MissingCRL: text("refuse")}, "<missing_crl>: given without <crls>"},
		"unknown word":  {settings.Trust{CRLs: []string{"none.crl"}, MissingCRL: text("accept")}, `<missing_crl>: found "accept", expected "refuse" or "insecure-accept"`},
		"no file there": {settings.Trust{CRLs: []string{"none.crl"}}, "<crls>: none.crl: "},
	} {
		told := func(words func(string) string) string {
			trust := c.trust
			trust.Words = words
			_, err := trust.Roots()
			if err == nil {
				_, err = trust.Revocations()
			}
			require.Error(t, err, name)
			return err.Error()
		}
		plain := strings.NewReplacer("<", "", ">", "").Replace(c.want)
		assert.True(t, strings.HasPrefix(told(nil), plain), told(nil))
		assert.True(t, strings.HasPrefix(told(func(setting string) string { return "<" + setting + ">" }), c.want), name)
	}
}

func TestTrustOfCRLsNeedsAList(t *testing.T) {
	t.Parallel()
	a := &settings.Appraisal{AnyImage: true, Recorded: true, Lists: []string{"x"}, Unknown: certs.RefuseUnknown}
	require.ErrorContains(t, a.Check(), "crls: named and not read")
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"policy": ` + policy + `, "recorded": true}`))
	f.Add([]byte(`{"insecure_any_image": true, "nonce": "00", "max_age": 5, "pcrs": {"16": "` + zero + `"}, "denied": ["x", {"issuer": "", "serial": ""}], "crls": ["", "AA=="]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := settings.Read(text)
		if (a == nil) == (err == nil) {
			t.Fatal("either settings or an error")
		}
		if err == nil {
			if _, _, err := a.Verifier(); err != nil {
				t.Fatalf("settings without a mistake make no verifier: %v", err)
			}
			a.Criteria()
		}
	})
}

// Who vouches for a policy, for which commit and until when, and what that does
// not show: in the criteria, apart from what was asked.
func TestCriteriaTellWhoVouches(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	base := settings.Voucher{
		Name: "example.com/weather", Version: 7, Issued: at, Expires: at.AddDate(0, 3, 0), SHA256: "5ea1",
		Keys: []string{"aaaa", "bbbb"}, Threshold: 2, Of: 3, Revoked: []string{"v1"}, NameChecked: true, VersionKept: true,
		Subjects: []signedpolicy.Subject{{Name: "enclave.eif", Digest: map[string]string{"sha256": "d16e57"}}},
	}
	byKeys, careless, bySomebody, byWorkflow := base, base, base, base
	careless.NameChecked, careless.VersionKept = false, false
	bySomebody.Certificate = &settings.Signer{Identity: "alice@example.com", Issuer: "https://issuer.example", Signed: []time.Time{at}}
	byWorkflow.Certificate = &settings.Signer{Identity: "release.yml", Issuer: "https://issuer.example", Signed: []time.Time{at}, Commit: "c0ffee", Workflow: "w.yml"}
	for name, test := range map[string]struct {
		voucher *settings.Voucher
		told    []string
		not     string
	}{
		"nobody": {nil, []string{"Signed by: nobody: this report rests on trust in the file of the policy"}, "Not shown"},
		"keys": {&byKeys, []string{
			"Policy: example.com/weather, version 7", "Signed by the key: aaaa", "Signed by the key: bbbb", "Signatures: 2 of 3 keys signed, at least 2 had to",
			"Holds from: 2026-11-01 12:00:00 UTC", "Holds until: 2027-02-01 12:00:00 UTC", "About the file: enclave.eif sha256:d16e57", "Revoked images: v1", "Statement SHA-256: 5ea1",
			"Not shown: when the signatures were made",
		}, "no newer version"},
		"careless": {&careless, []string{"Not shown: that there is no newer version", "Policy name not checked: a policy of any name by these signers was acceptable (no policy_name)"}, "by nobody"},
		"somebody": {&bySomebody, []string{"Signed by: alice@example.com", "Logged in by: https://issuer.example", "Signed at: 2026-11-01 12:00:00 UTC", "Not shown: which commit and workflow built the image: the certificate names none"}, "Signed by the key"},
		"workflow": {&byWorkflow, []string{"Commit: c0ffee", "Workflow: w.yml", "Not shown: that the image was built from this commit"}, "names none"},
	} {
		a := &settings.Appraisal{Recorded: true, Origin: settings.Origin{Name: "Policy file", Value: "p.json", File: []byte("{}"), Voucher: test.voucher}}
		var b strings.Builder
		for _, c := range a.Criteria() {
			b.WriteString(c.Name + ": " + c.Value + "\n")
			assert.Equal(t, c.Name == "Not shown", c.NotShown, c.Name)
			if c.NotShown || strings.HasPrefix(c.Name, "Signed") || strings.HasPrefix(c.Name, "Holds") || c.Name == "Commit" {
				assert.True(t, c.Vouching, c.Name)
			}
		}
		for _, told := range test.told {
			assert.Contains(t, b.String(), told, name)
		}
		assert.NotContains(t, b.String(), test.not, name)
	}
}
