package service_test

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net/http/httptest"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
)

// askAs makes a request with a certificate that has a SPIFFE ID.
func (a *authority) askAs(t *testing.T, address, id string) error {
	t.Helper()
	uri, err := url.Parse(id)
	require.NoError(t, err)
	a.issue(t, "client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, URIs: []*url.URL{uri}})
	return a.ask(t, address)
}

// ask uses the certificate that was made last.
func (a *authority) ask(t *testing.T, address string) error {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(a.path("client.pem"), a.path("client.key"))
	require.NoError(t, err)
	response, err := client(&tls.Config{RootCAs: a.pool, Certificates: []tls.Certificate{cert}}).Get("https://" + address + "/v1/keys")
	if err == nil {
		response.Body.Close()
	}
	return err
}

func TestClientsNeedANameThatIsAllowed(t *testing.T) {
	k, a := newKit(t), newAuthority(t)
	listening := a.server(t)
	listening.ClientCA = a.path("ca.pem")
	listening.ClientNames = []string{"spiffe://example.org/payments", "spiffe://example.org/team/*"}
	address, _ := k.start(t, listening)
	for id, allowed := range map[string]bool{
		"spiffe://example.org/payments":       true,
		"spiffe://example.org/team/a/b":       true,
		"spiffe://example.org/payments/other": false,
		"spiffe://example.org/team":           false,
		"spiffe://example.org/team/":          false,
		"spiffe://example.com/payments":       false,
		"SPIFFE://example.org/payments":       true, // a scheme has no case, RFC 3986, section 3.1
	} {
		err := a.askAs(t, address, id)
		assert.Equal(t, allowed, err == nil, "%s: %v", id, err)
	}
	a.issue(t, "client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, DNSNames: []string{"spiffe://example.org/payments"}})
	assert.Error(t, a.ask(t, address), "a DNS name is no SPIFFE ID")
	assert.Contains(t, k.log.String(), "the client's certificate has none of the names that are allowed")
	// The log says who asked.
	assert.Contains(t, k.log.String(), `"client_subject":"CN=client","client_spiffe_id":"spiffe://example.org/payments"`)
}

func TestNamesThatCouldMatchTooMuch(t *testing.T) {
	for name, good := range map[string]bool{
		"payments.internal": true, "spiffe://example.org/a": true, "spiffe://example.org/*": true, "a@example.org": true,
		"": false, " a": false, "*": false, "*.internal": false, "spiffe://*": false, "spiffe:///*": false, "spiffe://example.org/a*": false, "spiffe://example.org/*/a": false,
	} {
		assert.Equal(t, good, service.CheckClientName(name) == nil, name)
	}
}

func (a *authority) writeList(t *testing.T, until time.Time, revoked ...*big.Int) {
	t.Helper()
	list := &x509.RevocationList{}
	for _, serial := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: serial, RevocationTime: time.Now()})
	}
	a.writeListWith(t, list, until)
}

func (a *authority) writeListWith(t *testing.T, list *x509.RevocationList, until time.Time) {
	t.Helper()
	list.Number, list.ThisUpdate, list.NextUpdate = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), until
	der, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key.(crypto.Signer))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(a.path("clients.crl"), der, 0o600))
}

// deltaCRL says that a list has what has changed since number 1 (RFC 5280, section
// 5.2.4).
var deltaCRL = pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}

func TestRevokedClients(t *testing.T) {
	k, a := newKit(t), newAuthority(t)
	listening := a.server(t)
	listening.ClientCA, listening.ClientCRL = a.path("ca.pem"), a.path("clients.crl")
	a.writeList(t, time.Now().Add(time.Hour))
	address, _ := k.startPolling(t, listening, time.Hour)
	require.NoError(t, a.askAs(t, address, "spiffe://example.org/a"))

	cert, err := tls.LoadX509KeyPair(a.path("client.pem"), a.path("client.key"))
	require.NoError(t, err)
	a.writeList(t, time.Now().Add(time.Hour), cert.Leaf.SerialNumber)
	k.config.Files.Reload()
	require.Error(t, a.ask(t, address))
	require.NoError(t, a.askAs(t, address, "spiffe://example.org/b"))

	// A list that should have been replaced, or one of somebody else, says nothing.
	a.writeList(t, time.Now().Add(-time.Minute))
	k.config.Files.Reload()
	require.Error(t, a.ask(t, address))
	assert.Contains(t, k.log.String(), `"msg":"file in use has expired","kind":"client-crl"`)
	strangers := newAuthority(t)
	strangers.writeList(t, time.Now().Add(time.Hour))
	foreign, err := os.ReadFile(strangers.path("clients.crl"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(a.path("clients.crl"), foreign, 0o600))
	k.config.Files.Reload()
	require.Error(t, a.ask(t, address))

	// What is broken leaves in use what was there before.
	a.writeList(t, time.Now().Add(time.Hour))
	k.config.Files.Reload()
	require.NoError(t, a.ask(t, address))
	require.NoError(t, os.WriteFile(a.path("clients.crl"), []byte("broken"), 0o600))
	k.config.Files.Reload()
	require.NoError(t, a.ask(t, address))
	for _, critical := range [][2][]pkix.Extension{{{deltaCRL}, nil}, {nil, {deltaCRL}}} {
		a.writeListWith(t, &x509.RevocationList{ExtraExtensions: critical[0], RevokedCertificateEntries: []x509.RevocationListEntry{
			{SerialNumber: cert.Leaf.SerialNumber, RevocationTime: time.Now(), ExtraExtensions: critical[1]},
		}}, time.Now().Add(time.Hour))
		_, err = service.Listen(listening)
		assert.ErrorContains(t, err, "with the critical extension 2.5.29.27")
	}

	listening.ClientCA = ""
	_, err = service.Listen(listening)
	assert.ErrorContains(t, err, "expected all or none")
}

// Whoever can put an old list into the file brings nobody back who was revoked since,
// also not by way of a file in which the list is missing.
func TestClientListsDoNotGoBack(t *testing.T) {
	k, a := newKit(t), newAuthority(t)
	listening := a.server(t)
	listening.ClientCA, listening.ClientCRL = a.path("ca.pem"), a.path("clients.crl")
	read := func() []byte {
		list, err := os.ReadFile(a.path("clients.crl"))
		require.NoError(t, err)
		return list
	}
	use := func(list []byte) {
		require.NoError(t, os.WriteFile(a.path("clients.crl"), list, 0o600))
		k.config.Files.Reload()
	}
	a.writeList(t, time.Now().Add(time.Hour))
	old := read()
	address, _ := k.startPolling(t, listening, time.Hour)
	require.NoError(t, a.askAs(t, address, "spiffe://example.org/a"))
	cert, err := tls.LoadX509KeyPair(a.path("client.pem"), a.path("client.key"))
	require.NoError(t, err)
	a.writeList(t, time.Now().Add(time.Hour), cert.Leaf.SerialNumber)
	revoking := read()
	use(revoking)
	require.Error(t, a.ask(t, address))

	use(old)
	require.Error(t, a.ask(t, address))
	assert.Contains(t, k.log.String(), "which was there before")

	strangers := newAuthority(t)
	strangers.writeList(t, time.Now().Add(time.Hour))
	foreign, err := os.ReadFile(strangers.path("clients.crl"))
	require.NoError(t, err)
	use(foreign)
	use(old)
	require.Error(t, a.ask(t, address))

	use(revoking)
	require.Error(t, a.ask(t, address))
	a.writeList(t, time.Now().Add(time.Hour))
	use(read())
	require.NoError(t, a.ask(t, address), "a newer one may take it off")
}

// A connection ends with the certificate of its client.
func TestAClientWhoseCertificateEnds(t *testing.T) {
	k := newKit(t)
	for name, chains := range map[string][][]*x509.Certificate{
		"close": {{{NotAfter: time.Now().Add(-time.Second)}, {NotAfter: time.Now().Add(time.Hour)}}},
		"":      {{{NotAfter: time.Now().Add(time.Hour)}, {NotAfter: time.Now().Add(-time.Second)}}, {{NotAfter: time.Now().Add(time.Hour)}}},
	} {
		request := httptest.NewRequest("GET", "/v1/keys", nil)
		request.TLS = &tls.ConnectionState{VerifiedChains: chains}
		recorder := httptest.NewRecorder()
		k.ServeHTTP(recorder, request)
		assert.Equal(t, 200, recorder.Code)
		assert.Equal(t, name, recorder.Header().Get("Connection"))
	}
}
