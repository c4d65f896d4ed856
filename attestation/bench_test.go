package attestation_test

import (
	"crypto/ecdsa"
	"crypto/sha512"
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr"
)

// benchDocument is a recorded document of today's form.
const benchDocument = "dstack-nitro-attestation-54ae0f.cbor"

// BenchmarkECDSAP384Verify is the floor: one verification by the standard
// library. It goes round the four signatures in the recorded chain, for one and
// the same over and over again is faster than any document can be.
func BenchmarkECDSAP384Verify(b *testing.B) {
	u, err := attestation.ParseUnverified(readEvidence(b, benchDocument))
	require.NoError(b, err)
	type signed struct {
		key               *ecdsa.PublicKey
		digest, signature []byte
	}
	var signatures []signed
	parent, err := x509.ParseCertificate(u.CABundle[0])
	require.NoError(b, err)
	for _, der := range append(u.CABundle[1:], u.Certificate) {
		child, err := x509.ParseCertificate(der)
		require.NoError(b, err)
		digest := sha512.Sum384(child.RawTBSCertificate)
		signatures = append(signatures, signed{parent.PublicKey.(*ecdsa.PublicKey), digest[:], child.Signature})
		parent = child
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s := signatures[i%len(signatures)]
		if !ecdsa.VerifyASN1(s.key, s.digest, s.signature) {
			b.Fatal("the signature does not verify")
		}
	}
}

// benchConfig pins the image of the document, as a service would.
func benchConfig(b *testing.B, cached int) attestation.Config {
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

func BenchmarkVerify(b *testing.B) {
	evidence := readEvidence(b, benchDocument)
	b.Run("cold", func(b *testing.B) {
		v := newVerifier(b, benchConfig(b, attestation.NoCache))
		b.ReportAllocs()
		for b.Loop() {
			verifyOne(b, v, evidence)
		}
	})
	b.Run("zone-cached", benchZoneCached)
	b.Run("instance-cached", benchInstanceCached)
	b.Run("leaf-cached", func(b *testing.B) {
		v := newVerifier(b, benchConfig(b, 0))
		verifyOne(b, v, evidence)
		b.ReportAllocs()
		for b.Loop() {
			verifyOne(b, v, evidence)
		}
	})
	b.Run("leaf-cached-parallel", func(b *testing.B) {
		v := newVerifier(b, benchConfig(b, 0))
		verifyOne(b, v, evidence)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				verifyOne(b, v, evidence)
			}
		})
	})
}

// benchZoneCached verifies the first document of a new instance in a known
// zone. No two recorded documents are such a pair, so these are simulated.
func benchZoneCached(b *testing.B) {
	h := attestationtest.NewHypervisor()
	zone := h.Enclave().Instance().Zone()
	known := h.Attest(attestationtest.Request{})
	fresh := zone.NewInstance().NewEnclave().Attest(attestationtest.Request{})
	config := anyImage()
	config.Roots = h.Roots()
	benchPrimed(b, config, known, fresh)
}

// benchInstanceCached verifies the first document of a new enclave on a known
// instance: the two of one instance that were recorded 27 seconds apart.
func benchInstanceCached(b *testing.B) {
	known := readEvidence(b, "blocky-nitro-attestation-72ffd8.cbor")
	fresh := readEvidence(b, "blocky-nitro-attestation-debug-f67dfb.cbor")
	benchPrimed(b, anyImage(), known, fresh)
}

// benchPrimed measures the verification of one document by a verifier that has
// seen another one and nothing else.
func benchPrimed(b *testing.B, config attestation.Config, known, fresh []byte) {
	b.ReportAllocs()
	var primed [64]*attestation.Verifier // many at a time: stopping the clock disturbs what follows
	for done := 0; done < b.N; done += len(primed) {
		b.StopTimer()
		for i := range primed {
			primed[i] = newVerifier(b, config)
			verifyOne(b, primed[i], known)
		}
		b.StartTimer()
		for _, v := range primed[:min(len(primed), b.N-done)] {
			verifyOne(b, v, fresh)
		}
	}
}

func verifyOne(b *testing.B, v *attestation.Verifier, evidence []byte) {
	if _, err := v.Verify(evidence, attestation.Expect{}); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkParseUnverified(b *testing.B) {
	evidence := readEvidence(b, benchDocument)
	b.SetBytes(int64(len(evidence)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := attestation.ParseUnverified(evidence); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReject(b *testing.B) {
	recorded := readEvidence(b, benchDocument)
	now := benchConfig(b, 0)
	now.Recorded = false
	now.Now = time.Now
	foreign := flip(b, recorded, func(u *attestation.Unverified) []byte { return u.CABundle[0] })
	badSignature := append([]byte{}, recorded...)
	badSignature[len(badSignature)-1] ^= 1
	for _, bench := range []struct {
		name     string
		config   attestation.Config
		evidence []byte
		reason   attestation.Reason
	}{
		{"garbage", benchConfig(b, 0), make([]byte, len(recorded)), attestation.MalformedEvidence},
		{"foreign-root", benchConfig(b, 0), foreign, attestation.UntrustedRoot},
		{"expired", now, recorded, attestation.CertificateExpired},
		{"bad-signature-leaf-cached", benchConfig(b, 0), badSignature, attestation.BadSignature},
	} {
		b.Run(bench.name, func(b *testing.B) {
			v := newVerifier(b, bench.config)
			if bench.reason == attestation.BadSignature {
				verifyOne(b, v, recorded)
			}
			b.ReportAllocs()
			expect := attestation.Expect{InsecureNoFreshness: true}
			for b.Loop() {
				_, err := v.Verify(bench.evidence, expect)
				requireReason(b, bench.reason, err)
			}
		})
	}
}

// BenchmarkAppraise makes every check of a document whose leaf is cached and
// which fails a policy, the dearest report there is.
func BenchmarkAppraise(b *testing.B) {
	evidence := readEvidence(b, benchDocument)
	config := benchConfig(b, 0)
	config.Policy.Images[0].PCRs[0] = pcr.ForInstance("another image")
	v := newVerifier(b, config)
	b.ReportAllocs()
	for b.Loop() {
		if v.Appraise(evidence, attestation.Expect{Nonce: []byte{1}}).Accepted() {
			b.Fatal("accepted")
		}
	}
}
