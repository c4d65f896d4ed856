package attestation_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/sha256"
	"math/big"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/internal/vectors"
)

// negate returns -s modulo the order of P-384.
func negate(s []byte) []byte {
	n := new(big.Int).Sub(elliptic.P384().Params().N, new(big.Int).SetBytes(s))
	return n.Mod(n, elliptic.P384().Params().N).FillBytes(make([]byte, 48))
}

// vectorTests returns the vectors of documents, each document once.
func vectorTests(t testing.TB) []vectors.Test {
	var out []vectors.Test
	seen := map[string]bool{}
	for _, group := range loadVectors(t).TestGroups {
		for _, test := range group.Tests {
			if group.Type != vectors.Policies && !seen[string(test.Evidence)] {
				seen[string(test.Evidence)] = true
				out = append(out, test)
			}
		}
	}
	return out
}

// FuzzParseUnverified compares what is parsed with what a lenient reader sees.
func FuzzParseUnverified(f *testing.F) {
	for _, test := range vectorTests(f) {
		f.Add(test.Evidence)
	}
	f.Fuzz(func(t *testing.T, evidence []byte) {
		buffer := bytes.Clone(evidence)
		u, err := attestation.ParseUnverified(buffer)
		require.Equal(t, evidence, buffer, "the input is not written to")
		if err != nil {
			require.Nil(t, u)
			var refused *attestation.Error
			require.ErrorAs(t, err, &refused)
			require.Contains(t, []attestation.Reason{attestation.MalformedEvidence, attestation.UnsupportedAlgorithm,
				attestation.InvalidField, attestation.WrongDocumentKind}, refused.Reason)
			return
		}
		require.LessOrEqual(t, len(evidence), attestation.DefaultEvidenceSize)
		requireSameAsLenient(t, evidence, u)
		clear(buffer)
		again, err := attestation.ParseUnverified(evidence)
		require.NoError(t, err)
		require.Equal(t, again, u, "nothing refers to the input")
	})
}

// requireSameAsLenient decodes with a library that has other rules.
func requireSameAsLenient(t *testing.T, evidence []byte, u *attestation.Unverified) {
	var parts []cbor.RawMessage
	require.NoError(t, cbor.Unmarshal(bytes.TrimPrefix(evidence, []byte{0xd2}), &parts))
	require.Len(t, parts, 4)
	var protected, payload, signature []byte
	require.NoError(t, cbor.Unmarshal(parts[0], &protected))
	require.NoError(t, cbor.Unmarshal(parts[2], &payload))
	require.NoError(t, cbor.Unmarshal(parts[3], &signature))
	if u.Unsigned { // by an emulator: both may be any
		require.Empty(t, bytes.Trim(signature, "\x00"))
	} else {
		require.Equal(t, []byte{0xa1, 0x01, 0x38, 0x22}, protected)
		require.Len(t, signature, 96)
	}
	var fields map[string]any
	require.NoError(t, cbor.Unmarshal(payload, &fields))

	d := u.Document
	require.Equal(t, fields["module_id"], d.ModuleID)
	require.Equal(t, fields["digest"], d.Digest)
	require.Equal(t, fields["timestamp"], uint64(d.Timestamp.UnixMilli()))
	require.Equal(t, fields["certificate"], u.Certificate)
	var bundle []any
	for _, der := range u.CABundle {
		bundle = append(bundle, der)
	}
	require.Equal(t, fields["cabundle"], bundle)
	for name, value := range map[string][]byte{"public_key": d.PublicKey, "user_data": d.UserData, "nonce": d.Nonce} {
		if fields[name] == nil {
			require.Nil(t, value, name)
		} else {
			require.Equal(t, fields[name], value, name)
		}
	}
	registers := map[attestation.Kind]string{attestation.Enclave: "pcrs", attestation.NitroTPM: "nitrotpm_pcrs"}[d.Kind]
	bank := fields[registers].(map[any]any)
	require.Len(t, d.PCRs, len(bank))
	for register, value := range d.PCRs {
		require.Equal(t, bank[uint64(register)], value[:])
	}
	known := 0
	for name := range fields {
		switch name {
		case "module_id", "digest", "timestamp", "pcrs", "nitrotpm_pcrs", "certificate", "cabundle", "public_key", "user_data", "nonce":
			known++
		default:
			require.Contains(t, d.UnknownFields, name)
		}
	}
	require.Len(t, d.UnknownFields, len(fields)-known)
}

// wasSigned reports whether the leaf of a trusted chain signed a document,
// whatever else is wrong with it. What is of the wrong kind for a vector may be
// of the right one here.
func wasSigned(test vectors.Test) bool {
	switch reason := attestation.Reason(test.Reason); reason {
	case "", attestation.WrongDocumentKind, attestation.CertificateExpired, attestation.CertificateNotYetValid, attestation.CertificateRevoked:
		return true
	default:
		return reason.Authentic()
	}
}

// signedBytes identifies what a signature covers.
func signedBytes(protected, payload []byte) [32]byte {
	return sha256.Sum256(append(append([]byte{byte(len(protected))}, protected...), payload...))
}

// FuzzVerify looks for a document that is accepted and that nobody signed. Its
// input says with which document to begin, and is a program of edits to its
// structure, with parts of other documents at hand. Whatever is accepted has to have the
// protected header and the payload, byte for byte, of a document of the seeds,
// which AWS or the simulated hypervisor signed: the recorded ones, and those
// vectors whose chain and signature are in order.
func FuzzVerify(f *testing.F) {
	simulated, err := loadVectors(f).Root("simulated")
	require.NoError(f, err)
	roots, err := certs.NewRoots(certs.AWSNitroRootG1().Certificates()[0], simulated)
	require.NoError(f, err)
	config := anyImage()
	config.Roots = roots
	v := newVerifier(f, config)

	signed := map[[32]byte]bool{}
	var starts [][]byte // those that AWS signed come first
	var whole []*item
	for _, r := range authentic(f) {
		evidence := r.read(f)
		document, rest, ok := takeApart(evidence, 0)
		require.True(f, ok && len(rest) == 0, r.File)
		require.Equal(f, evidence, document.put(nil), "taking apart loses nothing")
		whole, starts = append(whole, document), append(starts, evidence)
		signed[signedBytes(partsOf(f, evidence))] = true
	}
	for _, test := range vectorTests(f) {
		starts = append(starts, test.Evidence)
		if wasSigned(test) {
			signed[signedBytes(partsOf(f, test.Evidence))] = true
		}
	}
	require.Greater(f, len(signed), 100)
	for start := 0; start < len(starts); start++ {
		if start < len(whole) || start%8 == 4 {
			f.Add(uint16(start), []byte{})
		}
	}
	for edit := range edits {
		for at := range 12 {
			f.Add(uint16(at), []byte{byte(edit), byte(at * 5), byte(at * 7), byte(at * 11), byte(at)})
		}
	}
	f.Fuzz(func(t *testing.T, start uint16, code []byte) {
		evidence := starts[int(start)%len(starts)]
		if document, rest, ok := takeApart(evidence, 0); ok && len(rest) == 0 {
			evidence = (&program{code}).run(document, whole).put(nil)
		}
		result, err := v.Verify(evidence, attestation.Expect{})
		if err != nil {
			require.Nil(t, result)
			var refused *attestation.Error
			require.ErrorAs(t, err, &refused)
			return
		}
		header, payload := partsOf(t, evidence)
		require.True(t, signed[signedBytes(header, payload)], "accepted, and nobody signed it: %x", evidence)
	})
}

// partsOf returns what is signed of a document.
func partsOf(t testing.TB, evidence []byte) (header, payload []byte) {
	var parts []cbor.RawMessage
	require.NoError(t, cbor.Unmarshal(bytes.TrimPrefix(evidence, []byte{0xd2}), &parts))
	require.NoError(t, cbor.Unmarshal(parts[0], &header))
	require.NoError(t, cbor.Unmarshal(parts[2], &payload))
	return header, payload
}
