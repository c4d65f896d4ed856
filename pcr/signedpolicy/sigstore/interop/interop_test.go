package interop_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/secure-systems-lab/go-securesystemslib/signerverifier"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

const name = "example.com/payments"

func statement() signedpolicy.Statement {
	issued := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	return signedpolicy.Statement{
		Name: name, Version: 7, Issued: issued, Expires: issued.AddDate(0, 3, 0),
		Policy: pcr.Policy{Images: []pcr.Image{{Name: "v1.2.0 <é>", PCRs: pcr.Bank{0: pcr.ForInstance("i-1")}}}},
		Subjects: []signedpolicy.Subject{{Name: "enclave.eif", Digest: map[string]string{
			"sha256": "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d",
		}}},
		Revoked: []string{"v1.1.0"},
	}
}

// keys are one of each algorithm.
func keys(t *testing.T) map[string]crypto.Signer {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	return map[string]crypto.Signer{"Ed25519": ed, "P-256": p256, "P-384": p384}
}

func verifier(t *testing.T, key crypto.Signer) *signedpolicy.Verifier {
	v, err := signedpolicy.NewVerifier(signedpolicy.Config{
		Keys: []crypto.PublicKey{key.Public()}, Threshold: 1, Name: name,
		Now: func() time.Time { return statement().Issued.Add(time.Hour) },
	})
	require.NoError(t, err)
	return v
}

// theirs is the key in the type of go-securesystemslib.
func theirs(t *testing.T, key crypto.Signer) dsse.SignerVerifier {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	loaded, err := signerverifier.LoadKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	require.NoError(t, err)
	var sv dsse.SignerVerifier
	switch key.(type) {
	case ed25519.PrivateKey:
		sv, err = signerverifier.NewED25519SignerVerifierFromSSLibKey(loaded)
	default:
		sv, err = signerverifier.NewECDSASignerVerifierFromSSLibKey(loaded)
	}
	require.NoError(t, err)
	return sv
}

func TestGoSecureSystemsLibVerifiesOurs(t *testing.T) {
	t.Parallel()
	for algorithm, key := range keys(t) {
		envelope, err := signedpolicy.Sign(statement(), key)
		require.NoError(t, err)
		var e dsse.Envelope
		require.NoError(t, json.Unmarshal(envelope, &e))
		v, err := dsse.NewEnvelopeVerifier(theirs(t, key))
		require.NoError(t, err)
		accepted, err := v.Verify(context.Background(), &e)
		require.NoError(t, err, algorithm)
		assert.Len(t, accepted, 1)

		e.Payload = base64.StdEncoding.EncodeToString([]byte("{}"))
		_, err = v.Verify(context.Background(), &e)
		assert.Error(t, err, "their verifier refuses another payload")
	}
}

func TestOursVerifiesGoSecureSystemsLib(t *testing.T) {
	t.Parallel()
	payload, err := signedpolicy.MarshalStatement(statement())
	require.NoError(t, err)
	for algorithm, key := range keys(t) {
		signer, err := dsse.NewEnvelopeSigner(theirs(t, key))
		require.NoError(t, err)
		e, err := signer.SignPayload(context.Background(), signedpolicy.PayloadType, payload)
		require.NoError(t, err)
		envelope, err := json.Marshal(e)
		require.NoError(t, err)
		got, err := verifier(t, key).Verify(envelope)
		require.NoError(t, err, algorithm)
		want := statement()
		assert.Equal(t, &want, got)
	}
	assert.Equal(t, dsse.PAE(signedpolicy.PayloadType, payload), signedpolicy.PAE(signedpolicy.PayloadType, payload))
}

func TestInTotoReadsOurs(t *testing.T) {
	t.Parallel()
	without := statement()
	without.Subjects = nil
	for _, s := range []signedpolicy.Statement{statement(), without} {
		payload, err := signedpolicy.MarshalStatement(s)
		require.NoError(t, err)
		var theirs intoto.Statement
		require.NoError(t, protojson.Unmarshal(payload, &theirs))
		require.NoError(t, theirs.Validate())
		assert.Equal(t, signedpolicy.PredicateType, theirs.GetPredicateType())
		assert.Equal(t, name, theirs.GetPredicate().GetFields()["name"].GetStringValue())
		assert.Len(t, theirs.GetSubject(), 1)
	}
}

func TestOursReadsInToto(t *testing.T) {
	t.Parallel()
	predicate, err := signedpolicy.MarshalPredicate(statement())
	require.NoError(t, err)
	var fields structpb.Struct
	require.NoError(t, protojson.Unmarshal(predicate, &fields))
	want := statement()
	theirs := &intoto.Statement{
		Type:          intoto.StatementTypeUri,
		PredicateType: signedpolicy.PredicateType,
		Predicate:     &fields,
		Subject:       []*intoto.ResourceDescriptor{{Name: want.Subjects[0].Name, Digest: want.Subjects[0].Digest}},
	}
	require.NoError(t, theirs.Validate())
	payload, err := protojson.Marshal(theirs)
	require.NoError(t, err)
	got, err := signedpolicy.InsecureAppraise(payload, signedpolicy.Expect{
		Name: name, Seen: signedpolicy.NewMemoryStore(), Now: func() time.Time { return want.Issued },
	})
	require.NoError(t, err)
	assert.Equal(t, &want, got)
}

// writeFiles puts what a verifier needs beside each other: the public key, the
// encoding that is signed, and the signature.
func writeFiles(t *testing.T, dir string, key crypto.Signer) (envelope []byte) {
	envelope, err := signedpolicy.Sign(statement(), key)
	require.NoError(t, err)
	var e dsse.Envelope
	require.NoError(t, json.Unmarshal(envelope, &e))
	payload, err := e.DecodeB64Payload()
	require.NoError(t, err)
	signature, err := base64.StdEncoding.DecodeString(e.Signatures[0].Sig)
	require.NoError(t, err)
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	for file, data := range map[string][]byte{
		"key.pem": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}), "pae": signedpolicy.PAE(e.PayloadType, payload), "sig": signature,
		"private.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), "envelope.json": envelope, "payload": payload,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), data, 0o600))
	}
	return envelope
}

func TestOpenSSLVerifiesOurs(t *testing.T) {
	t.Parallel()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	for algorithm, key := range keys(t) {
		dir := t.TempDir()
		writeFiles(t, dir, key)
		args := map[string][]string{
			"Ed25519": {"pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "pae", "-sigfile", "sig"},
			"P-256":   {"dgst", "-sha256", "-verify", "key.pem", "-signature", "sig", "pae"},
			"P-384":   {"dgst", "-sha384", "-verify", "key.pem", "-signature", "sig", "pae"},
		}[algorithm]
		verify := func() error {
			cmd := exec.Command(openssl, args...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			t.Logf("openssl %s: %s", args[0], bytes.TrimSpace(out))
			return err
		}
		require.NoError(t, verify(), algorithm)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "pae"), []byte("another"), 0o600))
		assert.Error(t, verify(), algorithm)
	}
}

// Sigstore's JavaScript library is installed with npm ci in js; without it, or
// without node, there is nothing to compare with.
func TestJavaScriptVerifiesOursAndOursVerifiesIt(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	if _, err := os.Stat("js/node_modules/@sigstore/core"); err != nil {
		t.Skip("the packages in js are not installed; npm ci there does it")
	}
	for algorithm, key := range keys(t) {
		dir := t.TempDir()
		writeFiles(t, dir, key)
		run := func(args ...string) ([]byte, error) {
			cmd := exec.Command(node, append([]string{"js/dsse.mjs"}, args...)...)
			cmd.Stderr = os.Stderr
			return cmd.Output()
		}
		_, err := run("verify", dir)
		require.NoError(t, err, algorithm)
		made, err := run("sign", dir)
		require.NoError(t, err, algorithm)
		got, err := verifier(t, key).Verify(made)
		require.NoError(t, err, algorithm)
		want := statement()
		assert.Equal(t, &want, got)

		require.NoError(t, os.WriteFile(filepath.Join(dir, "envelope.json"), bytes.Replace(made, []byte("in-toto+json"), []byte("in-toto"), 1), 0o600))
		_, err = run("verify", dir)
		assert.Error(t, err, algorithm)
	}
}
