package challenge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr"
)

// enclave makes attestation documents for nonces that no recorded one has.
type enclave struct {
	t          testing.TB
	now        func() time.Time // what the verifier goes by
	hypervisor *attestationtest.Hypervisor
}

func newEnclave(t testing.TB, now func() time.Time) *enclave {
	return &enclave{t, now, attestationtest.NewHypervisor(attestationtest.WithClock(now))}
}

// verifier trusts the enclave's root and accepts its image.
func (e *enclave) verifier() *attestation.Verifier {
	e.t.Helper()
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{e.hypervisor.Enclave().Image()}},
		Roots:  e.hypervisor.Roots(),
		Now:    e.now,
	})
	require.NoError(e.t, err)
	return verifier
}

// attest returns a document with the nonce.
func (e *enclave) attest(nonce []byte) []byte {
	return e.hypervisor.Attest(attestationtest.Request{Nonce: nonce})
}
