package certs_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/pcr"
)

var revocationTime = time.Date(2025, 4, 15, 2, 30, 0, 0, time.UTC)

const (
	levelRoot     = attestationtest.LevelRoot
	levelRegional = attestationtest.LevelRegional
	levelZonal    = attestationtest.LevelZonal
	levelInstance = attestationtest.LevelInstance
	levelLeaf     = attestationtest.LevelLeaf
)

// revocable is a document that can be revoked at every level.
type revocable struct {
	hypervisor *attestationtest.Hypervisor
	blueprint  *attestationtest.Blueprint
}

func newRevocable(seed string) *revocable {
	h := attestationtest.NewHypervisor(attestationtest.WithSeed([]byte(seed)), attestationtest.WithTime(revocationTime))
	return &revocable{h, h.Blueprint(attestationtest.Request{})}
}

func (r *revocable) cert(t testing.TB, level attestationtest.Level) *x509.Certificate {
	cert, err := r.blueprint.Chain[level].X509()
	require.NoError(t, err)
	return cert
}

func (r *revocable) moduleID(t testing.TB) string {
	u, err := attestation.ParseUnverified(r.blueprint.Document())
	require.NoError(t, err)
	return u.Document.ModuleID
}

type listEdit func(*x509.RevocationList)

// list returns a list that an authority made an hour ago, for a day.
func (r *revocable) list(t testing.TB, level attestationtest.Level, edits ...listEdit) []byte {
	der, err := r.blueprint.Chain[level].SignRevocationList(listTemplate(edits...))
	require.NoError(t, err)
	return der
}

func listTemplate(edits ...listEdit) *x509.RevocationList {
	template := &x509.RevocationList{
		Number:     big.NewInt(1),
		ThisUpdate: revocationTime.Add(-time.Hour),
		NextUpdate: revocationTime.Add(23 * time.Hour),
	}
	for _, edit := range edits {
		edit(template)
	}
	return template
}

func revoking(cert *x509.Certificate) listEdit {
	return func(list *x509.RevocationList) {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: cert.SerialNumber, RevocationTime: list.ThisUpdate})
	}
}

func between(thisUpdate, nextUpdate time.Time) listEdit {
	return func(list *x509.RevocationList) { list.ThisUpdate, list.NextUpdate = thisUpdate, nextUpdate }
}

func with(extension pkix.Extension) listEdit {
	return func(list *x509.RevocationList) { list.ExtraExtensions = append(list.ExtraExtensions, extension) }
}

// scoped adds an issuing distribution point with the given contents.
func scoped(contents ...[]byte) listEdit {
	return with(pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: der(asn1.TagSequence, true, contents...)})
}

// urls is the distributionPoint field with a fullName.
func urls(names ...string) []byte {
	var encoded [][]byte
	for _, name := range names {
		encoded = append(encoded, field(6, false, []byte(name)))
	}
	return field(0, true, field(0, true, encoded...))
}

// field is a context-specific element, der a universal one.
func field(tag int, compound bool, contents ...[]byte) []byte {
	return element(asn1.ClassContextSpecific, tag, compound, contents...)
}

func der(tag int, compound bool, contents ...[]byte) []byte {
	return element(asn1.ClassUniversal, tag, compound, contents...)
}

func element(class, tag int, compound bool, contents ...[]byte) []byte {
	value := asn1.RawValue{Class: class, Tag: tag, IsCompound: compound}
	for _, content := range contents {
		value.Bytes = append(value.Bytes, content...)
	}
	encoded, err := asn1.Marshal(value)
	if err != nil {
		panic(err)
	}
	return encoded
}

// sign makes lists that x509.CreateRevocationList would not.
func sign(t testing.TB, key *ecdsa.PrivateKey, issuer *x509.Certificate, list *x509.RevocationList, revoked ...pkix.RevokedCertificate) []byte {
	type tbsCertList struct {
		Version    int
		Signature  pkix.AlgorithmIdentifier
		Issuer     asn1.RawValue
		ThisUpdate time.Time
		NextUpdate time.Time                 `asn1:"optional"`
		Revoked    []pkix.RevokedCertificate `asn1:"optional"`
	}
	algorithm := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}}
	tbs, err := asn1.Marshal(tbsCertList{1, algorithm, asn1.RawValue{FullBytes: issuer.RawSubject}, list.ThisUpdate, list.NextUpdate, revoked})
	require.NoError(t, err)
	digest := sha512.Sum384(tbs)
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	require.NoError(t, err)
	signed, err := asn1.Marshal(struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: tbs}, algorithm, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
	require.NoError(t, err)
	return signed
}

func newRevocations(t testing.TB, unknown certs.UnknownStatus, crls ...[]byte) *certs.Revocations {
	revocations, err := certs.NewRevocations(certs.RevocationConfig{Unknown: unknown, CRLs: crls})
	require.NoError(t, err)
	return revocations
}

// verifier trusts the hypervisor's levelRoot, at the time of the document unless an
// edit says otherwise.
func (r *revocable) verifier(t testing.TB, revocations *certs.Revocations, edits ...func(*attestation.Config)) *attestation.Verifier {
	config := attestation.Config{
		Policy:      pcr.Policy{Images: []pcr.Image{r.hypervisor.Enclave().Image()}},
		Roots:       r.hypervisor.Roots(),
		Revocations: revocations,
		Now:         func() time.Time { return revocationTime },
	}
	for _, edit := range edits {
		edit(&config)
	}
	verifier, err := attestation.NewVerifier(config)
	require.NoError(t, err)
	return verifier
}

var lately = attestation.Expect{MaxAge: time.Hour}

func (r *revocable) verify(t testing.TB, revocations *certs.Revocations) error {
	result, err := r.verifier(t, revocations).Verify(r.blueprint.Document(), lately)
	require.Equal(t, err == nil, result != nil)
	return err
}

// requireRefused asserts why a document was refused, and where in the chain.
func requireRefused(t testing.TB, err error, reason certs.Reason, position attestationtest.Level, detail string) {
	t.Helper()
	require.ErrorIs(t, err, attestation.CertificateRevoked)
	require.ErrorIs(t, err, reason)
	var fault *certs.Error
	require.ErrorAs(t, err, &fault)
	require.Equal(t, int(position), fault.Position)
	require.NotEmpty(t, fault.Subject)
	require.Contains(t, fault.Detail, detail)
}
