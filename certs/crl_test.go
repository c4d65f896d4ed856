package certs_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/certs"
)

func TestListsThatCannotBeUsed(t *testing.T) {
	r := newRevocable("unusable")
	key, issuer := r.blueprint.Chain[levelRoot].Key, r.cert(t, levelRoot)
	made := func(edits ...listEdit) []byte { return r.list(t, levelRoot, edits...) }
	entry := func(id asn1.ObjectIdentifier, critical bool, value []byte) listEdit {
		return func(list *x509.RevocationList) {
			list.RevokedCertificateEntries = []x509.RevocationListEntry{{
				SerialNumber: big.NewInt(26), RevocationTime: list.ThisUpdate,
				ExtraExtensions: []pkix.Extension{{Id: id, Critical: critical, Value: value}},
			}}
		}
	}
	good, text := made(), toPEM(made())
	one := []byte{0xff}
	const part = "issuing distribution point: found a list that covers a part only"
	const fields = "issuing distribution point: found fields that are unknown or not in DER"

	for name, test := range map[string]struct {
		list []byte
		text string
	}{
		"nothing":               {nil, "x509: malformed crl"},
		"a certificate":         {issuer.Raw, "x509: "},
		"bytes after it":        {append(slices.Clone(good), 0), "found 1 bytes after the list, expected none"},
		"two in a row":          {slices.Concat(good, good), "found " + strconv.Itoa(len(good)) + " bytes after the list, expected none"},
		"no nextUpdate":         {sign(t, key, issuer, listTemplate(between(revocationTime, time.Time{}))), "found no nextUpdate, without which it would be current for ever"},
		"nextUpdate before":     {sign(t, key, issuer, listTemplate(between(revocationTime, revocationTime.Add(-time.Second)))), "found nextUpdate 2025-04-15T02:29:59Z, expected one after thisUpdate 2025-04-15T02:30:00Z"},
		"SHA-256":               {made(func(list *x509.RevocationList) { list.SignatureAlgorithm = x509.ECDSAWithSHA256 }), "found a signature with ECDSA-SHA256, expected ECDSA-SHA384"},
		"critical extension":    {made(with(pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true})), "found the critical extension 1.2.3, expected none but an issuing distribution point"},
		"delta":                 {made(with(pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}})), "found a delta CRL"},
		"delta, not critical":   {made(with(pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Value: []byte{2, 1, 1}})), "found a delta CRL"},
		"two scopes":            {made(scoped(urls("http://a.invalid")), scoped(urls("http://b.invalid"))), "found the extension 2.5.29.28 twice"},
		"scope is no sequence":  {made(with(pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Value: []byte{2, 1, 1}})), "issuing distribution point: asn1: "},
		"bytes after the scope": {made(with(pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Value: []byte{0x30, 0, 0}})), fields},
		"field of tomorrow":     {made(scoped(urls("http://a.invalid"), field(6, false, one))), fields},
		"relative name":         {made(scoped(field(0, true, field(1, true, []byte("x"))))), fields},
		"FALSE written out":     {made(scoped(field(1, false, []byte{0}))), fields},
		"no name":               {made(scoped(field(0, true, field(0, true)))), "issuing distribution point: found an empty name"},
		"directory name":        {made(scoped(field(0, true, field(0, true, field(4, true))))), "issuing distribution point: found a name that is not a URL"},
		"constructed URL":       {made(scoped(field(0, true, field(0, true, field(6, true))))), "issuing distribution point: found a name that is not a URL"},
		"leaves only":           {made(scoped(field(1, false, one))), part},
		"some reasons":          {made(scoped(field(3, false, []byte{6, 0x40}))), part},
		"indirect":              {made(scoped(field(4, false, one))), part},
		"attributes only":       {made(scoped(field(5, false, one))), part},
		"negative serial":       {made(revoking(&x509.Certificate{SerialNumber: big.NewInt(-26)})), "serial -1a: found a negative number"},
		"critical in an entry":  {made(entry(asn1.ObjectIdentifier{1, 2, 3}, true, nil)), "serial 1a: found the extension 1.2.3, expected none that changes the meaning"},
		"issuer in an entry":    {made(entry(asn1.ObjectIdentifier{2, 5, 29, 29}, false, nil)), "serial 1a: found the extension 2.5.29.29"},
		"another PEM block":     {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: good}), "PEM block 0: found something else, expected nothing but blocks of type X509 CRL"},
		"text after PEM":        {append(text, 'x'), "PEM block 1: found something else"},
		"text between PEM":      {slices.Concat(text, []byte("x\n"), text), "PEM block 1: found something else"},
		"damaged PEM first":     {slices.Concat(bytes.Replace(text, []byte("\nM"), []byte("\n!"), 1), text), "PEM block 0: found something else"},
		"damaged PEM later":     {slices.Concat(text, bytes.Replace(text, []byte("\nM"), []byte("\n!"), 1), text), "PEM block 1: found something else"},
		"unreadable in PEM":     {slices.Concat(text, toPEM([]byte("x"))), "PEM block 1: found something that is not a revocation list in DER: x509: malformed crl"},
	} {
		t.Run(name, func(t *testing.T) {
			revocations := newRevocations(t, certs.RefuseUnknown, good)
			err := revocations.SetCRLs(good, test.list)
			require.ErrorContains(t, err, test.text)
			requireList(t, err, 1, certs.MalformedList, certs.UnsupportedList)
			assert.Equal(t, revocationTime.Add(23*time.Hour), revocations.CurrentUntil(issuer, r.cert(t, levelRegional)), "the old lists stay")
			if !bytes.HasPrefix(test.list, []byte("-----")) {
				err := revocations.Update(issuer, test.list)
				require.ErrorContains(t, err, test.text)
				requireList(t, err, 0, certs.MalformedList, certs.UnsupportedList)
			}
		})
	}
}

// What is beside the point of a list does not get in its way.
func TestListsThatCanBeUsed(t *testing.T) {
	r := newRevocable("usable")
	for name, list := range map[string][]byte{
		"unknown extension": r.list(t, levelRoot, with(pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}})),
		"critical reason": sign(t, r.blueprint.Chain[levelRoot].Key, r.cert(t, levelRoot), listTemplate(), pkix.RevokedCertificate{
			SerialNumber: big.NewInt(1), RevocationTime: revocationTime,
			Extensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 21}, Critical: true, Value: []byte{0x0a, 1, 1}}},
		}),
		"ends like a space": endingInSpace(t, r),
	} {
		revocations := newRevocations(t, certs.RefuseUnknown, list, r.list(t, levelRegional))
		require.NoError(t, r.verify(t, revocations), name)
	}
}

// endingInSpace returns a list whose signature ends with a byte that is white
// space in a text.
func endingInSpace(t *testing.T, r *revocable) []byte {
	for number := int64(1); ; number++ {
		list := r.list(t, levelRoot, func(list *x509.RevocationList) { list.Number = big.NewInt(number) })
		if len(bytes.TrimSpace(list)) < len(list) {
			return list
		}
	}
}

// requireList asserts that a list was refused for one of the reasons.
func requireList(t testing.TB, err error, list int, reasons ...certs.Reason) *certs.ListError {
	t.Helper()
	var refused *certs.ListError
	require.ErrorAs(t, err, &refused)
	require.Contains(t, reasons, refused.Reason)
	require.ErrorIs(t, err, refused.Reason)
	require.Equal(t, list, refused.List)
	require.NotEmpty(t, refused.Detail)
	require.True(t, strings.HasPrefix(err.Error(), string(refused.Reason)+": list "), err)
	return refused
}

// A list costs many times its size before anybody can look at its signature.
func TestLargeLists(t *testing.T) {
	r := newRevocable("large")
	list := r.list(t, levelRoot)
	config := certs.RevocationConfig{Unknown: certs.RefuseUnknown, MaxListSize: len(list)}
	revocations, err := certs.NewRevocations(config)
	require.NoError(t, err)
	require.NoError(t, revocations.SetCRLs(list, list))
	require.NoError(t, revocations.Update(r.cert(t, levelRoot), list))
	config.MaxListSize--
	revocations, err = certs.NewRevocations(config)
	require.NoError(t, err)
	text := fmt.Sprintf("large-list: list 0: found %d bytes, expected at most %d", len(list), len(list)-1)
	require.EqualError(t, revocations.SetCRLs(list), text)
	require.EqualError(t, revocations.Update(r.cert(t, levelRoot), list), text)
	requireList(t, revocations.SetCRLs([]byte{}, toPEM(list)), 0, certs.MalformedList)
	config.CRLs = [][]byte{list}
	_, err = certs.NewRevocations(config)
	require.EqualError(t, err, text)

	revocations = newRevocations(t, certs.RefuseUnknown)
	requireList(t, revocations.SetCRLs(list, make([]byte, certs.DefaultMaxListSize+1)), 1, certs.LargeList)
	requireList(t, revocations.SetCRLs(list, make([]byte, certs.DefaultMaxListSize)), 1, certs.MalformedList)
}

func BenchmarkListOfTheLargestSize(b *testing.B) {
	r := newRevocable("largest")
	list := r.list(b, levelRoot, func(list *x509.RevocationList) {
		for i := range 25000 {
			serial := new(big.Int).Lsh(big.NewInt(int64(i+1)), 100)
			list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: serial, RevocationTime: list.ThisUpdate})
		}
	})
	require.Less(b, len(list), certs.DefaultMaxListSize)
	revocations := newRevocations(b, certs.RefuseUnknown)
	b.SetBytes(int64(len(list)))
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, revocations.SetCRLs(list))
	}
}
