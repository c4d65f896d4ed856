package eif

import (
	"bytes"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/nitroattest/nitroattest/pcr"
)

// entry is one element of the signature section. Its two fields are CBOR
// arrays of integers, which is what Rust's serde makes of bytes.
type entry struct {
	Certificate octets `cbor:"signing_certificate"` // PEM
	Signature   octets `cbor:"signature"`           // COSE_Sign1
}

// octets are bytes that CBOR holds as an array of integers.
type octets []byte

// UnmarshalCBOR implements [cbor.Unmarshaler].
func (o *octets) UnmarshalCBOR(data []byte) error {
	var integers []uint16
	if err := strict.Unmarshal(data, &integers); err != nil {
		return err
	}
	*o = make(octets, len(integers))
	for i, n := range integers {
		if n > 0xff {
			return fmt.Errorf("found %d, expected a byte", n)
		}
		(*o)[i] = byte(n)
	}
	return nil
}

// strict is for a section of at most MaxSignature bytes: an array of maps of
// arrays of integers.
var strict = must(cbor.DecOptions{
	DupMapKey:         cbor.DupMapKeyEnforcedAPF,
	IndefLength:       cbor.IndefLengthForbidden,
	TagsMd:            cbor.TagsForbidden,
	FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	MaxNestedLevels:   4,
	MaxArrayElements:  MaxSignature,
	MaxMapPairs:       16,
}.DecMode())

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // of options that are constants
	}
	return v
}

// encodeEntries writes the section as AWS's tools do: everything in its
// shortest form, the certificate first. QEMU reads no other order.
func encodeEntries(entries []entry) []byte {
	out := appendHead(nil, cborArray, len(entries))
	for _, e := range entries {
		out = appendHead(out, cborMap, 2)
		out = appendOctets(appendText(out, "signing_certificate"), e.Certificate)
		out = appendOctets(appendText(out, "signature"), e.Signature)
	}
	return out
}

// decodeEntries reads the section. Bytes that AWS's tools would not have
// written are refused, so that no two readers find different things in them.
func decodeEntries(data []byte) ([]entry, error) {
	var entries []entry
	if err := strict.Unmarshal(data, &entries); err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("found no signature, expected one")
	}
	if !bytes.Equal(encodeEntries(entries), data) {
		return nil, fmt.Errorf("found another encoding than the shortest one, or another order or set of keys, expected signing_certificate and signature as AWS's tools write them")
	}
	return entries, nil
}

// signedPayload is what the signature of an image with this PCR0 is over.
func signedPayload(pcr0 pcr.Value) []byte {
	out := appendHead(nil, cborMap, 2)
	out = appendHead(appendText(out, "register_index"), cborUint, pcr.RegisterImage)
	return appendOctets(appendText(out, "register_value"), pcr0[:])
}

// Major types of CBOR (RFC 8949, section 3.1).
const (
	cborUint  = 0 << 5
	cborText  = 3 << 5
	cborArray = 4 << 5
	cborMap   = 5 << 5
)

// appendHead appends the shortest head of a data item; n is below 65536.
func appendHead(out []byte, major byte, n int) []byte {
	switch {
	case n < 24:
		return append(out, major|byte(n))
	case n <= 0xff:
		return append(out, major|24, byte(n))
	default:
		return append(out, major|25, byte(n>>8), byte(n))
	}
}

func appendText(out []byte, s string) []byte {
	return append(appendHead(out, cborText, len(s)), s...)
}

func appendOctets(out, data []byte) []byte {
	out = appendHead(out, cborArray, len(data))
	for _, b := range data {
		out = appendHead(out, cborUint, int(b))
	}
	return out
}
