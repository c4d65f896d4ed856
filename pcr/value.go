package pcr

import (
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Size is the length of a register in bytes: that of a SHA-384 digest.
const Size = sha512.Size384

// Value is the content of one register, 48 bytes. Its text form is 96 hex
// digits: lower case when written, either case when read.
type Value [Size]byte

// ParseValue reads the text form of a value. It fails unless s is exactly 96
// hex digits.
func ParseValue(s string) (Value, error) {
	v, fault := parseValue(s)
	if fault != "" {
		return Value{}, &Error{Reason: InvalidValue, Detail: fault}
	}
	return v, nil
}

// parseValue returns what is wrong with s, or nothing.
func parseValue(s string) (v Value, fault string) {
	if len(s) != 2*Size {
		return Value{}, fmt.Sprintf("found %d characters, expected %d hex digits", utf8.RuneCountInString(s), 2*Size)
	}
	if _, err := hex.Decode(v[:], []byte(s)); err != nil {
		at := strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", r) })
		r, _ := utf8.DecodeRuneInString(s[at:])
		return Value{}, fmt.Sprintf("found %q as character %d, expected %d hex digits", r, at+1, 2*Size)
	}
	return v, ""
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
	decoded, err := ParseValue(string(text))
	if err != nil {
		return err
	}
	*v = decoded
	return nil
}

// IsZero reports whether all 48 bytes are zero: a register that nothing was
// measured into, or one of registers 0 to 2 of an enclave in debug mode.
func (v Value) IsZero() bool { return v == Value{} }
