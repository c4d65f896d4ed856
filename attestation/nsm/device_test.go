package nsm_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/attestation/nsm"
	"github.com/nitroattest/nitroattest/pcr"
)

// process is a Transport to whatever answers a request.
type process func(request []byte) []byte

func (p process) Exchange(request, response []byte) (int, error) {
	return copy(response, p(request)), nil
}

func (process) Close() error { return nil }

func simulated() (*attestationtest.Enclave, *nsm.Device) {
	enclave := attestationtest.NewHypervisor(attestationtest.WithSeed([]byte("nsm"))).Enclave()
	return enclave, nsm.New(process(enclave.NSM().Process))
}

// answers returns a device that gives one answer to everything.
func answers(t *testing.T, answer any) *nsm.Device {
	encoded, ok := answer.([]byte)
	if !ok {
		var err error
		encoded, err = cbor.Marshal(answer)
		require.NoError(t, err)
	}
	return nsm.New(process(func([]byte) []byte { return encoded }))
}

func TestAttest(t *testing.T) {
	t.Parallel()
	_, device := simulated()
	evidence, err := device.Attest([]byte("user data"), []byte{}, nil)
	require.NoError(t, err)
	parsed, err := attestation.ParseUnverified(evidence)
	require.NoError(t, err)
	assert.Equal(t, []byte("user data"), parsed.Document.UserData)
	assert.Equal(t, []byte{}, parsed.Document.Nonce, "empty is not null")
	assert.Nil(t, parsed.Document.PublicKey)

	_, err = device.Attest(make([]byte, 1024), make([]byte, 1024), make([]byte, 1024))
	assert.NoError(t, err)
	_, err = device.Attest(make([]byte, 4096), nil, nil)
	assert.ErrorIs(t, err, nsm.InputTooLarge, "refused before the device sees it")
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	enclave, device := simulated()
	description, err := device.Describe()
	require.NoError(t, err)
	assert.Equal(t, nsm.Description{
		VersionMajor: 1,
		ModuleID:     enclave.ModuleID(),
		MaxPCRs:      32,
		LockedPCRs:   []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		Digest:       "SHA384",
	}, description)
}

func TestGetRandom(t *testing.T) {
	t.Parallel()
	_, device := simulated()
	first, err := device.GetRandom()
	require.NoError(t, err)
	assert.Len(t, first, 256)
	second, err := device.GetRandom()
	require.NoError(t, err)
	assert.NotEqual(t, first, second)
}

func TestRegisters(t *testing.T) {
	t.Parallel()
	enclave, device := simulated()
	value, locked, err := device.DescribePCR(0)
	require.NoError(t, err)
	assert.True(t, locked)
	assert.Equal(t, enclave.Image().PCRs[0], value)

	want := pcr.Value{}.Extend([]byte("data")).Extend(nil)
	_, err = device.ExtendPCR(16, []byte("data"))
	require.NoError(t, err)
	value, err = device.ExtendPCR(16, nil)
	require.NoError(t, err)
	assert.Equal(t, want, value)
	value, locked, err = device.DescribePCR(16)
	require.NoError(t, err)
	assert.False(t, locked)
	assert.Equal(t, want, value)

	require.NoError(t, device.LockPCR(16))
	_, err = device.ExtendPCR(16, nil)
	assert.ErrorIs(t, err, nsm.ReadOnlyIndex)
	assert.ErrorIs(t, device.LockPCR(16), nsm.ReadOnlyIndex)
	require.NoError(t, device.LockPCRs(32))
	_, locked, err = device.DescribePCR(31)
	require.NoError(t, err)
	assert.True(t, locked)
}

// Indexes that would wrap around in the 16 bits of a request are never sent.
func TestRegistersOutOfRange(t *testing.T) {
	t.Parallel()
	_, device := simulated()
	for _, index := range []int{-1, 32, 1 << 16} {
		_, _, err := device.DescribePCR(index)
		assert.ErrorIs(t, err, nsm.InvalidIndex)
		_, err = device.ExtendPCR(index, nil)
		assert.ErrorIs(t, err, nsm.InvalidIndex)
		assert.ErrorIs(t, device.LockPCR(index), nsm.InvalidIndex)
	}
	for _, count := range []int{-1, 33, 1 << 16} {
		assert.ErrorIs(t, device.LockPCRs(count), nsm.InvalidIndex)
	}
}

func TestErrorsOfTheModule(t *testing.T) {
	t.Parallel()
	for _, name := range []nsm.Reason{
		nsm.InvalidArgument, nsm.InvalidIndex, nsm.InvalidResponse, nsm.ReadOnlyIndex,
		nsm.InvalidOperation, nsm.BufferTooSmall, nsm.InputTooLarge, nsm.InternalError, "Unheard",
	} {
		device := answers(t, map[string]string{"Error": string(name)})
		_, err := device.Attest(nil, nil, nil)
		assert.ErrorIs(t, err, name)
		assert.EqualError(t, err, string(name)+": Attestation")
		_, err = device.Describe()
		assert.ErrorIs(t, err, name)
		_, err = device.GetRandom()
		assert.ErrorIs(t, err, name)
		assert.ErrorIs(t, device.LockPCR(16), name)
		_, err = device.ExtendPCR(16, nil)
		assert.ErrorIs(t, err, name)
		_, _, err = device.DescribePCR(16)
		assert.ErrorIs(t, err, name)
	}
}

func TestResponsesThatAreNone(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	document := m{"document": []byte{1}}
	for name, answer := range map[string]any{
		"nothing":           []byte{},
		"not CBOR":          []byte{0xff},
		"a number":          7,
		"a name alone":      "Attestation",
		"another name":      m{"GetRandom": document},
		"no entry":          m{},
		"two entries":       m{"Attestation": document, "GetRandom": document},
		"not a map inside":  m{"Attestation": 7},
		"no document":       m{"Attestation": m{}},
		"another key":       m{"Attestation": m{"Document": []byte{1}}},
		"empty document":    m{"Attestation": m{"document": []byte{}}},
		"a text":            m{"Attestation": m{"document": "text"}},
		"error not text":    m{"Error": 7},
		"repeated key":      append([]byte{0xa2}, strings.Repeat("\x6bAttestation\xa1\x68document\x41\x01", 2)...),
		"more follows":      []byte("\xa1\x6bAttestation\xa1\x68document\x41\x01\x00"),
		"claims 2^32 bytes": []byte("\xa1\x6bAttestation\xa1\x68document\x5a\xff\xff\xff\xff"),
	} {
		_, err := answers(t, answer).Attest(nil, nil, nil)
		assert.ErrorIs(t, err, nsm.InvalidResponse, name)
	}

	_, err := answers(t, m{"GetRandom": m{"random": []byte{}}}).GetRandom()
	assert.ErrorIs(t, err, nsm.InvalidResponse)
	_, _, err = answers(t, m{"DescribePCR": m{"lock": true, "data": make([]byte, 32)}}).DescribePCR(0)
	assert.ErrorIs(t, err, nsm.InvalidResponse)
	_, err = answers(t, m{"ExtendPCR": m{"data": make([]byte, 49)}}).ExtendPCR(16, nil)
	assert.ErrorIs(t, err, nsm.InvalidResponse)
	assert.ErrorIs(t, answers(t, "LockPCRs").LockPCR(16), nsm.InvalidResponse)
	assert.ErrorIs(t, answers(t, m{"LockPCR": m{}}).LockPCR(16), nsm.InvalidResponse)
}

// A transport is code of others: its count is not believed, its errors pass.
type broken struct {
	n   int
	err error
}

func (b broken) Exchange(_, _ []byte) (int, error) { return b.n, b.err }
func (b broken) Close() error                      { return b.err }

func TestTransportThatIsBroken(t *testing.T) {
	t.Parallel()
	for _, n := range []int{-1, 0x3001} {
		_, err := nsm.New(broken{n: n}).Describe()
		assert.ErrorIs(t, err, nsm.InvalidResponse)
	}
	gone := errors.New("gone")
	_, err := nsm.New(broken{err: gone}).Describe()
	assert.ErrorIs(t, err, gone)
	assert.ErrorIs(t, nsm.New(broken{err: gone}).Close(), gone)
}

// The text begins with the reason, and nothing but the reason and a cause that
// there is is unwrapped.
func TestErrorUnwrapsToReasonAndCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for _, err := range []interface {
		error
		Unwrap() []error
	}{&nsm.Error{Reason: nsm.InvalidIndex, Detail: "detail"}} {
		assert.Equal(t, []error{nsm.InvalidIndex}, err.Unwrap())
		assert.True(t, strings.HasPrefix(err.Error(), string(nsm.InvalidIndex)+": "), err.Error())
	}
	for _, err := range []interface{ Unwrap() []error }{&nsm.Error{Reason: nsm.InvalidIndex, Err: cause}} {
		assert.Equal(t, []error{nsm.InvalidIndex, cause}, err.Unwrap())
	}
}
