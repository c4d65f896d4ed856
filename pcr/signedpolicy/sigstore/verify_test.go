package sigstore_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy/sigstore"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy/sigstore/sigstoretest"
)

const (
	name     = "example.com/payments"
	issuer   = sigstoretest.Issuer
	identity = sigstoretest.Identity
)

func statement() signedpolicy.Statement {
	now := time.Now().UTC().Truncate(time.Second)
	return signedpolicy.Statement{
		Name: name, Version: 7, Issued: now.Add(-time.Hour), Expires: now.Add(time.Hour),
		Policy: pcr.Policy{Images: []pcr.Image{{Name: "v1.2.0", PCRs: pcr.Bank{0: pcr.ForInstance("i-1")}}}},
		Subjects: []signedpolicy.Subject{{Name: "enclave.eif", Digest: map[string]string{
			"sha256": "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d", // of "image"
		}}},
	}
}

func config(i *sigstoretest.Instance) sigstore.Config {
	return sigstore.Config{TrustedRoot: i.Root, Issuer: issuer, Identity: identity, Name: name}
}

func verifier(t testing.TB, i *sigstoretest.Instance, change func(*sigstore.Config)) *sigstore.Verifier {
	t.Helper()
	c := config(i)
	if change != nil {
		change(&c)
	}
	v, err := sigstore.NewVerifier(c)
	require.NoError(t, err)
	return v
}

func payload(t testing.TB, s signedpolicy.Statement) []byte {
	t.Helper()
	data, err := signedpolicy.MarshalStatement(s)
	require.NoError(t, err)
	return data
}

func TestBundleIsVerified(t *testing.T) {
	t.Parallel()
	i := sigstoretest.New(t)
	want := statement()
	data := i.Bundle(payload(t, want), sigstoretest.Soon(), nil)
	for what, change := range map[string]func(*sigstore.Config){
		"exact": nil,
		"pattern of the identity": func(c *sigstore.Config) {
			c.Identity, c.IdentityPattern = "", `https://github\.com/example/enclave/\.github/workflows/release\.yml@refs/tags/v.*`
		},
		"pattern of the issuer": func(c *sigstore.Config) {
			c.Issuer, c.IssuerPattern = "", `https://(token|other)\.actions\.githubusercontent\.com`
		},
	} {
		t.Run(what, func(t *testing.T) {
			got, err := verifier(t, i, change).Verify(data)
			require.NoError(t, err)
			assert.Equal(t, want, got.Statement)
			assert.Equal(t, issuer, got.Signer.Issuer)
			assert.Equal(t, identity, got.Signer.Identity)
			assert.Len(t, got.Signer.Signed, 2, "the log and the timestamp authority")
			require.NoError(t, got.CheckFile(strings.NewReader("image")))
			assert.ErrorIs(t, got.CheckFile(strings.NewReader("another")), signedpolicy.OtherSubject, "other artifact")
		})
	}
}

// Each differs in one thing from what TestBundleIsVerified accepts.
func TestAttacksAreRefused(t *testing.T) {
	t.Parallel()
	i := sigstoretest.New(t)
	good := payload(t, statement())
	material := func(b *protobundle.Bundle) *protobundle.VerificationMaterial { return b.VerificationMaterial }
	expired := statement()
	expired.Expires = expired.Issued.Add(time.Second)
	for _, attack := range []struct {
		what   string
		config func(*sigstore.Config)
		bundle []byte
		reason signedpolicy.Reason
		detail string
	}{
		{"wrong identity", func(c *sigstore.Config) {
			c.Identity = "https://github.com/mallory/enclave/.github/workflows/release.yml@refs/tags/v1.2.0"
		}, i.Bundle(good, sigstoretest.Soon(), nil), sigstore.OtherIdentity, `found "` + identity + `", expected "https://github.com/mallory`},
		{"identity matches a part of the pattern", func(c *sigstore.Config) { c.Identity, c.IdentityPattern = "", "example/enclave" }, i.Bundle(good, sigstoretest.Soon(), nil), sigstore.OtherIdentity, "expected a match of"},
		{"an alternative in the pattern is bound too", func(c *sigstore.Config) { c.Identity, c.IdentityPattern = "", "https://github.com/x|.*tags" }, i.Bundle(good, sigstoretest.Soon(), nil), sigstore.OtherIdentity, "expected a match of"},
		{"wrong issuer", func(c *sigstore.Config) { c.Issuer = "https://accounts.example.com" }, i.Bundle(good, sigstoretest.Soon(), nil), sigstore.OtherIssuer, `found "` + issuer + `", expected "https://accounts.example.com"`},
		{"another Sigstore", nil, sigstoretest.New(t).Bundle(good, sigstoretest.Soon(), nil), sigstore.NotLogged, ""},
		{"no log entry", nil, i.Bundle(good, sigstoretest.Soon(), func(b *protobundle.Bundle) { material(b).TlogEntries = nil }), sigstore.NotLogged, ""},
		{"the log entry of another signature", nil, i.Bundle(good, sigstoretest.Soon(), func(b *protobundle.Bundle) {
			var other protobundle.Bundle
			require.NoError(t, protojson.Unmarshal(i.Bundle(good, sigstoretest.Soon(), nil), &other))
			material(b).TlogEntries = material(&other).TlogEntries
		}), sigstore.NotLogged, ""},
		{"expired certificate without timestamp", nil, i.Bundle(good, time.Now().Add(30*time.Minute), func(b *protobundle.Bundle) { material(b).TimestampVerificationData = nil }), sigstore.NotLogged, "integrated time outside certificate validity"},
		{"no time that the log vouches for, and no timestamp", nil, i.Bundle(good, sigstoretest.Soon(), func(b *protobundle.Bundle) {
			material(b).TimestampVerificationData = nil
			material(b).TlogEntries[0].InclusionPromise = nil
			material(b).TlogEntries[0].IntegratedTime = 0
		}), sigstore.NoTimestamp, ""},
		{"other payload", nil, i.Bundle(good, sigstoretest.Soon(), func(b *protobundle.Bundle) {
			b.GetDsseEnvelope().Payload = []byte(strings.Replace(string(good), ":7,", ":8,", 1))
		}), sigstore.NotLogged, ""},
		{"other payload type", nil, i.Bundle(good, sigstoretest.Soon(), func(b *protobundle.Bundle) { b.GetDsseEnvelope().PayloadType = "application/json" }), signedpolicy.WrongPayloadType, "payloadType"},
		{"a second signature", nil, i.Bundle(good, sigstoretest.Soon(), func(b *protobundle.Bundle) {
			e := b.GetDsseEnvelope()
			e.Signatures = append(e.Signatures, e.Signatures[0])
		}), sigstore.BadSignature, "exactly one signature"},
		{"a signature over a file", nil, i.Bundle(good, sigstoretest.Soon(), func(b *protobundle.Bundle) {
			b.Content = &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{Signature: []byte{1}, MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: make([]byte, 32)}}}
		}), sigstore.MalformedBundle, "found a signature over a file"},
		{"not a bundle", nil, []byte(`{}`), sigstore.MalformedBundle, ""},
		{"nothing", nil, nil, sigstore.MalformedBundle, ""},
		{"too large", nil, make([]byte, signedpolicy.MaxEnvelope+1), sigstore.MalformedBundle, "found more than 4194304 bytes"},
		{"other name", func(c *sigstore.Config) { c.Name = "other" }, i.Bundle(good, sigstoretest.Soon(), nil), signedpolicy.OtherName, ""},
		{"expired", nil, i.Bundle(payload(t, expired), sigstoretest.Soon(), nil), signedpolicy.Expired, ""},
		{"an older version", func(c *sigstore.Config) { c.Seen = seen(8) }, i.Bundle(good, sigstoretest.Soon(), nil), signedpolicy.RolledBack, "at least 8"},
		{"another predicate", nil, i.Bundle([]byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"x","digest":{"sha1":"00"}}],"predicateType":"https://slsa.dev/provenance/v1","predicate":{}}`), sigstoretest.Soon(), nil), signedpolicy.WrongPredicateType, "slsa"},
		{"a key given twice", nil, i.Bundle([]byte(strings.Replace(string(good), `"version":7`, `"version":9,"version":7`, 1)), sigstoretest.Soon(), nil), sigstore.BadSignature, "statement"},
	} {
		t.Run(attack.what, func(t *testing.T) {
			got, err := verifier(t, i, attack.config).Verify(attack.bundle)
			require.Nil(t, got)
			require.ErrorIs(t, err, attack.reason)
			assert.ErrorContains(t, err, string(attack.reason))
			assert.ErrorContains(t, err, attack.detail)
		})
	}
}

func seen(version uint64) signedpolicy.Store {
	store := signedpolicy.NewMemoryStore()
	_, _ = store.Advance(name, version)
	return store
}

func TestVersionsOnlyGoUp(t *testing.T) {
	t.Parallel()
	i := sigstoretest.New(t)
	v := verifier(t, i, nil)
	newer := statement()
	newer.Version = 8
	_, err := v.Verify(i.Bundle(payload(t, newer), sigstoretest.Soon(), nil))
	require.NoError(t, err)
	_, err = v.Verify(i.Bundle(payload(t, statement()), sigstoretest.Soon(), nil))
	assert.ErrorIs(t, err, signedpolicy.RolledBack)
}

// A trusted root that has certificate logs asks for certificate timestamps,
// which the virtual Fulcio does not give.
func TestCertificateTimestampsAreRequiredWhereThereAreLogs(t *testing.T) {
	t.Parallel()
	i := sigstoretest.New(t)
	_, err := verifier(t, i, func(c *sigstore.Config) { c.TrustedRoot = i.RootWithCertificateLogs() }).Verify(i.Bundle(payload(t, statement()), sigstoretest.Soon(), nil))
	assert.ErrorIs(t, err, sigstore.BadSignature)
	assert.ErrorContains(t, err, "signed certificate timestamp")
}

func TestConfigsThatCannotRefuseAreErrors(t *testing.T) {
	t.Parallel()
	i := sigstoretest.New(t)
	for what, c := range map[string]struct {
		change  func(*sigstore.Config)
		message string
	}{
		"no root":               {func(c *sigstore.Config) { c.TrustedRoot = nil }, "trusted root: "},
		"a large root":          {func(c *sigstore.Config) { c.TrustedRoot = make([]byte, signedpolicy.MaxEnvelope+1) }, "trusted root: found more than"},
		"no issuer":             {func(c *sigstore.Config) { c.Issuer = "" }, "expected either an issuer or a pattern for it"},
		"no identity":           {func(c *sigstore.Config) { c.Identity = "" }, "expected either an identity or a pattern for it"},
		"identity and pattern":  {func(c *sigstore.Config) { c.IdentityPattern = ".*" }, "expected either an identity or a pattern for it"},
		"a broken pattern":      {func(c *sigstore.Config) { c.Issuer, c.IssuerPattern = "", "(" }, "pattern of the issuer: "},
		"a pattern that closes": {func(c *sigstore.Config) { c.Issuer, c.IssuerPattern = "", ")|(" }, "pattern of the issuer: "},
		"no name":               {func(c *sigstore.Config) { c.Name = "" }, "no name is given"},
	} {
		config := config(i)
		c.change(&config)
		v, err := sigstore.NewVerifier(config)
		assert.Nil(t, v, what)
		assert.ErrorContains(t, err, "sigstore: "+c.message, what)
	}
}

func TestSignerHasADocumentedForm(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(sigstore.Signer{Issuer: "i", Identity: "n", Commit: "c", Signed: []time.Time{time.Unix(0, 0).UTC()}})
	require.NoError(t, err)
	assert.JSONEq(t, `{"issuer":"i","identity":"n","commit":"c","signed":["1970-01-01T00:00:00Z"]}`, string(data))
}
