package pcr_test

import (
	"crypto/sha512"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/nitroattest/nitroattest/pcr"
)

func TestDescribe(t *testing.T) {
	for register, want := range map[int]string{
		-1: "reserved", 0: "enclave image", 1: "kernel, command line and boot ramdisk", 2: "application",
		3: "IAM role of the parent instance", 4: "ID of the parent instance", 5: "reserved", 7: "reserved",
		8: "image signing certificate", 9: "reserved", 15: "reserved",
		16: "extended by the application", 31: "extended by the application", 32: "reserved",
	} {
		assert.Equal(t, want, pcr.Enclave.Describe(register), register)
	}
}

// Check 24: any of registers 0 to 2 says debug mode, and no other.
func TestDebug(t *testing.T) {
	assert.False(t, pinned(0, 1, 2).Debug())
	assert.False(t, pcr.Bank{}.Debug(), "absent is not zero")
	for register := range pcr.MaxRegisters {
		bank := pinned(0, 1, 2, register)
		bank[register] = pcr.Value{}
		assert.Equal(t, register <= 2, bank.Debug(), register)
	}
}

func TestRegistersAreInOrder(t *testing.T) {
	assert.Equal(t, []int{0, 2, 8, 10, 31}, pinned(31, 8, 0, 10, 2).Registers())
	assert.Empty(t, pcr.Bank(nil).Registers())
}

// The one exported reader of names takes those of nitro-cli and of AWS KMS in
// either case, and each in one spelling.
func TestParseRegister(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"0": 0, "31": 31, "PCR0": 0, "pcr0": 0, "PCR31": 31, "pcr31": 31} {
		got, err := pcr.ParseRegister(name)
		assert.NoError(t, err, name)
		assert.Equal(t, want, got, name)
	}
	for _, name := range []string{"", "PCR", "pcr", "-1", "32", "pcr32", "+0", "00", "pcr00", "Pcr0", "pcrpcr0", " 0", "0x1"} {
		got, err := pcr.ParseRegister(name)
		assert.ErrorIs(t, err, pcr.InvalidRegister, name)
		assert.Zero(t, got, name)
	}
}

func TestExtendHashesTheOldValueAndTheData(t *testing.T) {
	old := filled(0xa0)
	want := pcr.Value(sha512.Sum384(append(old[:], "data"...)))
	assert.Equal(t, want, old.Extend([]byte("data")))
	assert.Equal(t, filled(0xa0), old, "the value itself stays")
	assert.NotEqual(t, old.Extend([]byte("ab")), old.Extend([]byte("a")).Extend([]byte("b")))
	assert.NotEqual(t, old, old.Extend(nil), "extending with nothing is not nothing")
}

func TestIsZero(t *testing.T) {
	assert.True(t, pcr.Value{}.IsZero())
	for i := range pcr.Size {
		var v pcr.Value
		v[i] = 1
		assert.False(t, v.IsZero(), i)
	}
}
