package crlfetch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/certs/crlfetch"
)

var background = context.Background()

func TestUpdate(t *testing.T) {
	s := newSite(t)
	updater := s.updater(t)
	both := []string{s.url(t, atZonal), s.url(t, atRegional)}
	require.ErrorIs(t, s.status(t, now), certs.RevocationUnknown)
	later := now.Add(time.Hour)
	require.NoError(t, updater.Update(background, s.chain(t), later))
	require.NoError(t, s.status(t, later))
	require.ElementsMatch(t, both, s.requests())

	// Not again within the interval, even by a clock that was set back.
	interval := crlfetch.DefaultMinInterval
	for _, after := range []time.Duration{0, interval - 1, -time.Minute, 1 - interval} {
		require.NoError(t, updater.Update(background, s.chain(t), later.Add(after)))
		require.Empty(t, s.requests(), after)
	}
	s.serve(t, atRegional, s.list(t, atRoot, revoking(s.cert(t, atRegional))))
	require.NoError(t, updater.Update(background, s.chain(t), later.Add(interval)))
	require.ElementsMatch(t, both, s.requests())
	require.ErrorIs(t, s.status(t, later), certs.Revoked)

	// At once when the lists are no longer there.
	require.NoError(t, s.revocations.SetCRLs())
	require.NoError(t, updater.Update(background, s.chain(t), later.Add(interval)))
	require.ElementsMatch(t, both, s.requests())
	require.ErrorIs(t, s.status(t, later), certs.Revoked)
}

// Nothing is fetched because a stranger's certificate says so.
func TestUpdateOfRefusedChains(t *testing.T) {
	s := newSite(t)
	other := attestationtest.NewHypervisor(attestationtest.WithTime(now))
	chain := s.chain(t)
	damaged := s.chain(t)
	damaged.Bundle[1] = bytes.Clone(damaged.Bundle[1])
	damaged.Bundle[1][len(damaged.Bundle[1])-1] ^= 1
	for name, test := range map[string]struct {
		chain  certs.Chain
		at     time.Time
		reason certs.Reason
	}{
		"another root": {chainOf(t, other.Attest(attestationtest.Request{})), now, certs.PinnedRoot},
		"expired":      {chain, now.AddDate(0, 0, 1), certs.Expired},
		"signature":    {damaged, now, certs.Signature},
		"module":       {certs.Chain{Bundle: chain.Bundle, Leaf: chain.Leaf, ModuleID: "i-0"}, now, certs.LeafName},
		"empty":        {certs.Chain{}, now, certs.BundleLength},
	} {
		err := s.updater(t).Update(background, test.chain, test.at)
		require.ErrorIs(t, err, test.reason, name)
		var fault *certs.Error
		require.ErrorAs(t, err, &fault, name)
		require.Empty(t, s.requests(), name)
	}
	canceled, cancel := context.WithCancel(background)
	cancel()
	require.ErrorIs(t, s.updater(t).Update(canceled, chain, now), context.Canceled)
	require.ErrorIs(t, s.updater(t).Refresh(canceled, now), context.Canceled)
	require.Empty(t, s.requests())
}

// Whatever an answer is, the last good list stays.
func TestUpdateKeepsTheLastGoodList(t *testing.T) {
	s := newSite(t)
	from := s.url(t, atZonal)
	good := s.list(t, atRegional)
	send := func(body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }
	}
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
	}
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		reason crlfetch.Reason
		detail string
	}{
		"not found":            {http.NotFound, crlfetch.Unreachable, "found status 404, expected 200"},
		"no content":           {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, crlfetch.Unreachable, "found status 204"},
		"hangs up":             {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, crlfetch.Unreachable, "EOF"},
		"cut short":            {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "1000"); w.Write(good) }, crlfetch.Unreachable, "unexpected EOF"},
		"nothing":              {send(nil), crlfetch.Unusable, "malformed crl"},
		"a page":               {send([]byte("<html>")), crlfetch.Unusable, "malformed crl"},
		"compressed":           {compressed(good), crlfetch.Unusable, "malformed crl"},
		"bytes after it":       {send(append(bytes.Clone(good), 0)), crlfetch.Unusable, "found 1 bytes after the list"},
		"too large":            {send(make([]byte, 1001)), crlfetch.TooLarge, "found more than 1000 bytes"},
		"without end":          {endless, crlfetch.TooLarge, "found more than 1000 bytes"},
		"of another authority": {send(s.list(t, atRoot)), crlfetch.Unusable, "expected one that"},
		"older":                {send(s.list(t, atRegional, between(now.Add(-2*time.Hour), now.Add(time.Hour)))), crlfetch.Unusable, "expected none older than"},
		"to another host":      {redirect(s.url(t, atRegional)), crlfetch.NotAllowed, `redirect: found one from "crl-us-east-1-aws-nitro-enclaves.s3.us-east-1.nitro.invalid" to "aws-nitro-enclaves-crl.s3.nitro.invalid", expected the same host`},
		"to a stranger":        {redirect("http://other.invalid/"), crlfetch.NotAllowed, `redirect: found the host "other.invalid", expected one of the allow list`},
		"to TLS":               {redirect("https" + from[4:]), crlfetch.NotAllowed, `redirect: found the scheme "https"`},
		"to itself":            {redirect(from), crlfetch.NotAllowed, "redirect: found more than 3"},
	} {
		t.Run(name, func(t *testing.T) {
			s.answer(from, send(good))
			updater := s.updater(t, func(c *crlfetch.Config) { c.MaxSize = 1000 })
			require.NoError(t, updater.Update(background, s.chain(t), now))
			s.answer(from, test.answer)
			requireFailed(t, updater.Update(background, s.chain(t), now.Add(time.Hour)), from, test.reason, test.detail)
			require.NoError(t, s.status(t, now.Add(time.Hour)))
		})
	}

	// At the edge of what is allowed.
	s.answer(from+"x", send(good))
	s.answer(from, redirect(from+"x"))
	s.client.Jar = unusedJar{}
	updater := s.updater(t, func(c *crlfetch.Config) { c.MaxSize = int64(len(good)) })
	require.NoError(t, updater.Update(background, s.chain(t), now.Add(time.Hour)))
}

type unusedJar struct {
	http.CookieJar
}

func compressed(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write(body)
		z.Close()
	}
}

func endless(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := w.Write(make([]byte, 1<<10)); err != nil {
			return
		}
	}
}

// An authentic list that leaves the status unknown is a failure.
func TestUpdateWithListsThatDoNotHelp(t *testing.T) {
	other, err := asn1.Marshal([]asn1.RawValue{{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: []byte("\xa0\x12\x86\x10http://a.invalid")}})
	require.NoError(t, err)
	for name, edit := range map[string]func(*x509.RevocationList){
		"out of date": between(now.Add(-2*time.Hour), now.Add(-time.Second)),
		"another scope": func(list *x509.RevocationList) {
			list.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: other}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.serve(t, atRegional, s.list(t, atRoot, edit))
			err := s.updater(t).Update(background, s.chain(t), now)
			requireFailed(t, err, s.url(t, atRegional), crlfetch.NotCurrent, "found no list of \"CN=aws.nitro-enclaves,OU=AWS,O=Amazon,C=US\" afterwards that is current at 2025-04-15T02:30:00Z and covers")
			require.ErrorIs(t, s.status(t, now), certs.RevocationUnknown)

			// What it revokes is revoked nevertheless.
			s.serve(t, atRegional, s.list(t, atRoot, edit, revoking(s.cert(t, atRegional))))
			s.updater(t).Update(background, s.chain(t), now)
			if name == "out of date" {
				require.ErrorIs(t, s.status(t, now), certs.Revoked)
			}
		})
	}
}

// A list that failed is not fetched for ten seconds, and each time twice as
// long, up to the interval.
func TestUpdateWaitsAfterFailures(t *testing.T) {
	s := newSite(t)
	from := s.url(t, atRegional)
	s.answer(from, http.NotFound)
	updater := s.updater(t, func(c *crlfetch.Config) { c.MinInterval = 30 * time.Second })
	at := now
	attempt := func() bool {
		requireFailed(t, updater.Update(background, s.chain(t), at), from, crlfetch.Unreachable, "found status 404")
		for _, asked := range s.requests() {
			if asked == from {
				return true
			}
		}
		return false
	}
	require.True(t, attempt())
	for _, wait := range []time.Duration{10, 20, 30, 30, 30} {
		at = at.Add(wait*time.Second - 1)
		require.False(t, attempt(), wait)
		at = at.Add(1)
		require.True(t, attempt(), wait)
	}
	s.serve(t, atRegional, s.list(t, atRoot))
	at = at.Add(30 * time.Second)
	require.NoError(t, updater.Update(background, s.chain(t), at))
	s.answer(from, http.NotFound)
	at = at.Add(30 * time.Second)
	require.True(t, attempt())
	at = at.Add(10 * time.Second)
	require.True(t, attempt(), "success begins anew")
	require.NoError(t, s.status(t, at))
}

// What is remembered is bounded. One certificate can name several lists.
func TestUpdateOfManyLists(t *testing.T) {
	s := newSite(t)
	transport := new(recorder)
	updater := s.updater(t, func(c *crlfetch.Config) {
		c.Hosts = []string{"a.invalid", simulatedHosts[0]}
		c.Client = &http.Client{Transport: transport}
	})
	const each = 15
	var err error
	for i := range certs.MaxGatheredCRLs/each + 1 {
		var urls []string
		for j := range each {
			urls = append(urls, fmt.Sprint("http://a.invalid/", i*each+j))
		}
		s.rename(t, urls...)
		err = updater.Update(background, s.chain(t), now)
		require.ErrorIs(t, err, crlfetch.Unreachable)
	}
	require.ErrorIs(t, err, crlfetch.TooMany)
	require.ErrorContains(t, err, "found 512 lists in use")
	require.Len(t, transport.asked, certs.MaxGatheredCRLs)

	// The issuer's certificate lasts 20 days; then there is room again.
	transport.asked = nil
	err = updater.Refresh(background, now.AddDate(0, 0, 21))
	requireFailed(t, err, s.url(t, atRegional), crlfetch.Unreachable, "found status 404")
	require.Equal(t, []string{s.url(t, atRegional)}, transport.asked)
}

func TestRefresh(t *testing.T) {
	s := newSite(t)
	both := []string{s.url(t, atZonal), s.url(t, atRegional)}
	updater := s.updater(t)
	require.NoError(t, updater.Refresh(background, now))
	require.Empty(t, s.requests(), "none is known")
	require.NoError(t, updater.Update(background, s.chain(t), now))
	require.ElementsMatch(t, both, s.requests())

	const age = crlfetch.DefaultRefreshAfter
	require.NoError(t, updater.Refresh(background, now.Add(age/4*3)))
	require.Empty(t, s.requests())
	s.serve(t, atRegional, s.list(t, atRoot, func(list *x509.RevocationList) { list.Number = big.NewInt(2) }, revoking(s.cert(t, atRegional))))
	require.NoError(t, updater.Refresh(background, now.Add(age)))
	require.ElementsMatch(t, both, s.requests())
	require.ErrorIs(t, s.status(t, now), certs.Revoked)
	require.NoError(t, updater.Refresh(background, now.Add(age)))
	require.Empty(t, s.requests())

	// A failure is reported once for each attempt.
	s.answer(s.url(t, atZonal), http.NotFound)
	requireFailed(t, updater.Refresh(background, now.Add(2*age)), s.url(t, atZonal), crlfetch.Unreachable, "found status 404")
	s.requests()
	require.NoError(t, updater.Refresh(background, now.Add(2*age+9*time.Second)))
	require.Empty(t, s.requests())
	requireFailed(t, updater.Refresh(background, now.Add(2*age+10*time.Second)), s.url(t, atZonal), crlfetch.Unreachable, "found status 404")
	require.Equal(t, []string{s.url(t, atZonal)}, s.requests())

	// The root's certificate is valid for decades, the regional one for days.
	s.serve(t, atRegional, s.list(t, atRoot, between(now.AddDate(0, 0, 20), now.AddDate(0, 0, 30))))
	require.NoError(t, updater.Refresh(background, now.AddDate(0, 0, 21)))
	require.Equal(t, []string{s.url(t, atRegional)}, s.requests())
}

// Lists that last less than the age at which they are fetched again are fetched
// when two thirds of their time is over, less a quarter.
func TestRefreshBeforeNextUpdate(t *testing.T) {
	s := newSite(t)
	updater := s.updater(t, func(c *crlfetch.Config) { c.RefreshAfter = 1000 * time.Hour })
	require.NoError(t, updater.Update(background, s.chain(t), now))
	s.requests()
	require.NoError(t, updater.Refresh(background, now.Add(12*time.Hour)))
	require.Empty(t, s.requests())
	require.NoError(t, updater.Refresh(background, now.Add(16*time.Hour)))
	require.Len(t, s.requests(), 2)

	// And at once when they were taken away.
	require.NoError(t, s.revocations.SetCRLs())
	require.NoError(t, updater.Refresh(background, now.Add(16*time.Hour)))
	assert.Len(t, s.requests(), 2)
	assert.NoError(t, s.status(t, now))
}
