//go:build unix

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha512"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
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

// benchRounds of the command alternate with as many of the floor, for the speed
// of a shared machine drifts.
const benchRounds = 5

// BenchmarkTenThousandDocuments verifies ten thousand simulated documents and the
// authentic recorded ones: the command as a process of its own, and the same in
// this process for the sake of a profile. It reports what share of the time the
// signatures alone would take on all cores (1.0: no overhead at all; the median
// of the rounds), and the memory of the process. Then the command does it with
// the standard verifier of signatures and with the fast one in turn; how many
// times as long the standard one takes is reported by the clock and by processor
// time (medians of the rounds).
func BenchmarkTenThousandDocuments(b *testing.B) {
	dir := b.TempDir()
	fleet, roots := filepath.Join(dir, "fleet"), filepath.Join(dir, "roots.pem")
	documents, certificates := writeFleet(b, fleet)
	require.NoError(b, os.Rename(filepath.Join(fleet, "roots.pem"), roots))
	args := []string{"verify", "--insecure-any-image", "--insecure-allow-debug", "--recorded", "--root", roots, fleet}
	report := func(b *testing.B, verify func()) {
		var shares []float64
		var total time.Duration
		before := signatureRate(b)
		for range benchRounds {
			start := time.Now()
			verify()
			elapsed := time.Since(start)
			after := signatureRate(b)
			floor := float64(documents+certificates) / ((before + after) / 2)
			shares = append(shares, floor/elapsed.Seconds())
			before, total = after, total+elapsed
		}
		slices.Sort(shares)
		b.ReportMetric(shares[len(shares)/2], "of-floor")
		b.ReportMetric(float64(documents*benchRounds)/total.Seconds(), "documents/s")
	}
	command := filepath.Join(dir, "nitroattest")
	self, err := os.Executable()
	require.NoError(b, err)
	require.NoError(b, os.Symlink(self, command)) // testscript runs a command by its name
	b.Run("command", func(b *testing.B) {
		resident := 0.0
		report(b, func() {
			cmd := exec.Command(command, args...)
			require.NoError(b, cmd.Run())
			resident = max(resident, float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)/1024)
		})
		b.ReportMetric(resident, "MiB-resident")
	})
	b.Run("fast", func(b *testing.B) {
		if newFast == nil {
			b.Skip("built without -tags fast")
		}
		timed := func(signatures string) (wall, cpu float64) {
			cmd := exec.Command(command, append([]string{args[0], "--signatures", signatures}, args[1:]...)...)
			start := time.Now()
			require.NoError(b, cmd.Run())
			return time.Since(start).Seconds(), (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
		}
		var walls, cpus []float64
		for range benchRounds {
			standardWall, standardCPU := timed(signaturesStandard)
			fastWall, fastCPU := timed(signaturesFast)
			walls, cpus = append(walls, standardWall/fastWall), append(cpus, standardCPU/fastCPU)
		}
		slices.Sort(walls)
		slices.Sort(cpus)
		b.ReportMetric(walls[len(walls)/2], "wall-standard/fast")
		b.ReportMetric(cpus[len(cpus)/2], "cpu-standard/fast")
	})
	b.Run("in-process", func(b *testing.B) {
		report(b, func() {
			require.Equal(b, exitAccepted, run(args, stdio{strings.NewReader(""), io.Discard, io.Discard}))
		})
	})
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
