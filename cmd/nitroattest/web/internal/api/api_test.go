package api_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/cmd/nitroattest/web/internal/api"
	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

const testdata = "../../../../../testdata"

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testdata, name))
	require.NoError(t, err)
	return data
}

// settings writes settings as JSON. Keys come in pairs with their values.
func settings(t *testing.T, pairs ...any) []byte {
	t.Helper()
	out := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1]
	}
	text, err := json.Marshal(out)
	require.NoError(t, err)
	return text
}

type report struct {
	attestation.ReportJSON
	Hint   string
	Policy *struct {
		Name    string
		Version int
	}
}

func appraise(t *testing.T, l *api.Library, document, text []byte) report {
	t.Helper()
	data, err := l.Appraise(document, text)
	require.NoError(t, err)
	var out struct {
		Accepted, Authentic *bool
		Reason              attestation.Reason
		Detail, Hint        string
		Policy              *struct {
			Name    string
			Version int
		}
	}
	require.NoError(t, json.Unmarshal(data, &out))
	require.NotNil(t, out.Accepted)
	require.NotNil(t, out.Authentic)
	return report{attestation.ReportJSON{Accepted: *out.Accepted, Authentic: *out.Authentic, Reason: out.Reason, Detail: out.Detail}, out.Hint, out.Policy}
}

const weather = "evidence/nautilus-weather-7e9164.cbor"

func TestAppraise(t *testing.T) {
	t.Parallel()
	var l api.Library
	policy := string(read(t, "evidence/policies/nautilus-weather.json"))
	r := appraise(t, &l, read(t, weather), settings(t, "policy", policy, "recorded", true))
	assert.True(t, r.Accepted)
	assert.True(t, r.Authentic)

	r = appraise(t, &l, read(t, weather), settings(t, "policy", policy, "max_age", 300))
	assert.Equal(t, attestation.CertificateExpired, r.Reason)
	assert.Contains(t, r.Hint, "recorded appraises a document of the past")
	assert.NotContains(t, r.Hint, "--")

	// A hint about the kind is for a whole document of the other kind alone.
	r = appraise(t, &l, read(t, "evidence/vaportpm-799ae6.cbor"), settings(t, "policy", policy, "recorded", true))
	assert.Equal(t, attestation.WrongDocumentKind, r.Reason)
	assert.Contains(t, r.Hint, "kind says which one you asked for")
	r = appraise(t, &l, bytes.Replace(read(t, weather), []byte("-enc"), []byte("-pod"), 1), settings(t, "policy", policy, "recorded", true))
	assert.Equal(t, attestation.WrongDocumentKind, r.Reason)
	assert.Empty(t, r.Hint)

	for _, none := range [][]byte{nil, []byte("hello!"), make([]byte, 2<<20)} {
		r = appraise(t, &l, none, settings(t, "policy", policy, "recorded", true))
		assert.False(t, r.Accepted)
		assert.False(t, r.Authentic)
		assert.Empty(t, r.Reason)
		assert.Contains(t, r.Detail, "found")
	}
}

// There is no report beside an error.
func TestSettingsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	var l api.Library
	for name, text := range map[string][]byte{
		"nothing": nil, "text": []byte("hello"), "empty": []byte("{}"),
		"no freshness": settings(t, "insecure_any_image", true),
		"unknown key":  settings(t, "insecure_any_image", true, "recorded", true, "nonse", "00"),
	} {
		data, err := l.Appraise(read(t, weather), text)
		require.Error(t, err, name)
		assert.Nil(t, data, name)
		data, err = l.Report([]api.Document{{Name: "a", Data: read(t, weather)}}, text, "v")
		require.Error(t, err, name)
		assert.Nil(t, data, name)
		var f api.Failure
		require.NoError(t, json.Unmarshal(api.FailureOf(err), &f))
		assert.NotEmpty(t, f.Message, name)
		assert.NotEmpty(t, f.Mistakes, name)
	}
}

// Verifiers are kept by the whole text of their settings, so that no call gets
// the verifier of another.
func TestVerifiersAreNotMixedUp(t *testing.T) {
	t.Parallel()
	var l api.Library
	good := string(read(t, "evidence/policies/nautilus-weather.json"))
	other := string(read(t, "evidence/policies/turnkey.json"))
	for range 3 {
		for i, c := range []struct {
			text []byte
			want attestation.Reason
		}{
			{settings(t, "policy", good, "recorded", true), ""},
			{settings(t, "policy", other, "recorded", true), attestation.MeasurementMismatch},
			{settings(t, "policy", good, "recorded", true, "nonce", "00"), attestation.NonceMismatch},
			{settings(t, "policy", good, "recorded", true, "user_data", ""), attestation.UserDataMismatch},
			{settings(t, "policy", good, "recorded", true, "partition", "aws-us-gov"), attestation.UntrustedRoot},
			{settings(t, "policy", good, "max_age", 1), attestation.CertificateExpired},
		} {
			assert.Equal(t, c.want, appraise(t, &l, read(t, weather), c.text).Reason, i)
		}
	}
}

// signed signs a policy that ends after a while.
func signed(t *testing.T, policy pcr.Policy, lasts time.Duration) (envelope, keys string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	now := time.Now()
	out, err := signedpolicy.Sign(signedpolicy.Statement{
		Name: "example.com/weather", Version: 3, Issued: now.Add(-time.Hour), Expires: now.Add(lasts), Policy: policy,
	}, crypto.Signer(key))
	require.NoError(t, err)
	return string(out), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestSignedPolicies(t *testing.T) {
	t.Parallel()
	var l api.Library
	policy, err := pcr.ReadPolicy(bytes.NewReader(read(t, "evidence/policies/nautilus-weather.json")))
	require.NoError(t, err)
	envelope, keys := signed(t, policy, time.Hour)
	r := appraise(t, &l, read(t, weather), settings(t, "policy", envelope, "policy_keys", keys, "recorded", true))
	assert.True(t, r.Accepted)
	require.NotNil(t, r.Policy)
	assert.Equal(t, "example.com/weather", r.Policy.Name)

	_, err = l.Appraise(read(t, weather), settings(t, "policy", envelope, "recorded", true))
	require.Error(t, err)
	assert.Contains(t, string(api.FailureOf(err)), "this is a signed policy: policy_keys says whose signatures count")

	_, other := signed(t, policy, time.Hour)
	_, err = l.Appraise(read(t, weather), settings(t, "policy", envelope, "policy_keys", other, "recorded", true))
	require.Error(t, err)
}

// A verifier that is kept does not outlive the policy that it was made of.
func TestASignedPolicyEnds(t *testing.T) {
	t.Parallel()
	var l api.Library
	policy, err := pcr.ReadPolicy(bytes.NewReader(read(t, "evidence/policies/nautilus-weather.json")))
	require.NoError(t, err)
	envelope, keys := signed(t, policy, time.Second)
	text := settings(t, "policy", envelope, "policy_keys", keys, "recorded", true)
	for ended := false; !ended; {
		data, err := l.Appraise(read(t, weather), text)
		if err != nil {
			require.ErrorIs(t, err, signedpolicy.Expired)
			assert.Nil(t, data)
			ended = true
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	var l api.Library
	const hostile = "<script>\u202e"
	text := settings(t, "insecure_any_image", true, "recorded", true)
	html, err := l.Report([]api.Document{{hostile, read(t, weather)}, {"none", []byte("hello!")}}, text, "v1.2.3")
	require.NoError(t, err)
	assert.Contains(t, string(html), "1 of 2 documents accepted")
	assert.Contains(t, string(html), "v1.2.3")
	assert.Contains(t, string(html), "Image not checked", "what was waived is said")
	assert.NotContains(t, string(html), "<script")
	assert.NotContains(t, string(html), "\u202e")
	_, err = l.Report(nil, text, "v")
	require.ErrorContains(t, err, "found no document")
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	measure := func(name string, o api.MeasureOptions) ([]byte, error) {
		data := read(t, name)
		return api.Measure(bytes.NewReader(data), int64(len(data)), o)
	}
	out, err := measure("eif/v4_unsigned.eif", api.MeasureOptions{Kind: "enclave"})
	require.NoError(t, err)
	// What comes out can go in again as a policy.
	var found struct{ Policy json.RawMessage }
	require.NoError(t, json.Unmarshal(out, &found))
	var l api.Library
	assert.Equal(t, attestation.MeasurementMismatch, appraise(t, &l, read(t, weather), settings(t, "policy", found.Policy, "recorded", true)).Reason)

	_, err = measure("uki/standard.efi", api.MeasureOptions{Kind: "nitrotpm"})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		file   string
		o      api.MeasureOptions
		reason string
	}{
		"hidden ramdisk": {"eif/trailing_ramdisk_hidden.eif", api.MeasureOptions{Kind: "enclave"}, "walks-differ"},
		"other kind":     {"eif/v4_unsigned.eif", api.MeasureOptions{Kind: "tdx"}, ""},
		"no kind":        {"eif/v4_unsigned.eif", api.MeasureOptions{}, ""},
		"kernel":         {"eif/v4_unsigned.eif", api.MeasureOptions{Kind: "enclave", Kernel: "measured"}, ""},
		"other kernel":   {"uki/standard.efi", api.MeasureOptions{Kind: "nitrotpm", Kernel: "yes"}, ""},
	} {
		out, err := measure(c.file, c.o)
		require.Error(t, err, name)
		assert.Nil(t, out, name)
		var f api.Failure
		require.NoError(t, json.Unmarshal(api.FailureOf(err), &f))
		assert.Equal(t, c.reason, f.Reason, name)
	}
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	envelope, keys := signed(t, pcr.Policy{Images: []pcr.Image{attestationtest.NewHypervisor().Enclave().Image()}}, time.Hour)
	for want, files := range map[string][]string{
		api.IsDocument:     {string(read(t, weather)), strings.Repeat(" ", 3) + "hEShATgioFi1", "0x8444a1013822a0"},
		api.IsPolicy:       {string(read(t, "evidence/policies/turnkey.json")), string(read(t, "policies/kms-allow-deny.json")), string(read(t, "policies/lines.pcrs")), `{"unknown": 1}`},
		api.IsSignedPolicy: {envelope},
		api.IsPublicKeys:   {keys, "key:\n" + keys},
		api.IsCertificates: {"-----BEGIN CERTIFICATE-----"},
		api.IsList:         {"-----BEGIN X509 CRL-----"},
		api.IsEnclaveImage: {string(read(t, "eif/v4_unsigned.eif"))},
		api.IsKernelImage:  {string(read(t, "uki/standard.efi"))},
		api.IsUnknown:      {"", "hello", "\x00", "\xff\xfe"},
	} {
		for _, file := range files {
			assert.Equal(t, want, api.Identify([]byte(file)), "%.40q", file)
		}
	}
}

// Whatever comes, nothing panics, and nothing is accepted.
func FuzzAppraise(f *testing.F) {
	f.Add([]byte("hEShATgioFi1"), []byte(`{"insecure_any_image": true, "recorded": true}`))
	f.Add([]byte{0x84}, []byte(`{"policy": {"images": []}, "max_age": 1}`))
	f.Fuzz(func(t *testing.T, document, text []byte) {
		var l api.Library
		api.Identify(document)
		if data, err := l.Appraise(document, text); err == nil {
			require.True(t, json.Valid(data))
		} else {
			require.True(t, json.Valid(api.FailureOf(err)))
		}
	})
}
