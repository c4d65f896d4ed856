package attestationtest_test

import (
	"bytes"
	"crypto/ecdsa"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/veraison/go-cose"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr"
)

const signatureSize = 96

// Given the certificates of a recorded document, the simulated one is equal to
// it up to the signature, byte for byte.
func TestDocumentsAreByteForByteThoseOfAWS(t *testing.T) {
	t.Parallel()
	for _, r := range loadRecorded(t) {
		h, request := r.hypervisor()
		b := h.Blueprint(request)
		for level, der := range r.chain() {
			b.Chain[level].EditDER = func([]byte) []byte { return der }
		}
		document := b.Document()
		require.Len(t, document, len(r.evidence), r.name)
		signed := len(document) - signatureSize
		assert.Equal(t, r.evidence[:signed], document[:signed], r.name)
		assert.NotEqual(t, r.evidence[signed:], document[signed:], r.name)
	}
}

// Of the whole document, only the lengths of DER integers vary.
func TestDocumentsHaveTheSizeOfRecordedOnes(t *testing.T) {
	t.Parallel()
	for _, r := range loadRecorded(t) {
		h, request := r.hypervisor()
		document := h.Attest(request)
		expected := len(r.evidence)
		if !hasIdentifiers(t, r.CABundle[attestationtest.LevelInstance]) {
			expected += 63 // key identifiers, which older instance certificates lack
		}
		assert.InDelta(t, expected, len(document), 16, r.name)
	}
}

func TestDocumentHoldsWhatWasAsked(t *testing.T) {
	t.Parallel()
	register := pcr.Value{1, 2, 3}
	h := seeded(attestationtest.WithRole("arn:aws:iam::123456789012:role/Webserver"))
	request := attestationtest.Request{
		PCRs:      pcr.Bank{0: register, 20: register},
		Time:      someTime.Add(1),
		Nonce:     []byte("nonce"),
		UserData:  []byte{},
		PublicKey: nil,
	}
	document := parse(t, h.Attest(request))
	assert.Equal(t, h.Enclave().ModuleID(), document.ModuleID)
	assert.Equal(t, attestation.Enclave, document.Kind)
	assert.Equal(t, someTime, document.Timestamp)
	assert.Equal(t, []byte("nonce"), document.Nonce)
	assert.Equal(t, []byte{}, document.UserData)
	assert.Nil(t, document.PublicKey)

	image := h.Enclave().Image().PCRs
	assert.Equal(t, []int{0, 1, 2}, image.Registers(), "an image that is not signed")
	assert.Equal(t, register, document.PCRs[0])
	assert.Equal(t, image[1], document.PCRs[1])
	assert.Equal(t, image[2], document.PCRs[2])
	assert.Equal(t, "78fce75db17cd4e0a3fb8dad3ad128ca5e77edbb2b2c7f75329dccd99aa5f6ef4fc1f1a452e315b9e98f9e312e6921e6", document.PCRs[3].String())
	assert.Equal(t, pcr.ForInstance(h.Enclave().Instance().ID()), document.PCRs[4])
	assert.Equal(t, register, document.PCRs[20])
	assert.Len(t, document.PCRs, 17)

	assert.Equal(t, image, subset(parse(t, h.Attest(attestationtest.Request{})).PCRs, 0, 1, 2), "the request changed nothing in the enclave")
}

func TestDebugModeHidesTheImageOnly(t *testing.T) {
	t.Parallel()
	signed := pcr.Bank{0: {1}, 1: {2}, 2: {3}, 8: {4}}
	h := seeded(attestationtest.WithDebugMode(), attestationtest.WithImage(signed))
	document := parse(t, h.Attest(attestationtest.Request{}))
	assert.True(t, document.PCRs.Debug())
	for register := range 3 {
		assert.True(t, document.PCRs[register].IsZero(), register)
	}
	assert.Equal(t, signed[8], document.PCRs[8])
	assert.Equal(t, pcr.ForInstance(h.Enclave().Instance().ID()), document.PCRs[4])
	assert.Equal(t, signed, h.Enclave().Image().PCRs, "the reference values are those of the image all the same")
}

func TestNitroTPM(t *testing.T) {
	t.Parallel()
	h := seeded(attestationtest.WithNitroTPM(), attestationtest.WithDebugMode(), attestationtest.WithInstanceID("i-1234567890abcdef0"))
	document := parse(t, h.Attest(attestationtest.Request{}))
	assert.Equal(t, attestation.NitroTPM, document.Kind)
	assert.Equal(t, "i-1234567890abcdef0-tpm0000000000000000", document.ModuleID)
	assert.Len(t, document.PCRs, 24)
	for register := 17; register <= 22; register++ {
		assert.Equal(t, bytes.Repeat([]byte{0xff}, pcr.Size), value(document.PCRs[register]), register)
	}
	assert.False(t, document.PCRs.Debug(), "a NitroTPM has no debug mode")
	assert.True(t, document.PCRs[pcr.RegisterCommandLine].IsZero(), "nobody overrode the command line")
	assert.Equal(t, subset(document.PCRs, 4, 7, 12, 13), h.Enclave().Image().PCRs)
	require.NoError(t, pcr.Policy{Kind: pcr.NitroTPM, Images: []pcr.Image{h.Enclave().Image()}}.Validate())
}

// go-cose, which is not ours, verifies the signature.
func TestDocumentIsSignedByItsLeaf(t *testing.T) {
	t.Parallel()
	h := seeded()
	evidence := h.Attest(attestationtest.Request{Nonce: []byte("nonce")})
	var message cose.UntaggedSign1Message
	require.NoError(t, message.UnmarshalCBOR(evidence))
	leaf, err := h.Blueprint(attestationtest.Request{}).Certificate.X509()
	require.NoError(t, err)
	verifier, err := cose.NewVerifier(cose.AlgorithmES384, leaf.PublicKey.(*ecdsa.PublicKey))
	require.NoError(t, err)
	assert.NoError(t, message.Verify(nil, verifier))
	message.Payload[100] ^= 1
	assert.ErrorIs(t, message.Verify(nil, verifier), cose.ErrVerification)
}

func parse(t *testing.T, evidence []byte) attestation.Document {
	t.Helper()
	unverified, err := attestation.ParseUnverified(evidence)
	require.NoError(t, err)
	return unverified.Document
}

func subset(bank pcr.Bank, registers ...int) pcr.Bank {
	out := pcr.Bank{}
	for _, register := range registers {
		out[register] = bank[register]
	}
	return out
}

func value(v pcr.Value) []byte { return v[:] }
