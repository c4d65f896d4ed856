package certs_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/certs"
)

func TestUpdate(t *testing.T) {
	r := newRevocable("update")
	issuer, cert := r.cert(t, levelRoot), r.cert(t, levelRegional)
	revocations := newRevocations(t, certs.RefuseUnknown, r.list(t, levelRegional))
	requireRefused(t, r.verify(t, revocations), certs.RevocationUnknown, levelRegional, "found no list")
	require.Zero(t, revocations.CurrentUntil(issuer, cert))

	numbered := func(number int64) listEdit {
		return func(list *x509.RevocationList) { list.Number = big.NewInt(number) }
	}
	older := between(revocationTime.Add(-2*time.Hour), revocationTime.Add(30*time.Hour))
	require.NoError(t, revocations.Update(issuer, r.list(t, levelRoot, numbered(5))))
	require.NoError(t, r.verify(t, revocations))
	require.Equal(t, revocationTime.Add(23*time.Hour), revocations.CurrentUntil(issuer, cert))

	// What cannot take its place leaves it there.
	for name, test := range map[string]struct {
		issuer *x509.Certificate
		list   []byte
		text   string
	}{
		"no issuer":            {nil, r.list(t, levelRoot), "certs: Revocations.Update: found no issuer, expected the certificate that signed the list"},
		"older":                {issuer, r.list(t, levelRoot, older), "older-list: list 0: found the list of 2025-04-15T00:30:00Z with number 1 of \"CN=aws.nitro-enclaves,OU=AWS,O=Amazon,C=US\", expected none older than that of 2025-04-15T01:30:00Z with number 5"},
		"lower number":         {issuer, r.list(t, levelRoot, numbered(4)), "older-list: list 0: found the list of 2025-04-15T01:30:00Z with number 4 of "},
		"of another authority": {issuer, r.list(t, levelRegional), `foreign-list: list 0: found a list of "` + cert.Subject.String() + `", expected one that "` + issuer.Subject.String() + `" signed`},
		"of another key":       {newRevocable("other").cert(t, levelRoot), r.list(t, levelRoot), `foreign-list: list 0: found a list of "` + issuer.Subject.String() + `", expected one that "` + issuer.Subject.String() + `" signed`},
		"of no authority":      {notAuthority(issuer), r.list(t, levelRoot), `foreign-list: list 0: found a list of "`},
		"that may not sign":    {notSigner(issuer), r.list(t, levelRoot), `foreign-list: list 0: found a list of "`},
		"PEM":                  {issuer, toPEM(r.list(t, levelRoot)), "malformed-list: list 0: found something that is not a revocation list in DER: x509: "},
	} {
		require.ErrorContains(t, revocations.Update(test.issuer, test.list), test.text, name)
		require.NoError(t, r.verify(t, revocations), name)
	}

	require.NoError(t, revocations.Update(issuer, r.list(t, levelRoot, numbered(5))), "the same again")
	require.NoError(t, revocations.Update(issuer, r.list(t, levelRoot, numbered(6), revoking(cert))))
	requireRefused(t, r.verify(t, revocations), certs.Revoked, levelRegional, "revoked on")
	require.NoError(t, revocations.Update(issuer, r.list(t, levelRoot, between(revocationTime, revocationTime))))
	require.NoError(t, r.verify(t, revocations))
	require.Equal(t, revocationTime, revocations.CurrentUntil(issuer, cert))

	require.NoError(t, revocations.SetCRLs())
	requireRefused(t, r.verify(t, revocations), certs.RevocationUnknown, levelRegional, "found no list")
}

func notAuthority(cert *x509.Certificate) *x509.Certificate {
	other := *cert
	other.IsCA = false
	return &other
}

func notSigner(cert *x509.Certificate) *x509.Certificate {
	other := *cert
	other.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	return &other
}

func TestNextUpdate(t *testing.T) {
	r := newRevocable("next update")
	until := func(end time.Duration) []byte {
		return r.list(t, levelRoot, between(revocationTime, revocationTime.Add(end)))
	}
	revocations := newRevocations(t, certs.RefuseUnknown)
	assert.Zero(t, revocations.NextUpdate(), "no list")
	for _, lists := range [][][]byte{{until(2 * time.Hour), until(time.Hour)}, {until(time.Hour), until(2 * time.Hour)}} {
		require.NoError(t, revocations.SetCRLs(lists...))
		assert.Equal(t, revocationTime.Add(time.Hour), revocations.NextUpdate())
	}
	assert.Zero(t, new(certs.Revocations).NextUpdate())
	assert.Zero(t, (*certs.Revocations)(nil).NextUpdate())
}

// The roots of two hypervisors have one name and two keys, as an authority has
// that changed its key. The list of one does not replace that of the other.
func TestUpdateOfRekeyedIssuer(t *testing.T) {
	r, other := newRevocable("old key"), newRevocable("new key")
	require.Equal(t, r.cert(t, levelRoot).RawSubject, other.cert(t, levelRoot).RawSubject)
	revocations := newRevocations(t, certs.InsecureAcceptUnknown)
	require.NoError(t, revocations.Update(r.cert(t, levelRoot), r.list(t, levelRoot, revoking(r.cert(t, levelRegional)))))
	require.NoError(t, revocations.Update(other.cert(t, levelRoot), other.list(t, levelRoot)))
	requireRefused(t, r.verify(t, revocations), certs.Revoked, levelRegional, "revoked on")
	require.NoError(t, other.verify(t, revocations))
}

// A list remembers under which keys its signature was verified, and forgets
// them rather than remember too many.
func TestManyIssuersOfOneName(t *testing.T) {
	r := newRevocable("the one")
	cert := r.cert(t, levelRegional)
	revocations := newRevocations(t, certs.RefuseUnknown, r.list(t, levelRoot))
	for i := range 40 {
		require.Zero(t, revocations.CurrentUntil(newRevocable(fmt.Sprint(i)).cert(t, levelRoot), cert))
	}
	require.Equal(t, revocationTime.Add(23*time.Hour), revocations.CurrentUntil(r.cert(t, levelRoot), cert))
}

// Nobody can make a list be verified again and again, not even with the second
// form that each ECDSA signature has, in the certificate of the issuer. What
// tells is the memory that a verification takes and a look does not.
func TestListsAreVerifiedOnce(t *testing.T) {
	r := newRevocable("once")
	issuer, cert := r.cert(t, levelRegional), r.cert(t, levelZonal)
	var signature struct{ R, S *big.Int }
	_, err := asn1.Unmarshal(issuer.Signature, &signature)
	require.NoError(t, err)
	signature.S.Sub(elliptic.P384().Params().N, signature.S)
	second, err := asn1.Marshal(signature)
	require.NoError(t, err)
	twin := *issuer
	twin.Signature, twin.Raw = second, append(bytes.TrimSuffix(issuer.Raw, issuer.Signature), second...)
	require.NoError(t, twin.CheckSignatureFrom(r.cert(t, levelRoot)))

	list := r.list(t, levelRegional)
	allocations := func(issuers ...*x509.Certificate) float64 {
		return testing.AllocsPerRun(5, func() {
			revocations := newRevocations(t, certs.RefuseUnknown, list)
			for _, issuer := range issuers {
				assert.NotZero(t, revocations.CurrentUntil(issuer, cert))
			}
		})
	}
	none, once := allocations(), allocations(issuer)
	assert.Less(t, allocations(issuer, issuer, &twin, &twin)-once, (once-none)/2)
}

// Lists of different scopes stand side by side, and one with the same scope
// replaces only its like.
func TestUpdateOfScopes(t *testing.T) {
	r := newRevocable("scopes")
	issuer, cert := r.cert(t, levelRoot), r.cert(t, levelRegional)
	url := cert.CRLDistributionPoints[0]
	revocations := newRevocations(t, certs.InsecureAcceptUnknown)
	require.NoError(t, revocations.Update(issuer, r.list(t, levelRoot, scoped(urls(url)), revoking(cert))))
	for _, edit := range []listEdit{scoped(urls(url + "x")), scoped(field(2, false, []byte{0xff})), func(*x509.RevocationList) {}} {
		require.NoError(t, revocations.Update(issuer, r.list(t, levelRoot, edit)))
		requireRefused(t, r.verify(t, revocations), certs.Revoked, levelRegional, "revoked on")
	}
	require.NoError(t, revocations.Update(issuer, r.list(t, levelRoot, scoped(urls(url)))))
	require.NoError(t, r.verify(t, revocations))
}

// The lists that Update gathers are bounded, and make room for each other only.
func TestUpdateMakesRoom(t *testing.T) {
	r := newRevocable("room")
	issuer := r.cert(t, levelRoot)
	url := func(i int) string { return fmt.Sprint("http://aws.invalid/", i) }
	until := func(i int) time.Time { return revocationTime.Add(time.Duration(i) * time.Second) }
	of := func(i int) []byte {
		return r.list(t, levelRoot, scoped(urls(url(i))), between(revocationTime, until(i)))
	}
	revocations := newRevocations(t, certs.RefuseUnknown, of(0))
	current := func(i int) bool {
		naming := &x509.Certificate{CRLDistributionPoints: []string{url(i)}, NotAfter: issuer.NotAfter}
		at := revocations.CurrentUntil(issuer, naming)
		return at.Equal(until(i))
	}
	for i := 1; i <= certs.MaxGatheredCRLs; i++ {
		require.NoError(t, revocations.Update(issuer, of(certs.MaxGatheredCRLs+1-i)))
	}
	assert.True(t, current(1))
	require.NoError(t, revocations.Update(issuer, of(certs.MaxGatheredCRLs+1)))
	assert.False(t, current(1), "its nextUpdate is the earliest")
	assert.True(t, current(0), "the caller's own")
	assert.True(t, current(2))
	assert.True(t, current(certs.MaxGatheredCRLs+1))
}
