package attestationtest

import (
	"encoding/binary"
	"math"
	"time"
)

// Major types and simple values of CBOR (RFC 8949, section 3.1).
const (
	majorUint = iota
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
	majorSimple

	cborTrue       = 0xf5
	cborNull       = 0xf6
	cborUndefined  = 0xf7
	cborIndefinite = 0x1f // added to a major type
	cborBreak      = 0xff
)

// cborHead writes a major type with its argument in the shortest form.
func cborHead(major byte, n uint64) []byte {
	m := major << 5
	switch {
	case n < 24:
		return []byte{m | byte(n)}
	case n <= 0xff:
		return []byte{m | 24, byte(n)}
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16([]byte{m | 25}, uint16(n))
	case n <= 0xffffffff:
		return binary.BigEndian.AppendUint32([]byte{m | 26}, uint32(n))
	default:
		return cborWide(major, n)
	}
}

// cborWide writes the argument as 8 bytes, whatever it is.
func cborWide(major byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{major<<5 | 27}, n)
}

func cborInt(n int64) []byte {
	if n < 0 {
		return cborHead(majorNegative, uint64(-(n + 1)))
	}
	return cborHead(majorUint, uint64(n))
}

func cborBytes(b []byte) []byte { return append(cborHead(majorBytes, uint64(len(b))), b...) }

func cborText(s string) []byte { return append(cborHead(majorText, uint64(len(s))), s...) }

// cborOptional is how a document writes a field that may be left out: null for
// nil, an empty string for empty.
func cborOptional(b []byte) []byte {
	if b == nil {
		return []byte{cborNull}
	}
	return cborBytes(b)
}

func cborArray(items ...[]byte) []byte {
	return join(append([][]byte{cborHead(majorArray, uint64(len(items)))}, items...)...)
}

// cborIndefiniteOf writes items, a pair counting as two, between a head without
// length and a break.
func cborIndefiniteOf(major byte, items ...[]byte) []byte {
	return join([]byte{major<<5 | cborIndefinite}, join(items...), []byte{cborBreak})
}

func join(parts ...[]byte) []byte {
	out := []byte{}
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// contentOf returns what follows the head of an item, retype the same as
// another kind of string, and chunked the same in two pieces.
func contentOf(item []byte) []byte {
	if len(item) == 0 {
		return nil
	}
	size := 1
	if info := item[0] & 0x1f; info >= 24 && info <= 27 {
		size += 1 << (info - 24)
	}
	return item[min(size, len(item)):]
}

func retype(item []byte, major byte) []byte {
	return append(cborHead(major, uint64(len(contentOf(item)))), contentOf(item)...)
}

func chunked(item []byte) []byte {
	major, content := item[0]>>5, contentOf(item)
	half := len(content) / 2
	return cborIndefiniteOf(major,
		append(cborHead(major, uint64(half)), content[:half]...),
		append(cborHead(major, uint64(len(content)-half)), content[half:]...))
}

// float64Of is the number of milliseconds since 1970 as a float.
func float64Of(t time.Time) []byte {
	return cborWide(majorSimple, math.Float64bits(float64(t.UnixMilli())))
}
