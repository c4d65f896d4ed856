package service_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
)

var operatorsPaths = []string{"/healthz", "/readyz", "/metrics"}

func statusOf(handler http.Handler, path string) int {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest("GET", path, nil))
	return recorder.Code
}

func TestWhatIsForOperatorsIsApart(t *testing.T) {
	k := newKit(t, func(k *kit) { k.config.AdminApart = true })
	for _, path := range operatorsPaths {
		assert.Equal(t, 404, statusOf(k, path), path)
		assert.Equal(t, 200, statusOf(k.Admin(), path), path)
	}
	assert.Equal(t, 200, statusOf(k, "/openapi.json"))
	assert.Equal(t, 404, statusOf(k.Admin(), "/openapi.json"))
	assert.Equal(t, 404, statusOf(k.Admin(), "//readyz"))

	together := newKit(t)
	for _, path := range operatorsPaths {
		assert.Equal(t, 200, statusOf(together, path), path)
	}
}

func TestProfilesAreThereOnlyWhenAllowed(t *testing.T) {
	forbidden := newKit(t)
	allowed := newKit(t, func(k *kit) { k.config.InsecureProfiles = true })
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/symbol"} {
		assert.Equal(t, 404, statusOf(forbidden, path), path)
		assert.Equal(t, 404, statusOf(forbidden.Admin(), path), path)
		assert.Equal(t, 404, statusOf(allowed, path), path)
		assert.Equal(t, 200, statusOf(allowed.Admin(), path), path)
	}
}

// The listener for operators has other time limits then.
func TestProfilesAreServed(t *testing.T) {
	k := newKit(t, func(k *kit) { k.config.AdminApart, k.config.InsecureProfiles = true, true })
	socket := filepath.Join(shortDir(t), "admin")
	k.start(t, service.Listening{Address: "127.0.0.1:0", Admin: []string{"unix:" + socket}})
	overSocket := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	response, err := overSocket.Get("http://localhost/debug/pprof/heap")
	require.NoError(t, err)
	response.Body.Close()
	assert.Equal(t, 200, response.StatusCode)
}

// Where every caller needs a certificate, operators still need none.
func TestOperatorsNeedNoCertificate(t *testing.T) {
	k, a := newKit(t, func(k *kit) { k.config.AdminApart = true }), newAuthority(t)
	listening := a.server(t)
	listening.ClientCA = a.path("ca.pem")
	listening.Files = k.config.Files
	socket := filepath.Join(shortDir(t), "admin")
	listening.Admin = []string{"127.0.0.1:0", "unix:" + socket, "0.0.0.0:0"}
	listeners, err := service.Listen(listening)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- k.Serve(ctx, listeners, service.Running{PolicyInterval: time.Hour, ShutdownTimeout: time.Minute})
	}()
	defer func() {
		cancel()
		assert.NoError(t, <-served)
	}()

	_, port, err := net.SplitHostPort(listeners.Admin[2].Addr().String())
	require.NoError(t, err)
	overSocket := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	for url, client := range map[string]*http.Client{
		"http://" + listeners.Admin[0].Addr().String(): client(nil),
		"http://localhost":          overSocket,
		"https://127.0.0.1:" + port: client(&tls.Config{RootCAs: a.pool}),
	} {
		response, err := client.Get(url + "/healthz")
		require.NoError(t, err, url)
		response.Body.Close()
		assert.Equal(t, 200, response.StatusCode)
	}
	_, err = client(&tls.Config{RootCAs: a.pool}).Get("https://" + listeners.Addr().String() + "/v1/keys")
	assert.ErrorContains(t, err, "certificate required")
	response, err := overSocket.Get("http://localhost/metrics")
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Contains(t, string(text), `nitroattest_connections{listener="admin-1",state="busy"} 1`)
}

func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "service")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

func TestAnAddressForOperatorsThatCannotBe(t *testing.T) {
	dir := shortDir(t)
	file, used, stale := filepath.Join(dir, "file"), filepath.Join(dir, "used"), filepath.Join(dir, "stale")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	listener, err := net.Listen("unix", used)
	require.NoError(t, err)
	defer listener.Close()
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	require.NoError(t, err)
	left.SetUnlinkOnClose(false)
	require.NoError(t, left.Close())

	for address, message := range map[string]string{
		"unix:" + file: "unix:" + file + ": found a file that is no socket",
		"unix:" + used: "unix:" + used + ": found a process that listens there already",
		"0.0.0.0:0":    "0.0.0.0:0: found an address beyond loopback, expected a certificate for TLS",
		"127.0.0.1":    "127.0.0.1: ",
	} {
		_, err := service.Listen(service.Listening{Address: "127.0.0.1:0", Admin: []string{address}})
		var admin *service.AdminError
		require.ErrorAs(t, err, &admin)
		assert.Equal(t, address, admin.Address)
		assert.Contains(t, err.Error(), message)
	}
	require.FileExists(t, file)
	listeners, err := service.Listen(service.Listening{Address: "127.0.0.1:0", Admin: []string{"unix:" + stale}})
	require.NoError(t, err)
	require.NoError(t, listeners.Close())
	require.NoFileExists(t, stale)
}

// While the service is about to stop it takes connections, and keeps none.
func TestDelayBeforeTheEnd(t *testing.T) {
	k := newKit(t)
	listeners, err := service.Listen(service.Listening{Address: "127.0.0.1:0"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	abort, served, states := make(chan struct{}), make(chan error, 1), make(chan service.State, 10)
	go func() {
		served <- k.Serve(ctx, listeners, service.Running{PolicyInterval: time.Hour, ShutdownDelay: time.Hour, ShutdownTimeout: time.Hour,
			Abort: abort, Notify: func(s service.State) { states <- s }})
	}()
	url := "http://" + listeners.Addr().String()
	keeping := &http.Client{Transport: &http.Transport{}}
	get := func(path string) *http.Response {
		response, err := keeping.Get(url + path)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		response.Body.Close()
		return response
	}
	assert.Equal(t, service.Ready, <-states)
	assert.False(t, get("/healthz").Close)
	cancel()
	assert.Equal(t, service.Stopping, <-states)
	for range 3 {
		response := get("/v1/keys")
		assert.Equal(t, 200, response.StatusCode)
		assert.True(t, response.Close)
	}
	assert.Equal(t, 503, get("/readyz").StatusCode)
	assert.Equal(t, 200, get("/healthz").StatusCode)
	close(abort)
	require.ErrorIs(t, <-served, service.ErrCut)
	_, err = keeping.Get(url + "/healthz")
	assert.Error(t, err)
}
