package certs_test

import (
	"crypto/x509"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/certs"
)

// history is the lists that an attacker who can write the files of a service has
// to choose from.
type history struct {
	*revocable
	root      []byte
	old       []byte // genuine, still current, revokes nothing
	now       []byte // genuine, newer: the zonal certificate is revoked
	next      []byte // genuine, the newest, revokes it as well
	forged    []byte // with the name and key identifier of a genuine list and a key of the attacker's, of now
	forged99  []byte // the same of 2099
	elsewhere []byte // genuine, of another issuer
}

func newHistory(t *testing.T, seed string) *history {
	r := newRevocable(seed)
	regional, zonal := r.cert(t, levelRegional), r.cert(t, levelZonal)
	made := func(number int64, age time.Duration, edits ...listEdit) []byte {
		edits = append(edits, between(revocationTime.Add(-age), revocationTime.Add(24*time.Hour)), func(list *x509.RevocationList) { list.Number = big.NewInt(number) })
		return r.list(t, levelRegional, edits...)
	}
	forged := func(thisUpdate time.Time) []byte {
		list, err := x509.CreateRevocationList(nil, listTemplate(between(thisUpdate, thisUpdate.Add(24*time.Hour)), func(list *x509.RevocationList) { list.Number = big.NewInt(999) }),
			&x509.Certificate{RawSubject: regional.RawSubject, Subject: regional.Subject, SubjectKeyId: regional.SubjectKeyId, KeyUsage: x509.KeyUsageCRLSign}, r.blueprint.NewKey("attacker"))
		require.NoError(t, err)
		return list
	}
	return &history{
		revocable: r,
		root:      r.list(t, levelRoot),
		old:       made(1, 2*time.Hour),
		now:       made(2, time.Hour, revoking(zonal)),
		next:      made(3, time.Minute, revoking(zonal)),
		forged:    forged(revocationTime),
		forged99:  forged(time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)),
		elsewhere: r.list(t, levelZonal),
	}
}

func bothStatuses(t *testing.T, test func(t *testing.T, unknown certs.UnknownStatus)) {
	for _, unknown := range []certs.UnknownStatus{certs.RefuseUnknown, certs.InsecureAcceptUnknown} {
		t.Run(string(unknown), func(t *testing.T) { test(t, unknown) })
	}
}

// Whatever is written in whatever order, an old list brings back nothing that was
// revoked since.
func TestRollback(t *testing.T) {
	bothStatuses(t, func(t *testing.T, unknown certs.UnknownStatus) {
		h := newHistory(t, "rollback")
		fresh := func() *certs.Revocations {
			revocations := newRevocations(t, unknown, h.root, h.now)
			requireRefused(t, h.verify(t, revocations), certs.Revoked, levelZonal, "revoked on")
			return revocations
		}
		for name, lists := range map[string][][]byte{
			"by one write":               {h.root, h.old},
			"beside a forged newer one":  {h.root, slices.Concat(toPEM(h.forged), toPEM(h.old))},
			"beside one of 2099":         {h.root, h.forged99, h.old},
			"the forged one comes first": {h.forged, h.old, h.root},
		} {
			revocations := fresh()
			requireList(t, revocations.SetCRLs(lists...), 0, certs.OlderList)
			requireRefused(t, h.verify(t, revocations), certs.Revoked, levelZonal, "revoked on")
			require.Error(t, h.verify(t, revocations), name)
		}

		// Two writes: any list, or none, in between.
		for name, between := range map[string][][]byte{"none": nil, "of others": {h.root}, "of another issuer": {h.root, h.elsewhere}, "forged": {h.root, h.forged}, "forged of 2099": {h.forged99}} {
			revocations := fresh()
			require.NoError(t, revocations.SetCRLs(between...), name)
			err := revocations.SetCRLs(h.root, h.old)
			assert.ErrorIs(t, err, certs.OlderList, name)
			assert.ErrorContains(t, err, "older-list: list 0: found the list of 2025-04-15T00:30:00Z with number 1 of ")
			assert.ErrorContains(t, err, "expected none older than that of 2025-04-15T01:30:00Z with number 2, which was there before")
			if unknown == certs.RefuseUnknown {
				require.Error(t, h.verify(t, revocations), name)
			}
			assert.ErrorIs(t, revocations.Update(h.cert(t, levelRegional), h.old), certs.OlderList, name)
			require.NoError(t, revocations.SetCRLs(h.root, h.now), "the list itself may come back")
			requireRefused(t, h.verify(t, revocations), certs.Revoked, levelZonal, "revoked on")
			require.NoError(t, revocations.SetCRLs(h.root, h.next), "and a newer one")
			requireRefused(t, h.verify(t, revocations), certs.Revoked, levelZonal, "revoked on")
			assert.ErrorIs(t, revocations.SetCRLs(h.root, h.now), certs.OlderList, name)
		}
	})
}

// A list that nobody signed displaces nothing, keeps nothing out, and is compared
// with nothing.
func TestFreeze(t *testing.T) {
	bothStatuses(t, func(t *testing.T, unknown certs.UnknownStatus) {
		h := newHistory(t, "freeze")
		for name, forged := range map[string][]byte{"of now": h.forged, "of 2099": h.forged99, "PEM": toPEM(h.forged99), "twice": slices.Concat(toPEM(h.forged), toPEM(h.forged99))} {
			revocations := newRevocations(t, unknown, h.root, h.now)
			requireRefused(t, h.verify(t, revocations), certs.Revoked, levelZonal, "revoked on")
			for range 3 {
				require.NoError(t, revocations.SetCRLs(h.root, forged), name)
				requireRefused(t, h.verify(t, revocations), certs.Revoked, levelZonal, "by the list of 2025-04-15T01:30:00Z")
			}
			require.NoError(t, revocations.SetCRLs(h.root, h.next), name)
			requireRefused(t, h.verify(t, revocations), certs.Revoked, levelZonal, "by the list of 2025-04-15T02:29:00Z")
			require.NoError(t, revocations.Update(h.cert(t, levelRegional), h.next))
		}
		// Before anything is verified, too.
		revocations := newRevocations(t, unknown)
		require.NoError(t, revocations.SetCRLs(h.root, h.forged99))
		require.NoError(t, revocations.SetCRLs(h.root, h.now))
		requireRefused(t, h.verify(t, revocations), certs.Revoked, levelZonal, "revoked on")
	})
}

// A list that was replaced before its issuer was met is not known to be genuine.
// Once the issuer is met, the older of two no longer says that a certificate is
// good, whichever of them comes first, and still says that one is revoked.
func TestOlderOfTwoLists(t *testing.T) {
	h := newHistory(t, "two")
	expired := func(number int64, edits ...listEdit) []byte {
		return h.list(t, levelRegional, append(edits, between(revocationTime.Add(-time.Hour), revocationTime.Add(-time.Minute)), func(list *x509.RevocationList) { list.Number = big.NewInt(number) })...)
	}
	for _, lists := range [][][]byte{{h.root, h.old, expired(7)}, {h.root, expired(7), h.old}} {
		revocations := newRevocations(t, certs.RefuseUnknown, lists...)
		requireRefused(t, h.verify(t, revocations), certs.RevocationUnknown, levelZonal, "found no list")
		require.Zero(t, revocations.CurrentUntil(h.cert(t, levelRegional), h.cert(t, levelZonal)).Compare(revocationTime.Add(-time.Minute)))
	}
	revocations := newRevocations(t, certs.InsecureAcceptUnknown, h.root, h.now, expired(7))
	requireRefused(t, h.verify(t, revocations), certs.Revoked, levelZonal, "by the list of")
}

// What is remembered is per issuer, key and scope.
func TestMemoryIsPerSeries(t *testing.T) {
	r, rekeyed := newRevocable("series"), newRevocable("series of another key")
	numbered := func(number int64, more ...listEdit) []listEdit {
		return append(more, func(list *x509.RevocationList) { list.Number = big.NewInt(number) })
	}
	revocations := newRevocations(t, certs.InsecureAcceptUnknown)
	issuer := r.cert(t, levelRoot)
	require.NoError(t, revocations.Update(issuer, r.list(t, levelRoot, numbered(5)...)))
	authorities, url := scoped(field(2, false, []byte{0xff})), scoped(urls("http://a.invalid/"))
	for _, lists := range [][][]byte{
		{rekeyed.list(t, levelRoot, numbered(1)...)},
		{r.list(t, levelRegional, numbered(1)...)},
		{r.list(t, levelRoot, numbered(1, authorities)...)},
		{r.list(t, levelRoot, numbered(1, url)...)},
		{r.list(t, levelRoot, numbered(4)...), r.list(t, levelRoot, numbered(5)...)},
		{r.list(t, levelRoot, numbered(6)...), r.list(t, levelRoot, numbered(4)...)},
	} {
		require.NoError(t, revocations.SetCRLs(lists...))
	}
	require.NoError(t, revocations.Update(issuer, r.list(t, levelRoot, numbered(2, url)...)))
	require.NoError(t, revocations.Update(issuer, r.list(t, levelRoot, numbered(2, authorities)...)))
	for _, list := range [][]byte{r.list(t, levelRoot, numbered(5)...), r.list(t, levelRoot, numbered(1, url)...), r.list(t, levelRoot, numbered(1, authorities)...)} {
		requireList(t, revocations.SetCRLs(list), 0, certs.OlderList)
		requireList(t, revocations.Update(issuer, list), 0, certs.OlderList)
	}
	// A failure leaves everything as it was, what is remembered too.
	requireList(t, revocations.SetCRLs(r.list(t, levelRoot, numbered(9)...), r.list(t, levelRoot, numbered(1, url)...)), 0, certs.OlderList)
	require.NoError(t, revocations.SetCRLs(r.list(t, levelRoot, numbered(6)...)))
}

// A restart forgets, unless there is a file.
func TestMemoryFile(t *testing.T) {
	bothStatuses(t, func(t *testing.T, unknown certs.UnknownStatus) {
		h := newHistory(t, "file")
		path := filepath.Join(t.TempDir(), "memory.json")
		start := func(path string, lists ...[]byte) (*certs.Revocations, error) {
			return certs.NewRevocations(certs.RevocationConfig{Unknown: unknown, CRLs: lists, MemoryFile: path})
		}
		first, err := start(path, h.root, h.now)
		require.NoError(t, err)
		require.NoError(t, first.SaveMemory())
		assert.NoFileExists(t, path, "nothing is remembered")
		requireRefused(t, h.verify(t, first), certs.Revoked, levelZonal, "revoked on")
		require.NoError(t, first.SaveMemory())
		written, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.Remove(path))
		require.NoError(t, first.SaveMemory())
		assert.NoFileExists(t, path, "nothing has changed since")
		require.NoError(t, os.WriteFile(path, written, 0o600))

		_, err = start(path, h.root, h.old)
		requireList(t, err, 0, certs.OlderList)
		second, err := start(path, h.root, h.next)
		require.NoError(t, err)
		require.NoError(t, second.SaveMemory())
		_, err = start(path, h.root, h.now)
		requireList(t, err, 0, certs.OlderList)
		third, err := start(path, h.root, h.forged99, h.next)
		require.NoError(t, err)
		requireRefused(t, h.verify(t, third), certs.Revoked, levelZonal, "revoked on")

		forgetful, err := start("", h.root, h.old)
		require.NoError(t, err)
		require.NoError(t, h.verify(t, forgetful))
		require.NoError(t, forgetful.SaveMemory())

		files, err := os.ReadDir(filepath.Dir(path))
		require.NoError(t, err)
		assert.Len(t, files, 1, "no temporary file is left")
	})
}

func TestMemoryFilesThatCannotBeUsed(t *testing.T) {
	h := newHistory(t, "unusable file")
	path := filepath.Join(t.TempDir(), "memory.json")
	config := certs.RevocationConfig{Unknown: certs.RefuseUnknown, CRLs: [][]byte{h.root, h.now}, MemoryFile: path}
	revocations, err := certs.NewRevocations(config)
	require.NoError(t, err)
	require.Error(t, h.verify(t, revocations))
	require.NoError(t, revocations.SaveMemory())
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	good := string(data)
	cut := func(member string) string {
		i := strings.Index(good, `"`+member+`": "`) + len(member) + 5
		return good[:i] + good[i+strings.IndexByte(good[i:], '"'):]
	}
	for name, test := range map[string]struct{ file, text string }{
		"empty":          {"", "found something else than what SaveMemory writes"},
		"cut":            {good[:len(good)/2], "found something else than what SaveMemory writes"},
		"more":           {good + "{}", "found something else than what SaveMemory writes"},
		"version":        {strings.Replace(good, `"version": 1`, `"version": 2`, 1), "found something else than what SaveMemory writes"},
		"no issuer":      {cut("issuer"), "series[0]: issuer: found something that is not a name in DER"},
		"no key":         {cut("key"), "series[0]: key: found something that is not a P-384 key in DER"},
		"no thisUpdate":  {strings.Replace(good, "thisUpdate", "then", 1), "series[0]: found no thisUpdate or no notAfter"},
		"no notAfter":    {strings.Replace(good, "notAfter", "then", 1), "series[0]: found no thisUpdate or no notAfter"},
		"a text as time": {strings.Replace(good, "2025-04-15", "yesterday", 1), "found something else than what SaveMemory writes"},
	} {
		require.NoError(t, os.WriteFile(path, []byte(test.file), 0o600))
		revocations, err := certs.NewRevocations(config)
		require.ErrorContains(t, err, "certs: RevocationConfig.MemoryFile: "+path+": "+test.text, name)
		assert.Nil(t, revocations)
	}
	config.MemoryFile = t.TempDir()
	_, err = certs.NewRevocations(config)
	require.ErrorContains(t, err, "certs: RevocationConfig.MemoryFile: read "+config.MemoryFile)

	config.MemoryFile = filepath.Join(t.TempDir(), "none", "memory.json")
	revocations, err = certs.NewRevocations(config)
	require.NoError(t, err)
	require.Error(t, h.verify(t, revocations))
	for range 2 {
		require.ErrorContains(t, revocations.SaveMemory(), "certs: RevocationConfig.MemoryFile: ", "it is tried again")
	}
}

// What is remembered is bounded. The series of the authority that expires first
// makes room.
func TestMemoryIsBounded(t *testing.T) {
	r := newRevocable("bounded")
	issuer := *r.cert(t, levelRoot)
	revocations := newRevocations(t, certs.RefuseUnknown)
	url := func(i int) string { return fmt.Sprint("http://aws.invalid/", i) }
	for i := range certs.MaxSeries + 1 {
		issuer.NotAfter = revocationTime.Add(time.Duration(i) * time.Hour)
		certs.Remember(revocations, &issuer, url(i), revocationTime)
	}
	assert.Equal(t, certs.MaxSeries, certs.RememberedSeries(revocations))
	of := func(i int) []byte {
		return r.list(t, levelRoot, scoped(urls(url(i))), between(revocationTime.Add(-time.Minute), revocationTime.Add(time.Hour)))
	}
	assert.ErrorIs(t, revocations.Update(&issuer, of(1)), certs.OlderList)
	assert.ErrorIs(t, revocations.Update(&issuer, of(certs.MaxSeries)), certs.OlderList)
	assert.NoError(t, revocations.Update(&issuer, of(0)), "forgotten")
}
