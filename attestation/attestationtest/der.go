package attestationtest

import (
	"encoding/asn1"
	"math/big"
	"time"
)

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
