package signedpolicy_test

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

func TestStatementsThatNobodyCouldReadAreNotSigned(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		change func(*signedpolicy.Statement)
		detail string
	}{
		"no name":                    {func(s *signedpolicy.Statement) { s.Name = "" }, "name: found 0 bytes, expected 1 to 256"},
		"a long name":                {func(s *signedpolicy.Statement) { s.Name = strings.Repeat("n", 257) }, "name: found 257 bytes"},
		"a name with controls":       {func(s *signedpolicy.Statement) { s.Name = "a\x1b[2J" }, `name: found "a\x1b[2J", expected printable text`},
		"a name not in UTF-8":        {func(s *signedpolicy.Statement) { s.Name = "\xff" }, "expected printable text"},
		"no version":                 {func(s *signedpolicy.Statement) { s.Version = 0 }, "version: found 0, expected 1 or more"},
		"no begin":                   {func(s *signedpolicy.Statement) { s.Issued = time.Time{} }, "issued: missing"},
		"no end":                     {func(s *signedpolicy.Statement) { s.Expires = time.Time{} }, "expires: missing"},
		"an end at the begin":        {func(s *signedpolicy.Statement) { s.Expires = s.Issued }, "expires: found 2026-11-01T12:00:00Z, expected a time after issued"},
		"a year of five digits":      {func(s *signedpolicy.Statement) { s.Expires = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, ""},
		"no image":                   {func(s *signedpolicy.Statement) { s.Policy = pcr.Policy{} }, "policy: "},
		"an image without a name":    {func(s *signedpolicy.Statement) { s.Policy.Images[0].Name = "" }, "name: missing or empty"},
		"a zero value":               {func(s *signedpolicy.Statement) { s.Policy.Images[0].PCRs[0] = pcr.Value{} }, "all zero"},
		"a subject without a digest": {func(s *signedpolicy.Statement) { s.Subjects[0].Digest = nil }, "subject[0].digest: "},
		"a short digest":             {func(s *signedpolicy.Statement) { s.Subjects[0].Digest["sha256"] = "abcd" }, `subject[0].digest.sha256: found "abcd", expected 64 lower-case hex digits`},
		"a digest in capitals":       {func(s *signedpolicy.Statement) { s.Subjects[0].Digest["sha256"] = strings.Repeat("A", 64) }, "expected 64 lower-case hex digits"},
		"an empty revoked name":      {func(s *signedpolicy.Statement) { s.Revoked = []string{""} }, "revoked[0]: empty"},
		"a name revoked twice":       {func(s *signedpolicy.Statement) { s.Revoked = []string{"a", "a"} }, `revoked[1]: "a" is given twice`},
		"too many images":            {func(s *signedpolicy.Statement) { s.Policy = images(1001) }, "predicate.policy.images: found more than 1000 elements"},
		"too many subjects":          {func(s *signedpolicy.Statement) { s.Subjects = make1(1001, s.Subjects[0]) }, "subject: found more than 1000 elements"},
		"too many revoked":           {func(s *signedpolicy.Statement) { s.Revoked = names(1001) }, "predicate.revoked: found more than 1000 elements"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := statement()
			c.change(&s)
			envelope, err := signedpolicy.Sign(s, alice)
			assert.Nil(t, envelope)
			assert.ErrorIs(t, err, signedpolicy.MalformedStatement)
			assert.ErrorContains(t, err, c.detail)
		})
	}
}

func images(n int) (p pcr.Policy) {
	for i := range n {
		value := pcr.ForInstance(fmt.Sprint(i))
		p.Images = append(p.Images, pcr.Image{Name: fmt.Sprintf("v%d", i), PCRs: pcr.Bank{0: value, 1: value, 2: value, 8: value}})
	}
	return p
}

func make1[T any](n int, value T) []T {
	list := make([]T, n)
	for i := range list {
		list[i] = value
	}
	return list
}

func names(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("v%d", i))
	}
	return list
}

func TestAThousandImagesFit(t *testing.T) {
	t.Parallel()
	s := statement()
	s.Policy = images(1000)
	got, err := newVerifier(t, config(1, alice)).Verify(signed(t, s, alice))
	require.NoError(t, err)
	assert.Equal(t, s.Policy, got.Policy)
}

// broken is a signer that does not do what it says.
type broken struct {
	crypto.Signer
	sign func(message []byte) ([]byte, error)
}

func (b broken) SignMessage(_ io.Reader, message []byte, _ crypto.SignerOpts) ([]byte, error) {
	return b.sign(message)
}

func TestSignersAreNotTrusted(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		signers []crypto.Signer
		message string
	}{
		"none":             {nil, "found no signer"},
		"nil":              {[]crypto.Signer{nil}, "signer 1 is nil"},
		"one twice":        {[]crypto.Signer{alice, alice}, "signer 2: key " + keyID(t, alice) + " has signed already"},
		"another curve":    {[]crypto.Signer{newECDSA(elliptic.P521())}, "signer 1: found an ECDSA key on another curve"},
		"too many":         {make1[crypto.Signer](33, alice), "found 33 signatures, expected at most 32"},
		"one that fails":   {[]crypto.Signer{alice, broken{bob, func([]byte) ([]byte, error) { return nil, errors.New("no card") }}}, "signer 2: key " + keyID(t, bob) + ": no card"},
		"one of other key": {[]crypto.Signer{broken{bob, func(m []byte) ([]byte, error) { return alice.Sign(nil, m, crypto.Hash(0)) }}}, "returned a signature that its public key does not verify"},
		"nothing signed":   {[]crypto.Signer{broken{alice, func([]byte) ([]byte, error) { return nil, nil }}}, "does not verify"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			envelope, err := signedpolicy.Sign(statement(), c.signers...)
			assert.Nil(t, envelope)
			assert.ErrorContains(t, err, c.message)
		})
	}
}

// A signer in another process or device gets the message and not its digest.
func TestMessageSignersGetTheEncoding(t *testing.T) {
	t.Parallel()
	var got []byte
	envelope := signed(t, statement(), broken{alice, func(m []byte) ([]byte, error) {
		got = bytes.Clone(m)
		return alice.Sign(nil, m, crypto.Hash(0))
	}})
	payload := payloadOf(t, envelope)
	assert.Equal(t, fmt.Sprintf("DSSEv1 28 application/vnd.in-toto+json %d %s", len(payload), payload), string(got))
	assert.Equal(t, got, signedpolicy.PAE(signedpolicy.PayloadType, payload))
}

func TestSignaturesAreAddedOneByOne(t *testing.T) {
	t.Parallel()
	first := signed(t, statement(), alice)
	v := newVerifier(t, config(2, alice, bob))
	requireRefused(t, v, first, signedpolicy.TooFewSignatures, "found 1 of 2")
	both, err := signedpolicy.AddSignatures(first, bob)
	require.NoError(t, err)
	_, err = v.Verify(both)
	require.NoError(t, err)

	_, err = signedpolicy.AddSignatures(both, bob)
	assert.ErrorContains(t, err, "has signed already")
	_, err = signedpolicy.AddSignatures(both)
	assert.ErrorContains(t, err, "found no signer")
	_, err = signedpolicy.AddSignatures([]byte("{}"), bob)
	assert.ErrorIs(t, err, signedpolicy.MalformedEnvelope)
	_, err = signedpolicy.AddSignatures(signedPayload(t, signedpolicy.PayloadType, []byte("{}"), alice), bob)
	assert.ErrorIs(t, err, signedpolicy.MalformedStatement)
}

func TestSubjectsAreFiles(t *testing.T) {
	t.Parallel()
	s := statement()
	assert.NoError(t, s.CheckFile(strings.NewReader("image")))
	err := s.CheckFile(strings.NewReader("another image"))
	assert.ErrorIs(t, err, signedpolicy.OtherSubject)
	assert.EqualError(t, err, "other-subject: found a file with SHA-256 210277cb6266afe7c6cc4227ff3e9efc818f55234a7d7fbf033ab602440f2437, expected one of the 1 subjects")

	subject, err := signedpolicy.SubjectOf("enclave.eif", strings.NewReader("image"))
	require.NoError(t, err)
	assert.Equal(t, s.Subjects[0], subject)

	s.Subjects[0].Digest["sha512"] = strings.Repeat("0", 128)
	assert.ErrorIs(t, s.CheckFile(strings.NewReader("image")), signedpolicy.OtherSubject, "one digest is right and one is not")
	s.Subjects[0].Digest = map[string]string{"gitCommit": "abcd"}
	assert.ErrorIs(t, s.CheckFile(strings.NewReader("image")), signedpolicy.OtherSubject, "no digest of a known algorithm")
	s.Subjects = nil
	assert.ErrorIs(t, s.CheckFile(strings.NewReader("image")), signedpolicy.OtherSubject, "no subject")

	unread := errors.New("unread")
	assert.Equal(t, unread, s.CheckFile(iotest.ErrReader(unread)))
	_, err = signedpolicy.SubjectOf("x", iotest.ErrReader(unread))
	assert.Equal(t, unread, err)
}

func encodePEM(t testing.TB, kind string, marshal func() ([]byte, error)) string {
	der, err := marshal()
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestKeysAreReadFromPEM(t *testing.T) {
	t.Parallel()
	var all string
	for _, s := range []crypto.Signer{alice, bob, carol} {
		all += "\n" + encodePEM(t, "PUBLIC KEY", func() ([]byte, error) { return x509.MarshalPKIXPublicKey(s.Public()) })
		private := encodePEM(t, "PRIVATE KEY", func() ([]byte, error) { return x509.MarshalPKCS8PrivateKey(s) })
		got, err := signedpolicy.ParsePrivateKey([]byte(private))
		require.NoError(t, err)
		assert.Equal(t, s.Public(), got.Public())
	}
	keys, err := signedpolicy.ParsePublicKeys([]byte(all))
	require.NoError(t, err)
	assert.Equal(t, public(alice, bob, carol), keys)

	wrong := encodePEM(t, "PUBLIC KEY", func() ([]byte, error) { return x509.MarshalPKIXPublicKey(newECDSA(elliptic.P521()).Public()) })
	private := encodePEM(t, "PRIVATE KEY", func() ([]byte, error) { return x509.MarshalPKCS8PrivateKey(alice) })
	for what, c := range map[string]struct{ text, message string }{
		"nothing":       {"", "found no PEM block"},
		"text":          {"key", "found no PEM block"},
		"text at end":   {all + "x", "found text after PEM block 3"},
		"another curve": {all + wrong, "PEM block 4: found an ECDSA key on another curve"},
		"a private key": {private, "PEM block 1: found PRIVATE KEY, expected PUBLIC KEY"},
		"no DER":        {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "PEM block 1: "},
	} {
		keys, err := signedpolicy.ParsePublicKeys([]byte(c.text))
		assert.Nil(t, keys, what)
		assert.ErrorContains(t, err, c.message, what)
	}
	for what, c := range map[string]struct{ text, message string }{
		"nothing":      {"", "found no PEM block"},
		"two":          {private + private, "PEM block 2: found a second key"},
		"a public key": {all, "PEM block 1: found PUBLIC KEY, expected PRIVATE KEY or EC PRIVATE KEY"},
		"cosign's":     {"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n", "found ENCRYPTED SIGSTORE PRIVATE KEY"},
		"no DER":       {"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n", "PEM block 1: "},
	} {
		key, err := signedpolicy.ParsePrivateKey([]byte(c.text))
		assert.Nil(t, key, what)
		assert.ErrorContains(t, err, c.message, what)
	}
}
