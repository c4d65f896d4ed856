package attestationtest_test

import (
	"crypto/x509"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/pcr"
)

func TestVerifierAcceptsTheHypervisorItTrusts(t *testing.T) {
	t.Parallel()
	h := attestationtest.NewHypervisor()
	policy := pcr.Policy{Images: []pcr.Image{h.Enclave().Image()}}
	nonce := []byte("nonce")
	document := h.Attest(attestationtest.Request{Nonce: nonce})

	trusting, err := attestation.NewVerifier(attestation.Config{Policy: policy, Roots: h.Roots()})
	require.NoError(t, err)
	result, err := trusting.Verify(document, attestation.Expect{Nonce: nonce})
	require.NoError(t, err)
	assert.Equal(t, h.Enclave().Image(), result.Image)

	for name, roots := range map[string]*certs.Roots{
		"AWS's root":                  nil,
		"another hypervisor's":        attestationtest.NewHypervisor().Roots(),
		"another's of the same names": seeded().Roots(),
	} {
		other, err := attestation.NewVerifier(attestation.Config{Policy: policy, Roots: roots})
		require.NoError(t, err)
		_, err = other.Verify(document, attestation.Expect{Nonce: nonce})
		assert.ErrorIs(t, err, attestation.UntrustedRoot, name)
	}
}

func TestSeedDeterminesEverything(t *testing.T) {
	t.Parallel()
	request := attestationtest.Request{Nonce: []byte("nonce"), Time: someTime}
	build := func(seed string) [][]byte {
		h := attestationtest.NewHypervisor(attestationtest.WithSeed([]byte(seed)))
		zone := h.NewZone(attestationtest.WithRegion("eu-west-1"))
		enclave := zone.NewInstance().NewEnclave()
		return [][]byte{
			h.Attest(request),
			enclave.Attest(request),
			h.Enclave().NSM().GetRandom(),
			h.Enclave().NSM().GetRandom(),
		}
	}
	first, again, other := build("one"), build("one"), build("two")
	assert.Equal(t, first, again)
	for i := range first {
		assert.NotEqual(t, first[i], other[i])
		for j := range i {
			assert.NotEqual(t, first[i], first[j])
		}
	}
	unseeded := attestationtest.NewHypervisor().Attest(request)
	assert.NotEqual(t, unseeded, attestationtest.NewHypervisor().Attest(request), "without a seed nothing repeats")
}

// What a document looks like does not depend on what other enclaves did before.
func TestCertificatesDependOnTheirTimeOnly(t *testing.T) {
	t.Parallel()
	h, fresh := seeded(), seeded()
	other := h.Enclave().Instance().NewEnclave()
	for _, offset := range []time.Duration{-2000 * time.Hour, 3 * time.Hour, 90 * time.Minute, 500 * time.Hour} {
		other.Attest(attestationtest.Request{Time: someTime.Add(offset)})
	}
	assert.Equal(t, fresh.Attest(attestationtest.Request{}), h.Attest(attestationtest.Request{}))
}

func TestOptionsNameThings(t *testing.T) {
	t.Parallel()
	h := attestationtest.NewHypervisor(
		attestationtest.WithRegion("eu-west-1"),
		attestationtest.WithInstanceID("i-1234567890abcdef0"),
		attestationtest.WithEnclaveID("0123456789abcdef"))
	assert.Equal(t, "i-1234567890abcdef0-enc0123456789abcdef", h.Enclave().ModuleID())
	assert.Equal(t, "i-1234567890abcdef0", h.Enclave().Instance().ID())
	assert.Equal(t, "eu-west-1", h.Enclave().Instance().Zone().Region())
	assert.Regexp(t, `^i-0[0-9a-f]{16}-enc[0-9a-f]{16}$`, attestationtest.NewHypervisor().Enclave().ModuleID())
	// Names of any form pass, to see what a verifier makes of them.
	odd := attestationtest.NewHypervisor(attestationtest.WithEnclaveID("odd"), attestationtest.WithInstanceID("i-0"))
	assert.Equal(t, "i-0-encodd", odd.Enclave().ModuleID())
}

func TestClockIsAskedForEveryDocument(t *testing.T) {
	t.Parallel()
	now := someTime
	h := attestationtest.NewHypervisor(attestationtest.WithClock(func() time.Time { return now }))
	assert.Equal(t, now, parse(t, h.Attest(attestationtest.Request{})).Timestamp)
	now = now.Add(time.Minute)
	assert.Equal(t, now, parse(t, h.Attest(attestationtest.Request{})).Timestamp)
	assert.WithinDuration(t, time.Now(), parse(t, attestationtest.NewHypervisor(attestationtest.WithClock(nil)).Attest(attestationtest.Request{})).Timestamp, time.Hour)
}

// Any time makes a document, though not always one that anybody accepts.
func TestTimesBeyondWhatCertificatesHold(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{
		time.Unix(-1<<40, 0), time.Unix(1<<40, 0), time.Date(1949, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		h := seeded()
		assert.NotEmpty(t, h.Attest(attestationtest.Request{Time: at}))
		for _, c := range h.Blueprint(attestationtest.Request{Time: at}).Chain {
			_, err := c.X509()
			assert.NoError(t, err, at)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	h := seeded()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			e := h.NewZone().NewInstance().NewEnclave()
			for j := range 4 {
				request := attestationtest.Request{Time: someTime.Add(time.Duration(i*j) * time.Hour)}
				assert.NotEmpty(t, e.Attest(request))
				assert.NotEmpty(t, h.Attest(request))
				_, err := h.Enclave().NSM().ExtendPCR(16+i, []byte{byte(j)})
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
}

// crypto/x509, which is not ours, walks the chain.
func TestChainVerifies(t *testing.T) {
	t.Parallel()
	for offset := time.Duration(0); offset < 1000*time.Hour; offset += 37 * time.Hour {
		h := seeded()
		at := someTime.Add(offset)
		b := h.Blueprint(attestationtest.Request{Time: at})
		roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
		roots.AddCert(h.Root())
		for _, c := range b.Chain[1:attestationtest.LevelLeaf] {
			cert, err := c.X509()
			require.NoError(t, err)
			intermediates.AddCert(cert)
		}
		leaf, err := b.Certificate.X509()
		require.NoError(t, err)
		chains, err := leaf.Verify(x509.VerifyOptions{
			Roots: roots, Intermediates: intermediates, CurrentTime: at,
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		})
		require.NoError(t, err)
		assert.Len(t, chains[0], 5)
	}
}
