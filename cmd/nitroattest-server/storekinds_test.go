package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore/redistest"
)

// writeServerCertificate writes a certificate for 127.0.0.1, which is its own
// authority, and its key.
func writeServerCertificate(t *testing.T) (certificate, key string) {
	t.Helper()
	dir := shortDir(t)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "store"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
	return certificate, key
}

// The store is asked over TLS, and only if an authority that was named vouches
// for it.
func TestAStoreBehindTLS(t *testing.T) {
	certificate, key := writeServerCertificate(t)
	other, _ := writeServerCertificate(t)
	port := freePort(t)
	store := redistest.New(t, append(redisOptions, "--tls-port", port,
		"--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no")...)
	flags := append(replicaFlags(t, store), "--listen", "127.0.0.1:0", "--redis", "rediss://127.0.0.1:"+port)

	r := startReplica(t, append(flags, "--redis-ca", certificate))
	request := exchange(t, r)
	requireVerdict(t, r, request, "")
	requireVerdict(t, r, request, "nonce-already-redeemed")

	for name, more := range map[string][]string{
		"another authority":       {"--redis-ca", other},
		"the system's":            nil,
		"no TLS on the other end": {"--redis-ca", certificate, "--redis", "redis://127.0.0.1:" + port},
	} {
		t.Run(name, func(t *testing.T) {
			command := exec.Command("nitroattest-server", append(flags, more...)...)
			command.Env = append(os.Environ(), "NITROATTEST_REDIS_PASSWORD="+redisTestPassword)
			out, err := command.CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, "%s", out)
			assert.Equal(t, 2, exit.ExitCode(), "%s", out)
			assert.Contains(t, string(out), "--redis")
			assert.NotContains(t, string(out), redisTestPassword)
		})
	}
}

// startCluster makes a Redis Cluster of three masters, each with a third of the
// 16,384 slots.
func startCluster(t *testing.T) (masters []*redistest.Server, address string) {
	t.Helper()
	var ports, buses []string
	for range 3 {
		ports, buses = append(ports, freePort(t)), append(buses, freePort(t))
	}
	for i := range ports {
		masters = append(masters, redistest.New(t, append(redisOptions, "--bind", "127.0.0.1", "--port", ports[i],
			"--cluster-enabled", "yes", "--cluster-port", buses[i], "--cluster-node-timeout", "1000")...))
	}
	for i, master := range masters {
		client := operator(t, master)
		last := (i+1)*16384/3 - 1
		if i == len(masters)-1 {
			last = 16383
		}
		require.NoError(t, client.ClusterAddSlotsRange(t.Context(), i*16384/3, last).Err())
		require.NoError(t, client.Do(t.Context(), "CLUSTER", "MEET", "127.0.0.1", ports[0], buses[0]).Err())
	}
	for _, master := range masters {
		for client := operator(t, master); ; time.Sleep(20 * time.Millisecond) {
			info, err := client.ClusterInfo(t.Context()).Result()
			require.NoError(t, err)
			if strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3") {
				break
			}
		}
	}
	return masters, "127.0.0.1:" + ports[0]
}

// The nonces lie on all masters of a cluster. When one is lost, no nonce is
// accepted a second time, wherever it lay.
func TestACluster(t *testing.T) {
	if testing.Short() {
		t.Skip("a cluster takes seconds to form and to notice a loss")
	}
	masters, address := startCluster(t)
	r := startReplica(t, append(replicaFlags(t, masters[0]), "--listen", "127.0.0.1:0", "--redis", "redis+cluster://"+address))
	var redeemed []string
	for range 30 {
		redeemed = append(redeemed, exchange(t, r))
	}
	for _, request := range redeemed {
		requireVerdict(t, r, request, "")
	}
	for _, master := range masters {
		size, err := operator(t, master).DBSize(t.Context()).Result()
		require.NoError(t, err)
		require.Positive(t, size, "nothing lies on one of the masters")
	}
	for _, request := range redeemed {
		requireVerdict(t, r, request, "nonce-already-redeemed")
	}

	masters[2].Kill()
	lost := 0
	for _, request := range redeemed {
		a, err := r.post("/v1/verify", request)
		require.NoError(t, err)
		if a.status == http.StatusOK {
			require.False(t, *a.Accepted)
			require.Equal(t, "nonce-already-redeemed", a.Reason)
		} else {
			requireUnavailable(t, a)
			lost++
		}
	}
	require.Positive(t, lost, "the master that was lost had no nonce")
}
