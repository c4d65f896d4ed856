package service_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
)

// serial asks for /healthz and returns the serial number of the certificate that
// the server had, and whether the server closes the connection.
func serial(t *testing.T, c *http.Client, address string) (string, bool) {
	t.Helper()
	response, err := c.Get("https://" + address + "/healthz")
	require.NoError(t, err)
	_, err = io.ReadAll(response.Body) // to its end, or the connection is not used again
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, 200, response.StatusCode)
	return response.TLS.PeerCertificates[0].SerialNumber.String(), response.Close
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, data, 0o600))
}

func TestTheCertificateFollowsItsFiles(t *testing.T) {
	k, a := newKit(t), newAuthority(t)
	address, _ := k.startPolling(t, a.server(t), time.Hour)
	fresh := client(&tls.Config{RootCAs: a.pool})
	keeping := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.pool}}}
	before, closes := serial(t, keeping, address)
	assert.False(t, closes)

	a.server(t)
	now, _ := serial(t, fresh, address)
	assert.Equal(t, before, now, "not reloaded yet")
	k.reload()
	after, _ := serial(t, fresh, address)
	assert.NotEqual(t, before, after)
	assert.Contains(t, k.log.String(), `"msg":"file loaded","kind":"tls-cert","files":"`+a.path("server.pem")+", "+a.path("server.key")+`"`)

	// What was connected before is answered once more.
	now, closes = serial(t, keeping, address)
	assert.Equal(t, before, now)
	assert.True(t, closes)
	now, closes = serial(t, keeping, address)
	assert.Equal(t, after, now)
	assert.False(t, closes)
	k.reload()
	_, closes = serial(t, keeping, address)
	assert.False(t, closes, "nothing has changed")
}

func TestMetricsSayWhenTheCertificateEnds(t *testing.T) {
	k, a := newKit(t), newAuthority(t)
	k.startPolling(t, a.server(t), time.Hour)
	text, err := os.ReadFile(a.path("server.pem"))
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	name := a.path("server.pem") + ", " + a.path("server.key")
	assert.EqualValues(t, cert.NotAfter.Unix(), k.metric(t, `nitroattest_file_expiry_timestamp_seconds{file="`+name+`",kind="tls-cert"}`))
}

func TestAPairThatDoesNotFitKeepsTheOldOneAndIsReported(t *testing.T) {
	k, a := newKit(t), newAuthority(t)
	address, _ := k.startPolling(t, a.server(t), time.Hour)
	fresh := client(&tls.Config{RootCAs: a.pool})
	before, _ := serial(t, fresh, address)
	other := newAuthority(t)
	other.cert, other.key, other.pool = a.cert, a.key, a.pool
	other.server(t)
	name := a.path("server.pem") + ", " + a.path("server.key")
	restore := func() {
		copyFile(t, other.path("server.pem"), a.path("server.pem"))
		copyFile(t, other.path("server.key"), a.path("server.key"))
	}
	oldCert, err := os.ReadFile(a.path("server.pem"))
	require.NoError(t, err)
	for what, test := range map[string]struct {
		change func()
		text   string
	}{
		"the old certificate": {func() { require.NoError(t, os.WriteFile(a.path("server.pem"), oldCert, 0o600)) }, name + ": tls: private key does not match public key"},
		"no certificate":      {func() { require.NoError(t, os.Remove(a.path("server.pem"))) }, a.path("server.pem") + ": open: no such file"},
		"no key":              {func() { require.NoError(t, os.Remove(a.path("server.key"))) }, a.path("server.key") + ": open: no such file"},
		"a key cut off":       {func() { require.NoError(t, os.Truncate(a.path("server.key"), 100)) }, name + ": tls: failed to find any PEM data in key input"},
		"the two exchanged": {func() {
			restore()
			require.NoError(t, os.Rename(a.path("server.pem"), a.path("x")))
			require.NoError(t, os.Rename(a.path("server.key"), a.path("server.pem")))
			require.NoError(t, os.Rename(a.path("x"), a.path("server.key")))
		}, name + ": tls: failed to find certificate PEM data in certificate input"},
	} {
		t.Run(what, func(t *testing.T) {
			restore()
			test.change()
			k.reload()
			now, _ := serial(t, fresh, address)
			assert.Equal(t, before, now)
			response, state := k.send(t, "GET", "/readyz", "")
			assert.Equal(t, 200, response.StatusCode)
			assert.Contains(t, state["broken"].(object)["--tls-cert "+name], test.text)
			assert.Contains(t, k.metrics(t), `nitroattest_file_broken{file="`+name+`",kind="tls-cert"} 1`)
			key, err := os.ReadFile(other.path("server.key"))
			require.NoError(t, err)
			k.requireNoSecret(t, key)
		})
	}
	restore()
	k.reload()
	now, _ := serial(t, fresh, address)
	assert.NotEqual(t, before, now)
	_, state := k.send(t, "GET", "/readyz", "")
	assert.Empty(t, state["broken"])
}

// mutual is a client with a certificate of its authority, and a memory of
// sessions.
func (a *authority) mutual(t *testing.T, server *authority) *http.Client {
	t.Helper()
	a.issue(t, "client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	cert, err := tls.LoadX509KeyPair(a.path("client.pem"), a.path("client.key"))
	require.NoError(t, err)
	return client(&tls.Config{RootCAs: server.pool, ClientSessionCache: tls.NewLRUClientSessionCache(0),
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }})
}

func TestTheClientAuthoritiesFollowTheirFile(t *testing.T) {
	k, a, ours, theirs := newKit(t), newAuthority(t), newAuthority(t), newAuthority(t)
	listening := a.server(t)
	listening.ClientCA = a.path("clients.pem")
	copyFile(t, ours.path("ca.pem"), listening.ClientCA)
	address, _ := k.startPolling(t, listening, time.Hour)
	our, their := ours.mutual(t, a), theirs.mutual(t, a)
	get := func(c *http.Client) error {
		response, err := c.Get("https://" + address + "/healthz")
		if err == nil {
			response.Body.Close()
			assert.False(t, response.TLS.DidResume)
		}
		return err
	}
	require.NoError(t, get(our))
	require.NoError(t, get(our))
	assert.ErrorContains(t, get(their), "unknown certificate authority")

	ourCA, err := os.ReadFile(ours.path("ca.pem"))
	require.NoError(t, err)
	theirCA, err := os.ReadFile(theirs.path("ca.pem"))
	require.NoError(t, err)
	ourKey, err := os.ReadFile(ours.path("ca.key"))
	require.NoError(t, err)
	write := func(contents ...[]byte) {
		require.NoError(t, os.WriteFile(listening.ClientCA, slices.Concat(contents...), 0o600))
		k.reload()
	}
	for what, test := range map[string]struct {
		contents [][]byte
		text     string
	}{
		"empty":          {nil, "found no certificate"},
		"the second cut": {[][]byte{ourCA, theirCA[:len(theirCA)-9]}, "found 2 PEM blocks of which 1 can be read"},
		"with a key":     {[][]byte{theirCA, ourKey}, `found a PEM block "PRIVATE KEY", expected certificates`},
		"no certificate": {[][]byte{[]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}, "x509: malformed certificate"},
	} {
		t.Run(what, func(t *testing.T) {
			write(test.contents...)
			assert.NoError(t, get(our))
			assert.ErrorContains(t, get(their), "unknown certificate authority")
			_, state := k.send(t, "GET", "/readyz", "")
			assert.Contains(t, state["broken"].(object)["--client-ca "+listening.ClientCA], listening.ClientCA+": "+test.text)
		})
	}

	write([]byte("# both\n"), ourCA, []byte("\n# theirs\n"), theirCA)
	assert.NoError(t, get(our))
	assert.NoError(t, get(their))
	write(theirCA)
	assert.ErrorContains(t, get(our), "unknown certificate authority")
	assert.NoError(t, get(their))

	// The certificate of the server and the authorities change apart.
	a.server(t)
	k.reload()
	assert.NoError(t, get(their))
	assert.ErrorContains(t, get(our), "unknown certificate authority")
}

// Without Files, as before: nothing is read twice.
func TestListenWithoutFiles(t *testing.T) {
	listener, err := service.Listen(newAuthority(t).server(t))
	require.NoError(t, err)
	require.NoError(t, listener.Close())
}

func TestServePollsTheFiles(t *testing.T) {
	k, path := keyFileKit(t)
	k.start(t, service.Listening{Address: "127.0.0.1:0"})
	require.NoError(t, os.WriteFile(path, pkcs8(t, newKey(t, k.earKey.Curve)), 0o600))
	for len(k.keyIDs(t)) == 1 {
		time.Sleep(time.Millisecond)
	}
}
