package pcr

import (
	"crypto/sha512"
	"encoding/hex"
	"fmt"
)

// Size is the length of a register in bytes: that of a SHA-384 digest.
const Size = sha512.Size384

// Value is the content of one register, 48 bytes. Its text form is 96 hex
// digits: lower case when written, either case when read.
type Value [Size]byte

// ParseValue reads the text form of a value. It fails unless s is exactly 96
// hex digits.
func ParseValue(s string) (Value, error) {
	var v Value
	err := v.UnmarshalText([]byte(s))
	return v, err
}

// String returns the value as 96 lower-case hex digits.
func (v Value) String() string { return hex.EncodeToString(v[:]) }

// MarshalText implements [encoding.TextMarshaler] with the form of String.
func (v Value) MarshalText() ([]byte, error) {
	return hex.AppendEncode(nil, v[:]), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler]. It leaves v alone when
// it fails.
func (v *Value) UnmarshalText(text []byte) error {
	if len(text) != 2*Size {
		return fmt.Errorf("found %d characters, expected %d hex digits", len(text), 2*Size)
	}
	var decoded Value
	if _, err := hex.Decode(decoded[:], text); err != nil {
		return fmt.Errorf("expected %d hex digits: %w", 2*Size, err)
	}
	*v = decoded
	return nil
}

// IsZero reports whether all 48 bytes are zero: a register that nothing was
// measured into, or one of registers 0 to 2 of an enclave in debug mode.
func (v Value) IsZero() bool { return v == Value{} }

// Extend returns SHA-384(v || data), what a register holds after data was
// measured into it. The Nitro Security Module hashes data as it is, without
// hashing it by itself first.
func (v Value) Extend(data []byte) Value {
	h := sha512.New384()
	h.Write(v[:])
	h.Write(data)
	var next Value
	h.Sum(next[:0])
	return next
}
