package attestation_test

import (
	"crypto/ecdsa"
	"encoding/asn1"
	"math/big"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
)

// countedSignatures is package crypto/ecdsa as a SignatureVerifier, which counts
// and can be told to refuse one signature by its number.
type countedSignatures struct {
	calls, refuse atomic.Int64
}

func (c *countedSignatures) VerifyP384(key *ecdsa.PublicKey, digest, r, s []byte) bool {
	signature, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(r), new(big.Int).SetBytes(s)})
	return err == nil && ecdsa.VerifyASN1(key, digest, signature) && c.calls.Add(1) != c.refuse.Load()
}

// The chain and the document go through the same verifier of signatures: five
// times when nothing is known and once when the chain is.
func TestEverySignatureGoesThroughTheVerifier(t *testing.T) {
	t.Parallel()
	if strings.Contains(os.Getenv("GODEBUG"), "fips140=only") {
		t.Skip("no other signatures under fips140=only")
	}
	signatures := &countedSignatures{}
	config := anyImage()
	config.Signatures = signatures
	v, err := attestation.NewVerifier(config)
	require.NoError(t, err)
	evidence := readEvidence(t, benchDocument)
	for number, reason := range []attestation.Reason{"", attestation.InvalidChain, attestation.InvalidChain, attestation.InvalidChain, attestation.InvalidChain, attestation.BadSignature} {
		v, err := attestation.NewVerifier(config)
		require.NoError(t, err)
		signatures.calls.Store(0)
		signatures.refuse.Store(int64(number))
		_, err = v.Verify(evidence, attestation.Expect{})
		if reason != "" {
			requireReason(t, reason, err)
			continue
		}
		require.NoError(t, err)
		require.EqualValues(t, 5, signatures.calls.Load())
	}
	signatures.refuse.Store(0)
	for _, calls := range []int64{5, 1} {
		signatures.calls.Store(0)
		_, err = v.Verify(evidence, attestation.Expect{})
		require.NoError(t, err)
		require.Equal(t, calls, signatures.calls.Load())
	}
}

type acceptsAll struct{}

func (acceptsAll) VerifyP384(*ecdsa.PublicKey, []byte, []byte, []byte) bool { return true }

func TestWrongSignaturesAreNoVerifier(t *testing.T) {
	t.Parallel()
	config := anyImage()
	config.Signatures = acceptsAll{}
	v, err := attestation.NewVerifier(config)
	require.ErrorContains(t, err, "Config.Signatures: ")
	require.Nil(t, v)
}
