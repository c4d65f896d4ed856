//go:build unix

package fastp384_test

import (
	"crypto/ecdsa"
	"crypto/sha512"
	"crypto/x509"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/fastp384"
	"github.com/nitroattest/nitroattest/pcr"
)

// benchDocument is a recorded document of today's form.
const benchDocument = "dstack-nitro-attestation-54ae0f.cbor"

func readEvidence(b *testing.B, file string) []byte {
	b.Helper()
	data, err := os.ReadFile("../../testdata/evidence/" + file)
	require.NoError(b, err)
	return data
}

// signed is one signature of a chain.
type signed struct {
	key               *ecdsa.PublicKey
	digest, r, s, der []byte
}

// recordedSignatures are the four in the recorded chain. To verify one and the
// same over and over again would be faster than any document can be.
func recordedSignatures(b *testing.B) []signed {
	u, err := attestation.ParseUnverified(readEvidence(b, benchDocument))
	require.NoError(b, err)
	parent, err := x509.ParseCertificate(u.CABundle[0])
	require.NoError(b, err)
	var out []signed
	for _, der := range append(u.CABundle[1:], u.Certificate) {
		child, err := x509.ParseCertificate(der)
		require.NoError(b, err)
		digest := sha512.Sum384(child.RawTBSCertificate)
		r, s := numbers(b, child.Signature)
		out = append(out, signed{parent.PublicKey.(*ecdsa.PublicKey), digest[:], r, s, child.Signature})
		parent = child
	}
	return out
}

// floor returns a function that makes n verifications by package crypto/ecdsa.
func floor(b *testing.B) func(n int) {
	signatures, next := recordedSignatures(b), 0
	return func(n int) {
		for range n {
			s := signatures[next%len(signatures)]
			next++
			if !ecdsa.VerifyASN1(s.key, s.digest, s.der) {
				b.Fatal("the signature does not verify")
			}
		}
	}
}

// inFloors runs work, made of n operations, between verifications by package
// crypto/ecdsa, and reports what an operation costs in such verifications: by
// the time of the clock, and by that of the processors, which others on the same
// machine change less.
func inFloors(b *testing.B, work func(n int)) {
	const operations, floors = 40, 20
	reference := floor(b)
	var wall, cpu [2]time.Duration // of the reference and of the work
	measure := func(which, n int, f func(int)) {
		startCPU, start := processorTime(), time.Now()
		f(n)
		wall[which] += time.Since(start)
		cpu[which] += processorTime() - startCPU
	}
	done := 0
	for b.Loop() {
		measure(0, floors, reference)
		measure(1, operations, work)
		measure(0, floors, reference)
		done++
	}
	perFloor := float64(operations) / float64(2*floors)
	b.ReportMetric(float64(wall[1])/float64(wall[0])/perFloor, "wall/P-384")
	b.ReportMetric(float64(cpu[1])/float64(cpu[0])/perFloor, "cpu/P-384")
	b.ReportMetric(0, "ns/op")
	allocations(b, operations, work)
}

// allocations reports those of one operation, without the reference.
func allocations(b *testing.B, n int, work func(n int)) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	work(n)
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(n), "allocs")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(n), "bytes")
}

// processorTime is what this process has had of all processors.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkP384 is one signature by itself.
func BenchmarkP384(b *testing.B) {
	signatures, v, next := recordedSignatures(b), fastp384.New(), 0
	inFloors(b, func(n int) {
		for range n {
			s := signatures[next%len(signatures)]
			next++
			if !v.VerifyP384(s.key, s.digest, s.r, s.s) {
				b.Fatal("the signature does not verify")
			}
		}
	})
}

// BenchmarkVerify is whole documents, with either verifier of signatures.
func BenchmarkVerify(b *testing.B) {
	for name, signatures := range map[string]attestation.SignatureVerifier{"standard": nil, "fast": fastp384.New()} {
		b.Run(name, func(b *testing.B) {
			b.Run("cold", func(b *testing.B) {
				inFloors(b, verifyInTurn(b, pinned(b, attestation.NoCache), signatures, readEvidence(b, benchDocument)))
			})
			// No two recorded documents are of two instances in one zone, so these
			// are simulated. The cache has room for one chain: what a document has
			// of its own is never known, and what two of them share always is.
			b.Run("zone-cached", func(b *testing.B) {
				h := attestationtest.NewHypervisor()
				config := anyImage()
				config.Roots = h.Roots()
				first := h.Enclave()
				second := first.Instance().Zone().NewInstance().NewEnclave()
				inFloors(b, verifyInTurn(b, config, signatures, first.Attest(attestationtest.Request{}), second.Attest(attestationtest.Request{})))
			})
			// Two of one instance that were recorded 27 seconds apart.
			b.Run("instance-cached", func(b *testing.B) {
				inFloors(b, verifyInTurn(b, anyImage(), signatures,
					readEvidence(b, "blocky-nitro-attestation-72ffd8.cbor"), readEvidence(b, "blocky-nitro-attestation-debug-f67dfb.cbor")))
			})
			b.Run("leaf-cached", func(b *testing.B) {
				inFloors(b, verifyInTurn(b, pinned(b, 0), signatures, readEvidence(b, benchDocument)))
			})
			// Only the time of the clock tells what a second core is good for.
			b.Run("leaf-cached-two-cores", func(b *testing.B) {
				config := pinned(b, 0)
				config.Signatures = signatures
				verifier, evidence := newVerifier(b, config), readEvidence(b, benchDocument)
				inFloors(b, func(n int) { onTwoCores(b, n/2, verifier, evidence) })
			})
		})
	}
}

func onTwoCores(b *testing.B, each int, verifier *attestation.Verifier, evidence []byte) {
	done := make(chan error, 2)
	for range 2 {
		go func() {
			var failed error
			for range each {
				if _, err := verifier.Verify(evidence, attestation.Expect{}); err != nil {
					failed = err
				}
			}
			done <- failed
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
}

func anyImage() attestation.Config {
	return attestation.Config{Recorded: true, InsecureAnyImage: true, InsecureAllowDebug: true, Limits: attestation.Limits{CachedCertificates: 4}}
}

// pinned has the image of the document as its policy, as a service would.
func pinned(b *testing.B, cached int) attestation.Config {
	u, err := attestation.ParseUnverified(readEvidence(b, benchDocument))
	require.NoError(b, err)
	bank := pcr.Bank{}
	for _, register := range []int{0, 1, 2} {
		bank[register] = u.Document.PCRs[register]
	}
	return attestation.Config{
		Policy:   pcr.Policy{Images: []pcr.Image{{Name: "bench", PCRs: bank}}},
		Recorded: true,
		Limits:   attestation.Limits{CachedCertificates: cached},
	}
}

func newVerifier(b *testing.B, config attestation.Config) *attestation.Verifier {
	v, err := attestation.NewVerifier(config)
	require.NoError(b, err)
	return v
}

// verifyInTurn returns a function that makes n verifications of the documents
// in turn. The first of each was made before.
func verifyInTurn(b *testing.B, config attestation.Config, signatures attestation.SignatureVerifier, documents ...[]byte) func(n int) {
	config.Signatures = signatures
	verifier, next := newVerifier(b, config), 0
	verify := func(n int) {
		for range n {
			if _, err := verifier.Verify(documents[next%len(documents)], attestation.Expect{}); err != nil {
				b.Fatal(err)
			}
			next++
		}
	}
	verify(len(documents))
	return verify
}
