package challenge

import (
	"encoding/base64"
	"encoding/binary"
	"time"
)

// NonceSize is the length of every nonce in bytes.
const NonceSize = headerSize + tagSize

const (
	version = 1

	expiryOffset = 1
	idOffset     = expiryOffset + 8
	idSize       = 16
	headerSize   = idOffset + idSize
	tagSize      = 32 // SHA-256
)

// Nonce is what an [Issuer] hands out: bytes in the format of the package
// documentation. String and JSON have its text form.
type Nonce []byte

// ParseNonce reads the text form: 76 characters of base64url without padding.
// The error is an [*Error] with Malformed. That it could be read says nothing
// about whether the nonce is good.
func ParseNonce(text string) (Nonce, error) {
	// The decoder skips line ends. They take the place of characters, so that the
	// length tells in the end.
	if want := encoding.EncodedLen(NonceSize); len(text) != want {
		return nil, refuse(Malformed, "found %d characters, expected %d of base64url", len(text), want)
	}
	nonce, err := encoding.DecodeString(text)
	if err != nil || len(nonce) != NonceSize {
		return nil, refuse(Malformed, "found text that is not base64url without padding (RFC 4648, section 5)")
	}
	return nonce, nil
}

var encoding = base64.RawURLEncoding

// String returns the text form.
func (n Nonce) String() string { return encoding.EncodeToString(n) }

// MarshalText implements [encoding.TextMarshaler].
func (n Nonce) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler] by ParseNonce.
func (n *Nonce) UnmarshalText(text []byte) error {
	nonce, err := ParseNonce(string(text))
	if err != nil {
		return err
	}
	*n = nonce
	return nil
}

// parts is a nonce taken apart.
type parts struct {
	header  []byte // what is authenticated
	expires time.Time
	id      ID
	tag     []byte
}

func split(nonce []byte) (parts, *Error) {
	if len(nonce) != NonceSize {
		return parts{}, refuse(Malformed, "found %d bytes, expected %d", len(nonce), NonceSize)
	}
	if nonce[0] != version {
		return parts{}, refuse(Malformed, "version: found %d, expected %d", nonce[0], version)
	}
	milliseconds := binary.BigEndian.Uint64(nonce[expiryOffset:])
	return parts{
		header:  nonce[:headerSize],
		expires: time.UnixMilli(int64(milliseconds)).UTC(), // past 2^63 it is negative, long expired
		id:      ID(nonce[idOffset:headerSize]),
		tag:     nonce[headerSize:],
	}, nil
}
