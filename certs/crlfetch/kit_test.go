package crlfetch_test

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/certs/crlfetch"
)

var now = time.Date(2025, 4, 15, 2, 30, 0, 0, time.UTC)

const (
	atRoot     = attestationtest.LevelRoot
	atRegional = attestationtest.LevelRegional
	atZonal    = attestationtest.LevelZonal
)

// simulatedHosts are AWSHosts as the simulated hypervisor has them.
var simulatedHosts = []string{
	"aws-nitro-enclaves-crl.s3.nitro.invalid",
	"crl-<region>-aws-nitro-enclaves.s3.<region>.nitro.invalid",
}

// site is a hypervisor, and a server that stands behind every host and serves
// the lists of its authorities.
type site struct {
	hypervisor  *attestationtest.Hypervisor
	blueprint   *attestationtest.Blueprint
	revocations *certs.Revocations
	client      *http.Client

	mu      sync.Mutex
	asked   []string // URLs, in the order of the requests
	answers map[string]http.HandlerFunc
}

func newSite(t testing.TB) *site {
	h := attestationtest.NewHypervisor(attestationtest.WithSeed([]byte("site")), attestationtest.WithTime(now))
	s := &site{hypervisor: h, blueprint: h.Blueprint(attestationtest.Request{}), answers: map[string]http.HandlerFunc{}}
	var err error
	s.revocations, err = certs.NewRevocations(certs.RevocationConfig{Unknown: certs.RefuseUnknown})
	require.NoError(t, err)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.client = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}}}
	s.serve(t, atRegional, s.list(t, atRoot))
	s.serve(t, atZonal, s.list(t, atRegional))
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from := "http://" + r.Host + r.URL.Path
	s.mu.Lock()
	s.asked = append(s.asked, from)
	answer := s.answers[from]
	s.mu.Unlock()
	if answer == nil {
		answer = http.NotFound
	}
	answer(w, r)
}

// requests returns the URLs asked for since the last call.
func (s *site) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

func (s *site) answer(from string, handler http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[from] = handler
}

// serve answers with a list where a certificate expects it.
func (s *site) serve(t testing.TB, level attestationtest.Level, list []byte) {
	s.answer(s.url(t, level), func(w http.ResponseWriter, _ *http.Request) { w.Write(list) })
}

func (s *site) cert(t testing.TB, level attestationtest.Level) *x509.Certificate {
	cert, err := s.blueprint.Chain[level].X509()
	require.NoError(t, err)
	return cert
}

func (s *site) url(t testing.TB, level attestationtest.Level) string {
	return s.cert(t, level).CRLDistributionPoints[0]
}

func (s *site) list(t testing.TB, level attestationtest.Level, edits ...func(*x509.RevocationList)) []byte {
	template := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(24 * time.Hour)}
	for _, edit := range edits {
		edit(template)
	}
	list, err := s.blueprint.Chain[level].SignRevocationList(template)
	require.NoError(t, err)
	return list
}

func revoking(cert *x509.Certificate) func(*x509.RevocationList) {
	return func(list *x509.RevocationList) {
		list.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: cert.SerialNumber, RevocationTime: now}}
	}
}

func between(thisUpdate, nextUpdate time.Time) func(*x509.RevocationList) {
	return func(list *x509.RevocationList) { list.ThisUpdate, list.NextUpdate = thisUpdate, nextUpdate }
}

func (s *site) config() crlfetch.Config {
	return crlfetch.Config{Revocations: s.revocations, Roots: s.hypervisor.Roots(), Client: s.client, Hosts: simulatedHosts}
}

func (s *site) updater(t testing.TB, edits ...func(*crlfetch.Config)) *crlfetch.Updater {
	config := s.config()
	for _, edit := range edits {
		edit(&config)
	}
	updater, err := crlfetch.New(config)
	require.NoError(t, err)
	return updater
}

func chainOf(t testing.TB, document []byte) certs.Chain {
	u, err := attestation.ParseUnverified(document)
	require.NoError(t, err)
	return certs.Chain{Bundle: u.CABundle, Leaf: u.Certificate, ModuleID: u.Document.ModuleID}
}

func (s *site) chain(t testing.TB) certs.Chain { return chainOf(t, s.blueprint.Document()) }

// status is what a verifier with the revocations says.
func (s *site) status(t testing.TB, at time.Time) error {
	verifier, err := certs.NewVerifier(s.hypervisor.Roots(), certs.Config{Revocations: s.revocations})
	require.NoError(t, err)
	_, err = verifier.Verify(s.chain(t), at)
	return err
}

// rename gives the zonal certificate other URLs.
func (s *site) rename(t testing.TB, urls ...string) {
	var names []asn1.RawValue
	for _, u := range urls {
		names = append(names, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 6, Bytes: []byte(u)})
	}
	type fullName struct {
		Names []asn1.RawValue `asn1:"tag:0"`
	}
	type point struct {
		Name fullName `asn1:"tag:0"`
	}
	value, err := asn1.Marshal([]point{{fullName{names}}})
	require.NoError(t, err)
	extensions := s.blueprint.Chain[atZonal].Extensions
	extensions[len(extensions)-1] = pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 31}, Value: value}
	require.Equal(t, urls, s.cert(t, atZonal).CRLDistributionPoints)
}

// requireFailed asserts which list was not updated, why, and that nothing else
// went wrong.
func requireFailed(t testing.TB, err error, from string, reason crlfetch.Reason, detail string) {
	t.Helper()
	require.ErrorIs(t, err, reason)
	var failed *crlfetch.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, from, failed.URL)
	require.Equal(t, reason, failed.Reason)
	require.Contains(t, failed.Error(), detail)
	text := string(reason) + `: the list "` + from + `": `
	require.True(t, strings.HasPrefix(failed.Error(), text) && len(failed.Error()) > len(text), failed)
	require.Equal(t, 1, strings.Count(failed.Error(), from), "the URL is said once: %s", failed)
	require.Equal(t, failed.Error(), err.Error())
}
