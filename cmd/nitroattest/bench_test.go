package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha512"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
)

// A fleet of which every enclave sends some documents, as an auditor may find
// it in a bucket.
const (
	benchInstances = 250
	benchEnclaves  = 2  // on each instance
	benchDocuments = 20 // of each enclave
)

// BenchmarkTenThousandDocuments runs the command, as a process of its own, on
// ten thousand simulated documents and the authentic recorded ones. It
// reports the share of the time that is spent on signatures if all cores did
// nothing else (1.0: no overhead at all), and the memory of the process.
func BenchmarkTenThousandDocuments(b *testing.B) {
	dir := b.TempDir()
	documents, certificates := writeFleet(b, filepath.Join(dir, "fleet"))
	roots := filepath.Join(dir, "roots.pem")
	command := filepath.Join(dir, "nitroattest")
	require.NoError(b, os.Rename(filepath.Join(dir, "fleet", "roots.pem"), roots))
	self, err := os.Executable()
	require.NoError(b, err)
	require.NoError(b, os.Symlink(self, command)) // testscript runs a command by its name
	rate := signatureRate(b)
	b.ResetTimer()
	for range b.N {
		cmd := exec.Command(command, "verify", "--any-image", "--allow-debug", "--recorded", "--root", roots, filepath.Join(dir, "fleet"))
		start := time.Now()
		require.NoError(b, cmd.Run())
		elapsed := time.Since(start)
		usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		floor := float64(documents+certificates) / rate
		b.ReportMetric(floor/elapsed.Seconds(), "of-floor")
		b.ReportMetric(float64(documents)/elapsed.Seconds(), "documents/s")
		b.ReportMetric(float64(usage.Maxrss)/1024, "MiB-resident")
	}
}

// writeFleet returns how many documents it wrote and how many certificates
// below the roots they have between them: the signatures that have to be
// verified, each once.
func writeFleet(b *testing.B, dir string) (documents, certificates int) {
	require.NoError(b, os.MkdirAll(dir, 0o755))
	seen := map[string]bool{}
	write := func(name string, document []byte) {
		u, err := attestation.ParseUnverified(document)
		require.NoError(b, err)
		for _, der := range append(u.CABundle[1:], u.Certificate) {
			seen[string(der)] = true
		}
		require.NoError(b, os.WriteFile(filepath.Join(dir, name), document, 0o644))
		documents++
	}
	h := attestationtest.NewHypervisor()
	zone := h.Enclave().Instance().Zone()
	for i := range benchInstances {
		instance := zone.NewInstance()
		for e := range benchEnclaves {
			enclave := instance.NewEnclave()
			for d := range benchDocuments {
				nonce := fmt.Appendf(nil, "nonce %d", d)
				write(fmt.Sprintf("%03d-%d-%02d.cbor", i, e, d), enclave.Attest(attestationtest.Request{Nonce: nonce}))
			}
		}
	}
	recorded, err := filepath.Glob("../../testdata/evidence/*.cbor")
	require.NoError(b, err)
	v, err := attestation.NewVerifier(attestation.Config{Recorded: true, InsecureAnyImage: true, InsecureAllowDebug: true})
	require.NoError(b, err)
	for _, name := range recorded {
		document, err := os.ReadFile(name)
		require.NoError(b, err)
		if _, err := v.Verify(document, attestation.Expect{}); err == nil {
			write(filepath.Base(name), document)
		}
	}
	var roots []byte
	for _, root := range append(certs.AWSNitroRootG1().Certificates(), h.Root()) {
		roots = append(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})...)
	}
	require.NoError(b, os.WriteFile(filepath.Join(dir, "roots.pem"), roots, 0o644))
	return documents, len(seen)
}

// signatureRate measures how many P-384 signatures all cores together verify
// in a second.
func signatureRate(b *testing.B) float64 {
	// One key over and over again is faster than documents of several can be.
	var keys [16]*ecdsa.PrivateKey
	var signatures [16][]byte
	digest := sha512.Sum384(nil)
	for i := range keys {
		var err error
		keys[i], err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		require.NoError(b, err)
		signatures[i], err = ecdsa.SignASN1(rand.Reader, keys[i], digest[:])
		require.NoError(b, err)
	}
	const each = 2000
	workers := runtime.GOMAXPROCS(0)
	start := time.Now()
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for n := range each {
				ecdsa.VerifyASN1(&keys[n%len(keys)].PublicKey, digest[:], signatures[n%len(keys)])
			}
		})
	}
	group.Wait()
	return float64(workers*each) / time.Since(start).Seconds()
}
