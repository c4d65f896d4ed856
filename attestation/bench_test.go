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

// benchZoneCached verifies documents of new instances in a known zone. No two
// recorded documents are such a pair, so these are simulated.
func benchZoneCached(b *testing.B) {
	h := attestationtest.NewHypervisor()
	config := anyImage()
	config.Roots = h.Roots()
	first := h.Enclave()
	second := first.Instance().Zone().NewInstance().NewEnclave()
	benchInTurn(b, config, first.Attest(attestationtest.Request{}), second.Attest(attestationtest.Request{}))
}

// benchInstanceCached verifies documents of new enclaves on a known instance: the
// two of one instance that were recorded 27 seconds apart.
func benchInstanceCached(b *testing.B) {
	benchInTurn(b, anyImage(),
		readEvidence(b, "blocky-nitro-attestation-72ffd8.cbor"),
		readEvidence(b, "blocky-nitro-attestation-debug-f67dfb.cbor"))
}

// benchInTurn verifies two documents in turn with a cache that holds one chain.
// Each takes the place of what the other's has of its own, so what they share is
// always known and the rest never (certs: TestChainsInTurn).
func benchInTurn(b *testing.B, config attestation.Config, first, second []byte) {
	config.Limits.CachedCertificates = 4
	v := newVerifier(b, config)
	verifyOne(b, v, first)
	b.ReportAllocs()
	for b.Loop() {
		verifyOne(b, v, second)
		first, second = second, first
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
