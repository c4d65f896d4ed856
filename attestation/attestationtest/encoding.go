package attestationtest

import (
	"encoding/asn1"
	"encoding/binary"
	"math"
	"math/big"
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

// DER is written here by hand, not with encoding/asn1, because that package
// refuses what some mutations need and would make every certificate fallible.

// Tags of ASN.1 (X.690, section 8; X.680).
const (
	tagBoolean         = 0x01
	tagInteger         = 0x02
	tagBitString       = 0x03
	tagOctetString     = 0x04
	tagNull            = 0x05
	tagOID             = 0x06
	tagUTF8String      = 0x0c
	tagPrintableString = 0x13
	tagUTCTime         = 0x17
	tagGeneralizedTime = 0x18
	tagBMPString       = 0x1e
	tagSequence        = 0x30
	tagSet             = 0x31
	tagContext         = 0xa0 // constructed, [0]
	tagContextValue    = 0x80 // primitive, [0]
)

// tlv writes one value with the shortest length there is.
func tlv(tag byte, contents ...[]byte) []byte {
	size := 0
	for _, c := range contents {
		size += len(c)
	}
	out := []byte{tag}
	if size < 0x80 {
		out = append(out, byte(size))
	} else {
		length := big.NewInt(int64(size)).Bytes()
		out = append(append(out, 0x80|byte(len(length))), length...)
	}
	for _, c := range contents {
		out = append(out, c...)
	}
	return out
}

// contents returns what a value with a tag of one byte holds.
func contents(value []byte) []byte {
	var raw asn1.RawValue
	if _, err := asn1.Unmarshal(value, &raw); err != nil {
		return nil
	}
	return raw.Bytes
}

// positive returns the contents of an INTEGER that has the bytes as its
// unsigned value.
func positive(b []byte) []byte {
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	if len(b) == 0 || b[0]&0x80 != 0 {
		return append([]byte{0}, b...)
	}
	return b
}

func derOID(id asn1.ObjectIdentifier) []byte {
	if len(id) < 2 {
		return tlv(tagOID)
	}
	arcs := append([]int{id[0]*40 + id[1]}, id[2:]...)
	var out []byte
	for _, arc := range arcs {
		digits := []byte{byte(arc & 0x7f)}
		for arc >>= 7; arc > 0; arc >>= 7 {
			digits = append([]byte{0x80 | byte(arc&0x7f)}, digits...)
		}
		out = append(out, digits...)
	}
	return tlv(tagOID, out)
}

func derBitString(bits []byte) []byte { return tlv(tagBitString, []byte{0}, bits) }

// derTime writes UTCTime where it reaches, 1950 to 2049, and GeneralizedTime
// beyond (RFC 5280, section 4.1.2.5). Years that neither can express are moved
// to the nearest that can be.
func derTime(t time.Time) []byte {
	t = t.UTC()
	switch {
	case t.Year() < 0:
		t = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	case t.Year() > 9999:
		t = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	if t.Year() < 1950 || t.Year() > 2049 {
		return tlv(tagGeneralizedTime, []byte(t.Format("20060102150405Z")))
	}
	return tlv(tagUTCTime, []byte(t.Format("060102150405Z")))
}

// firstValue splits off the first of several values.
func firstValue(values []byte) (first, rest []byte) {
	var raw asn1.RawValue
	rest, err := asn1.Unmarshal(values, &raw)
	if err != nil {
		return nil, nil
	}
	return raw.FullBytes, rest
}
