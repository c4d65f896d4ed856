package pcr

import (
	"crypto/sha512"
	"maps"
)

// Extend returns what a register that holds v holds after each of data was
// measured into it, one after the other: SHA-384(v || data). The Nitro Security
// Module takes data as it is, without hashing it first (AWS Nitro Enclaves User
// Guide, "Cryptographic attestation"; NSM API, ExtendPCR). A TPM extends
// digests: for NitroTPM, data is the SHA-384 of what was measured.
func (v Value) Extend(data ...[]byte) Value {
	for _, d := range data {
		h := sha512.New384()
		h.Write(v[:])
		h.Write(d)
		h.Sum(v[:0])
	}
	return v
}

// Extend is v.Extend(data...). Extend(Value{}, manifest) is what a register
// holds that an application measured its manifest into, and nothing else.
func Extend(v Value, data ...[]byte) Value { return v.Extend(data...) }

// Event is one measurement: what a register was extended with.
type Event struct {
	Register int
	Data     []byte // as [Value.Extend] takes it
}

// Replay returns what the registers hold after the events, in their order. It
// begins with those of from, and with zero for a register that from lacks; from
// may be nil and is left alone.
func Replay(from Bank, events ...Event) Bank {
	bank := maps.Clone(from)
	if bank == nil {
		bank = Bank{}
	}
	for _, e := range events {
		bank[e.Register] = bank[e.Register].Extend(e.Data)
	}
	return bank
}
