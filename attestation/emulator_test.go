package attestation_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
)

const saysEmulator = "an emulator made this document and nobody signed it"

// QEMU's machine nitro-enclave writes documents that look right in all but the
// header, the certificates and the signature.
func TestDocumentOfAnEmulatorIsRefusedAsOne(t *testing.T) {
	t.Parallel()
	evidence, err := os.ReadFile("../testdata/emulated/qemu-10.0.13-nitro-enclave.cbor")
	require.NoError(t, err)

	u, err := attestation.ParseUnverified(evidence)
	require.NoError(t, err)
	assert.True(t, u.Unsigned)
	assert.Equal(t, "i-0123456789abcdef0-enc0123456789abcdef", u.Document.ModuleID)
	assert.Equal(t, []byte("key"), u.Document.PublicKey)
	assert.Equal(t, []byte("user"), u.Document.UserData)
	assert.Equal(t, bytes.Repeat([]byte{7}, 16), u.Document.Nonce)

	v := newVerifier(t, anyImage())
	result, err := v.Verify(evidence, attestation.Expect{})
	requireReason(t, attestation.UnsupportedAlgorithm, err)
	require.ErrorContains(t, err, saysEmulator+": its signature is 64 zero bytes")
	require.ErrorContains(t, err, "protected header: found a10120")
	assert.Nil(t, result)
	parsed, err := v.Parse(evidence)
	requireReason(t, attestation.UnsupportedAlgorithm, err)
	assert.Nil(t, parsed)
	report := v.Appraise(evidence, attestation.Expect{})
	assert.False(t, report.Accepted())
	assert.False(t, report.Authentic())
	assert.Nil(t, report.Document)
	assert.Equal(t, u, report.Unverified, "the fields can be looked at")
}

// The kind: a signature of zeros, whatever else an emulator got right.
func TestSignatureOfZerosIsNobodys(t *testing.T) {
	t.Parallel()
	h := attestationtest.NewHypervisor(attestationtest.WithSeed([]byte("zeros")))
	valid := h.Case(attestationtest.Mutation{Name: "valid"})
	config := valid.Config()
	zeros := func(size int) []byte { return make([]byte, size) }
	for name, test := range map[string]struct {
		protected, signature []byte
		emulated             bool
		reason               attestation.Reason
	}{
		"as long as a real one":        {nil, zeros(96), true, attestation.BadSignature},
		"half as long":                 {nil, zeros(48), true, attestation.MalformedEvidence},
		"longer than a real one":       {nil, zeros(97), false, attestation.MalformedEvidence},
		"empty":                        {nil, zeros(0), false, attestation.MalformedEvidence},
		"not only zeros":               {nil, append(zeros(95), 1), false, attestation.BadSignature},
		"another header":               {[]byte{0xa1, 0x01, 0x20}, zeros(96), true, attestation.UnsupportedAlgorithm},
		"another header and not zeros": {[]byte{0xa1, 0x01, 0x20}, append(zeros(95), 1), false, attestation.UnsupportedAlgorithm},
		"no header":                    {[]byte{}, zeros(96), true, attestation.UnsupportedAlgorithm},
	} {
		c := h.Case(attestationtest.Mutation{Name: name, Apply: func(b *attestationtest.Blueprint) {
			if test.protected != nil {
				b.Protected = test.protected
			}
			b.EditSignature = func([]byte) []byte { return test.signature }
		}})
		v := newVerifier(t, config)
		_, err := v.Verify(c.Document, c.Expect())
		requireReason(t, test.reason, err)
		u, parseErr := attestation.ParseUnverified(c.Document)
		if !test.emulated {
			assert.NotContains(t, err.Error(), saysEmulator, name)
			if test.reason != attestation.BadSignature {
				requireReason(t, test.reason, parseErr)
			}
			continue
		}
		assert.ErrorContains(t, err, saysEmulator, name)
		require.NoError(t, parseErr, name)
		assert.True(t, u.Unsigned, name)
	}
	u, err := attestation.ParseUnverified(valid.Document)
	require.NoError(t, err)
	assert.False(t, u.Unsigned)
}
