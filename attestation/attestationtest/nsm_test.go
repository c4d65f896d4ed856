package attestationtest_test

import (
	"bytes"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/nsm"
	"github.com/nitroattest/nitroattest/pcr"
)

func TestNSMDescribesItself(t *testing.T) {
	t.Parallel()
	e := seeded().Enclave()
	assert.Equal(t, nsm.Description{
		VersionMajor: 1,
		ModuleID:     e.ModuleID(),
		MaxPCRs:      32,
		LockedPCRs:   []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		Digest:       "SHA384",
	}, e.NSM().Describe())
}

func TestNSMExtendsAndLocksRegisters(t *testing.T) {
	t.Parallel()
	e := seeded().Enclave()
	module := e.NSM()

	// Registers of the boot are read-only.
	value, locked, err := module.DescribePCR(0)
	require.NoError(t, err)
	assert.True(t, locked)
	assert.Equal(t, e.Image().PCRs[0], value)
	_, err = module.ExtendPCR(15, []byte("data"))
	assert.ErrorIs(t, err, nsm.ReadOnlyIndex)
	assert.ErrorIs(t, module.LockPCR(15), nsm.ReadOnlyIndex)

	// The application's are its own until it locks them.
	value, locked, err = module.DescribePCR(16)
	require.NoError(t, err)
	assert.False(t, locked)
	assert.True(t, value.IsZero())
	want := pcr.Value{}.Extend([]byte("one")).Extend([]byte("two"))
	_, err = module.ExtendPCR(16, []byte("one"))
	require.NoError(t, err)
	value, err = module.ExtendPCR(16, []byte("two"))
	require.NoError(t, err)
	assert.Equal(t, want, value)
	require.NoError(t, module.LockPCR(16))
	_, err = module.ExtendPCR(16, []byte("three"))
	assert.ErrorIs(t, err, nsm.ReadOnlyIndex)
	value, locked, err = module.DescribePCR(16)
	require.NoError(t, err)
	assert.True(t, locked)
	assert.Equal(t, want, value)
	assert.Equal(t, want, parse(t, e.Attest(attestationtest.Request{})).PCRs[16])

	// There are 32.
	for _, index := range []int{-1, 32} {
		_, _, err = module.DescribePCR(index)
		assert.ErrorIs(t, err, nsm.InvalidIndex)
		_, err = module.ExtendPCR(index, nil)
		assert.ErrorIs(t, err, nsm.InvalidIndex)
		assert.ErrorIs(t, module.LockPCR(index), nsm.InvalidIndex)
	}
}

func TestNSMLocksARange(t *testing.T) {
	t.Parallel()
	module := seeded().Enclave().NSM()
	assert.ErrorIs(t, module.LockPCRs(33), nsm.InvalidIndex)
	assert.ErrorIs(t, module.LockPCRs(-1), nsm.InvalidIndex)
	assert.Len(t, module.Describe().LockedPCRs, 16)
	require.NoError(t, module.LockPCRs(18))
	assert.Len(t, module.Describe().LockedPCRs, 18)
	require.NoError(t, module.LockPCRs(18), "what is locked stays so")
	_, err := module.ExtendPCR(17, nil)
	assert.ErrorIs(t, err, nsm.ReadOnlyIndex)
	_, err = module.ExtendPCR(18, nil)
	assert.NoError(t, err)
}

// As in the recorded documents of 17 and of 32 registers.
func TestDocumentsListRegistersInUse(t *testing.T) {
	t.Parallel()
	e := seeded().Enclave()
	listed := func() []int { return parse(t, e.Attest(attestationtest.Request{})).PCRs.Registers() }
	assert.Len(t, listed(), 16)
	_, err := e.NSM().ExtendPCR(16, []byte("data"))
	require.NoError(t, err)
	assert.Len(t, listed(), 17)
	require.NoError(t, e.NSM().LockPCR(30))
	assert.Equal(t, []int{15, 16, 30}, listed()[15:])
	require.NoError(t, e.NSM().LockPCRs(32))
	assert.Len(t, listed(), 32)
}

func TestNSMAttests(t *testing.T) {
	t.Parallel()
	module := seeded().Enclave().NSM()
	evidence, err := module.Attest([]byte("user data"), []byte{}, nil)
	require.NoError(t, err)
	document := parse(t, evidence)
	assert.Equal(t, []byte("user data"), document.UserData)
	assert.Equal(t, []byte{}, document.Nonce)
	assert.Nil(t, document.PublicKey)
	assert.Equal(t, someTime, document.Timestamp)

	_, err = module.Attest(make([]byte, 1024), make([]byte, 1024), make([]byte, 1024))
	assert.NoError(t, err, "what a genuine document carries")
	_, err = module.Attest(make([]byte, 4100), nil, nil)
	assert.ErrorIs(t, err, nsm.InputTooLarge)
}

func TestNSMWireForm(t *testing.T) {
	t.Parallel()
	e := seeded().Enclave()
	type m = map[string]any
	null := cbor.RawMessage{0xf6}
	zeros := make([]byte, pcr.Size)
	extended := pcr.Value{}.Extend([]byte("data"))
	for _, c := range []struct {
		name    string
		request any
		want    any
	}{
		{"register", m{"DescribePCR": m{"index": 16}}, m{"DescribePCR": m{"lock": false, "data": zeros}}},
		{"extend", m{"ExtendPCR": m{"index": 16, "data": []byte("data")}}, m{"ExtendPCR": m{"data": extended[:]}}},
		{"lock", m{"LockPCR": m{"index": 16}}, "LockPCR"},
		{"locked register", m{"DescribePCR": m{"index": 16}}, m{"DescribePCR": m{"lock": true, "data": extended[:]}}},
		{"extend a locked register", m{"ExtendPCR": m{"index": 16, "data": []byte("data")}}, m{"Error": "ReadOnlyIndex"}},
		{"lock a locked register", m{"LockPCR": m{"index": 16}}, m{"Error": "ReadOnlyIndex"}},
		{"lock a range", m{"LockPCRs": m{"range": 32}}, "LockPCRs"},
		{"lock too many", m{"LockPCRs": m{"range": 33}}, m{"Error": "InvalidIndex"}},
		{"no such register", m{"DescribePCR": m{"index": 32}}, m{"Error": "InvalidIndex"}},
		{"no 16-bit number", m{"DescribePCR": m{"index": 1 << 16}}, m{"Error": "InvalidOperation"}},
		{"no index", m{"DescribePCR": m{}}, m{"Error": "InvalidOperation"}},
		{"index in capitals", m{"DescribePCR": m{"INDEX": 0}}, m{"Error": "InvalidOperation"}},
		{"no data", m{"ExtendPCR": m{"index": 16}}, m{"Error": "InvalidOperation"}},
		{"null data", m{"ExtendPCR": m{"index": 16, "data": null}}, m{"Error": "InvalidOperation"}},
		{"no range", m{"LockPCRs": m{"index": 1}}, m{"Error": "InvalidOperation"}},
		{"unknown name", "Reboot", m{"Error": "InvalidOperation"}},
		{"unknown call", m{"Reboot": m{}}, m{"Error": "InvalidOperation"}},
		{"two calls", m{"LockPCR": m{"index": 1}, "LockPCRs": m{"range": 1}}, m{"Error": "InvalidOperation"}},
		{"a call as a name", "LockPCR", m{"Error": "InvalidOperation"}},
		{"a number", 1, m{"Error": "InvalidOperation"}},
		{"too large", m{"ExtendPCR": m{"index": 16, "data": make([]byte, 4096)}}, m{"Error": "InputTooLarge"}},
	} {
		request, err := cbor.Marshal(c.request)
		require.NoError(t, err)
		want, err := cbor.Marshal(c.want)
		require.NoError(t, err)
		assert.Equal(t, decode(t, want), decode(t, e.NSM().Process(request)), c.name)
	}
	assert.Equal(t, "\xa1\x65Error\x70InvalidOperation", string(e.NSM().Process(nil)), "no request")
	assert.Equal(t, "\xa1\x65Error\x70InvalidOperation", string(e.NSM().Process([]byte{0xff})), "no CBOR")
}

func TestNSMWireFormOfDocumentsAndDescriptions(t *testing.T) {
	t.Parallel()
	e := seeded().Enclave()
	request, err := cbor.Marshal(map[string]any{"Attestation": map[string]any{"user_data": nil, "nonce": []byte("nonce"), "public_key": []byte{}}})
	require.NoError(t, err)
	var attested struct{ Attestation struct{ Document []byte } }
	require.NoError(t, cbor.Unmarshal(e.NSM().Process(request), &attested))
	document := parse(t, attested.Attestation.Document)
	assert.Equal(t, []byte("nonce"), document.Nonce)
	assert.Nil(t, document.UserData)
	assert.Equal(t, []byte{}, document.PublicKey)

	var described struct {
		DescribeNSM struct {
			VersionMajor *uint16 `cbor:"version_major"`
			VersionMinor *uint16 `cbor:"version_minor"`
			VersionPatch *uint16 `cbor:"version_patch"`
			ModuleID     string  `cbor:"module_id"`
			MaxPCRs      uint16  `cbor:"max_pcrs"`
			LockedPCRs   []int   `cbor:"locked_pcrs"`
			Digest       string  `cbor:"digest"`
		}
	}
	require.NoError(t, cbor.Unmarshal(e.NSM().Process([]byte("\x6bDescribeNSM")), &described))
	d := described.DescribeNSM
	assert.Equal(t, e.NSM().Describe(), nsm.Description{
		VersionMajor: *d.VersionMajor, VersionMinor: *d.VersionMinor, VersionPatch: *d.VersionPatch,
		ModuleID: d.ModuleID, MaxPCRs: d.MaxPCRs, LockedPCRs: d.LockedPCRs, Digest: d.Digest,
	})

	var random struct{ GetRandom struct{ Random []byte } }
	require.NoError(t, cbor.Unmarshal(e.NSM().Process([]byte("\x69GetRandom")), &random))
	assert.Len(t, random.GetRandom.Random, 256)
	assert.False(t, bytes.Equal(random.GetRandom.Random, e.NSM().GetRandom()))
}

func TestNSMErrorsSayWhoseTheyAre(t *testing.T) {
	t.Parallel()
	_, err := seeded().Enclave().NSM().ExtendPCR(0, nil)
	assert.EqualError(t, err, "ReadOnlyIndex: ExtendPCR")
}

func decode(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	require.NoError(t, cbor.Unmarshal(data, &v))
	return v
}

// A sandbox boots with registers that its guest extended, and goes on extending
// them.
func TestWithSandbox(t *testing.T) {
	t.Parallel()
	measured := pcr.Extend(pcr.Value{}, []byte("policy"))
	all := attestationtest.WithSandbox(pcr.Bank{0: {1}, 15: {1}, 16: {}, 17: measured, 31: measured, 32: measured})
	e := attestationtest.NewHypervisor(all).Enclave()
	assert.Equal(t, []int{0, 1, 2, 16, 17, 31}, e.Image().PCRs.Registers())
	assert.NotEqual(t, pcr.Value{1}, e.Image().PCRs[0])
	found := parse(t, e.Attest(attestationtest.Request{})).PCRs
	assert.Len(t, found, 16+3)
	assert.Equal(t, measured, found[17])
	assert.True(t, found[15].IsZero())
	value, locked, err := e.NSM().DescribePCR(17)
	require.NoError(t, err)
	assert.Equal(t, measured, value)
	assert.False(t, locked)
	value, err = e.NSM().ExtendPCR(17, []byte("more"))
	require.NoError(t, err)
	assert.Equal(t, measured.Extend([]byte("more")), value)

	tpm := attestationtest.NewHypervisor(attestationtest.WithNitroTPM(), all).Enclave()
	assert.NotContains(t, tpm.Image().PCRs, 16)
	assert.Len(t, parse(t, tpm.Attest(attestationtest.Request{})).PCRs, 24)
}
