package service_test

import (
	"context"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/connections"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
)

// authority is a certificate authority with the files that it made.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  any
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir(), pool: x509.NewCertPool()}
	a.cert, a.key = a.issue(t, "ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign})
	a.pool.AddCert(a.cert)
	return a
}

// issue writes NAME.pem and NAME.key.
func (a *authority) issue(t *testing.T, name string, template *x509.Certificate) (*x509.Certificate, any) {
	t.Helper()
	key := newKey(t, elliptic.P256())
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.Subject = pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(a.path(name+".pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(a.path(name+".key"), pkcs8(t, key), 0o600))
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert, key
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) server(t *testing.T) service.Listening {
	a.issue(t, "server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	return service.Listening{Address: "127.0.0.1:0", TLSCert: a.path("server.pem"), TLSKey: a.path("server.key"), Connections: connections.Limits{Total: 10, PerClient: 10}}
}

// start serves until the test ends or stop is called.
func (k *kit) start(t *testing.T, l service.Listening) (address string, stop func() error) {
	t.Helper()
	return k.startPolling(t, l, time.Millisecond)
}

func (k *kit) startPolling(t *testing.T, l service.Listening, every time.Duration) (address string, stop func() error) {
	t.Helper()
	l.Files = k.config.Files
	listener, err := service.Listen(l)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- k.Serve(ctx, listener, service.Running{PolicyInterval: every, ShutdownTimeout: time.Minute})
	}()
	var result error
	var stopped bool
	stop = func() error {
		cancel()
		if !stopped {
			result, stopped = <-served, true
		}
		return result
	}
	t.Cleanup(func() { assert.NoError(t, stop()) })
	return listener.Addr().String(), stop
}

func client(config *tls.Config) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
}

// The memory of an answer is used again as soon as its handler has returned,
// which HTTP/2 does not allow.
func TestNoHTTP2(t *testing.T) {
	k, a := newKit(t), newAuthority(t)
	address, _ := k.start(t, a.server(t))
	both := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.pool}, ForceAttemptHTTP2: true}}
	response, err := both.Get("https://" + address + "/healthz")
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, "HTTP/1.1", response.Proto)

	plain, _ := k.start(t, service.Listening{Address: "127.0.0.1:0"})
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	_, err = (&http.Client{Transport: &http.Transport{Protocols: protocols}}).Get("http://" + plain + "/healthz")
	require.ErrorContains(t, err, "http2: ")
}

func TestTLS(t *testing.T) {
	k, a := newKit(t), newAuthority(t)
	address, _ := k.start(t, a.server(t))
	response, err := client(&tls.Config{RootCAs: a.pool}).Get("https://" + address + "/healthz")
	require.NoError(t, err)
	response.Body.Close()
	assert.Equal(t, 200, response.StatusCode)
	assert.EqualValues(t, tls.VersionTLS13, response.TLS.Version)

	_, err = client(&tls.Config{RootCAs: a.pool, MaxVersion: tls.VersionTLS12}).Get("https://" + address + "/healthz")
	assert.ErrorContains(t, err, "protocol version")
}

func TestMutualTLS(t *testing.T) {
	k, a, strangers := newKit(t), newAuthority(t), newAuthority(t)
	listening := a.server(t)
	listening.ClientCA = a.path("ca.pem")
	address, _ := k.start(t, listening)
	get := func(authority *authority) error {
		config := &tls.Config{RootCAs: a.pool}
		if authority != nil {
			authority.issue(t, "client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
			cert, err := tls.LoadX509KeyPair(authority.path("client.pem"), authority.path("client.key"))
			require.NoError(t, err)
			// Whatever authorities the server names.
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
		}
		response, err := client(config).Get("https://" + address + "/healthz")
		if err == nil {
			response.Body.Close()
		}
		return err
	}
	require.NoError(t, get(a))
	assert.ErrorContains(t, get(nil), "certificate required")
	assert.ErrorContains(t, get(strangers), "unknown certificate authority")
}

func TestBeyondLoopbackItNeedsTLS(t *testing.T) {
	for _, address := range []string{":0", "0.0.0.0:0"} {
		listener, err := service.Listen(service.Listening{Address: address})
		require.ErrorIs(t, err, service.ErrNoTLS)
		assert.Nil(t, listener)
		listener, err = service.Listen(service.Listening{Address: address, InsecureNoTLS: true})
		require.NoError(t, err)
		listener.Close()
	}
	listening := newAuthority(t).server(t)
	listening.Address = "0.0.0.0:0"
	listener, err := service.Listen(listening)
	require.NoError(t, err)
	listener.Close()
	for _, address := range []string{"127.0.0.1:0", "localhost:0"} {
		listener, err := service.Listen(service.Listening{Address: address})
		require.NoError(t, err)
		listener.Close()
	}
}

func TestListenSaysWhichFileIsAtFault(t *testing.T) {
	a := newAuthority(t)
	for message, change := range map[string]func(*service.Listening){
		"expected both a certificate and its key": func(l *service.Listening) { l.TLSKey = "" },
		"none.pem": func(l *service.Listening) { l.TLSCert = a.path("none.pem") },
		"client authorities: none: open: no such":   func(l *service.Listening) { l.ClientCA = "none" },
		"server.key: found a PEM block \"PRIVATE K": func(l *service.Listening) { l.ClientCA = a.path("server.key") },
		"tls: private key does not match public ke": func(l *service.Listening) { l.TLSKey = a.path("ca.key") },
		"missing port": func(l *service.Listening) { l.Address = "127.0.0.1" },
	} {
		listening := a.server(t)
		change(&listening)
		listener, err := service.Listen(listening)
		assert.ErrorContains(t, err, message)
		assert.Nil(t, listener)
	}
	_, err := service.Listen(service.Listening{Address: "127.0.0.1:0", ClientCA: a.path("ca.pem")})
	assert.ErrorContains(t, err, "expected both a certificate and its key")
}

func TestShutdownFinishesWhatItHasBegun(t *testing.T) {
	k, started, release := blockedKit(t, 1)
	defer release()
	address, stop := k.start(t, service.Listening{Address: "127.0.0.1:0"})
	body := toJSON(t, k.good(t))
	answered := make(chan string, 1)
	go func() {
		response, err := http.Post("http://"+address+"/v1/verify", "application/json", strings.NewReader(body))
		if err != nil {
			answered <- err.Error()
			return
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		answered <- string(text)
	}()
	<-started
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for !strings.Contains(k.log.String(), "shutting down") {
		time.Sleep(time.Millisecond)
	}
	response, state := k.send(t, "GET", "/readyz", "")
	assert.Equal(t, 503, response.StatusCode)
	assert.Equal(t, true, state["draining"])
	select {
	case <-stopped:
		t.Fatal("it stopped with a request under way")
	default:
	}
	release()
	assert.Contains(t, <-answered, `"accepted":true`)
	assert.NoError(t, <-stopped)
	_, err := http.Get("http://" + address + "/healthz")
	assert.Error(t, err)
}

func TestShutdownGivesUpInTheEnd(t *testing.T) {
	k, started, release := blockedKit(t, 1)
	defer release()
	listener, err := service.Listen(service.Listening{Address: "127.0.0.1:0"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- k.Serve(ctx, listener, service.Running{PolicyInterval: time.Hour, ShutdownTimeout: time.Millisecond})
	}()
	body := toJSON(t, k.good(t))
	go func() {
		response, err := http.Post("http://"+listener.Addr().String()+"/v1/verify", "application/json", strings.NewReader(body))
		if err == nil {
			response.Body.Close()
		}
	}()
	<-started
	cancel()
	assert.ErrorContains(t, <-served, "some requests were not finished after 1ms")
}

func TestServePollsThePolicies(t *testing.T) {
	k := newKit(t)
	address, _ := k.start(t, service.Listening{Address: "127.0.0.1:0"})
	k.write(t, "late.json", policyJSON(t, k.hypervisor.Enclave().Image()))
	for {
		response, err := http.Get("http://" + address + "/readyz")
		require.NoError(t, err)
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		require.NoError(t, err)
		if strings.Contains(string(text), `"late"`) {
			break
		}
		time.Sleep(time.Millisecond)
	}
}

func TestServeSaysThatTheListenerBroke(t *testing.T) {
	k := newKit(t)
	listener, err := service.Listen(service.Listening{Address: "127.0.0.1:0"})
	require.NoError(t, err)
	listener.Close()
	err = k.Serve(t.Context(), listener, service.Running{PolicyInterval: time.Hour, ShutdownTimeout: time.Second})
	assert.ErrorIs(t, err, net.ErrClosed)
}
