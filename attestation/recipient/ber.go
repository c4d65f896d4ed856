package recipient

import (
	"crypto/x509"
	"fmt"
)

// Identifier octets (X.690, section 8.1.2) of the types that an envelope has.
const (
	tagEndOfContents = 0x00
	tagInteger       = 0x02
	tagOctetString   = 0x04
	tagNull          = 0x05
	tagOID           = 0x06
	tagSequence      = 0x30
	tagSet           = 0x31
	tagImplicit0     = 0x80 // [0], primitive
	tagExplicit0     = 0xa0 // [0], constructed
	tagExplicit1     = 0xa1
	tagExplicit2     = 0xa2

	constructedBit   = 0x20
	indefiniteLength = 0x80
)

// maxLengthOctets is how many octets a long-form length may have.
const maxLengthOctets = 4

// reader walks BER (X.690) front to back, without recursion and without
// allocating: its caller names every element that may come next, so the depth
// is that of the caller's code. Any form of length is accepted at any level;
// the envelope is not signed, so nothing depends on a canonical form.
//
// The first failure sticks. After it every method does nothing and returns the
// zero value, and err says what was wrong.
type reader struct {
	data       []byte
	pos        int
	end        int  // of the innermost element with a definite length
	indefinite bool // the innermost element ends with an end-of-contents
	err        *Error
}

func newReader(data []byte) *reader { return &reader{data: data, end: len(data)} }

func (r *reader) fail(reason Reason, offset int, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Reason: reason, Offset: offset, Detail: fmt.Sprintf(format, args...)}
	}
}

// header reads the identifier and length octets of an element that must have
// the given tag.
func (r *reader) header(tag byte, what string) (length int, indefinite bool) {
	if r.err != nil {
		return 0, false
	}
	start := r.pos
	if r.pos == r.end {
		r.fail(MalformedEnvelope, start, "%s: found the end, expected tag %#02x", what, tag)
		return 0, false
	}
	if found := r.data[r.pos]; found != tag {
		r.fail(MalformedEnvelope, start, "%s: found tag %#02x, expected %#02x", what, found, tag)
		return 0, false
	}
	r.pos++
	if r.pos < r.end && r.data[r.pos] == indefiniteLength {
		r.pos++
		if tag&constructedBit == 0 {
			r.fail(MalformedEnvelope, start, "%s: found an indefinite length, expected a definite one", what)
			return 0, false
		}
		return 0, true
	}
	return r.length(what), false
}

// length reads the octets of a definite length and checks that as many bytes
// follow (X.690, sections 8.1.3.4 and 8.1.3.5).
func (r *reader) length(what string) int {
	start := r.pos
	octets := r.data[r.pos:r.end]
	if len(octets) == 0 {
		r.fail(MalformedEnvelope, start, "%s: found the end, expected a length", what)
		return 0
	}
	length, count := uint64(octets[0]), 0
	if length >= indefiniteLength {
		count, length = int(length&^indefiniteLength), 0
		if count > maxLengthOctets {
			r.fail(MalformedEnvelope, start, "%s: found a length of %d octets, expected at most %d", what, count, maxLengthOctets)
			return 0
		}
		if count > len(octets)-1 {
			r.fail(MalformedEnvelope, start, "%s: found the end, expected %d octets of length", what, count)
			return 0
		}
		for _, octet := range octets[1 : 1+count] {
			length = length<<8 | uint64(octet)
		}
	}
	left := len(octets) - 1 - count
	if length > uint64(left) {
		r.fail(MalformedEnvelope, start, "%s: found a length of %d, expected at most the %d bytes that follow", what, length, left)
		return 0
	}
	r.pos += 1 + count
	return int(length)
}

// primitive returns the contents of an element with the given primitive tag.
func (r *reader) primitive(tag byte, what string) []byte {
	length, _ := r.header(tag, what)
	if r.err != nil {
		return nil
	}
	contents := r.data[r.pos : r.pos+length : r.pos+length]
	r.pos += length
	return contents
}

// constructed reads an element with the given constructed tag. The function
// reads its contents, and has to read them all.
func (r *reader) constructed(tag byte, what string, contents func()) {
	length, indefinite := r.header(tag, what)
	if r.err != nil {
		return
	}
	outerEnd, outerIndefinite := r.end, r.indefinite
	r.indefinite = indefinite
	if !indefinite {
		r.end = r.pos + length
	}
	contents()
	r.finish(what)
	r.end, r.indefinite = outerEnd, outerIndefinite
}

func (r *reader) finish(what string) {
	if r.err != nil {
		return
	}
	if !r.indefinite {
		if r.pos != r.end {
			r.fail(MalformedEnvelope, r.pos, "%s: found %d more bytes, expected its end", what, r.end-r.pos)
		}
		return
	}
	start := r.pos
	if contents := r.primitive(tagEndOfContents, what+": end-of-contents"); len(contents) > 0 {
		r.fail(MalformedEnvelope, start, "%s: end-of-contents: found %d bytes in it, expected none", what, len(contents))
	}
}

// more reports whether the innermost element has contents left to read.
func (r *reader) more() bool {
	return r.err == nil && r.pos < r.end && !(r.indefinite && r.data[r.pos] == tagEndOfContents)
}

// next reports whether the innermost element goes on with the given tag.
func (r *reader) next(tag byte) bool { return r.more() && r.data[r.pos] == tag }

// object reads an object identifier that must be the wanted one.
func (r *reader) object(want oid, reason Reason, what string) {
	start := r.pos
	if found := oid(r.primitive(tagOID, what)); r.err == nil && found != want {
		r.fail(reason, start, "%s: found %v, expected %v", what, found, want)
	}
}

// oid holds the contents octets of an object identifier (X.690, section 8.19).
type oid string

// String returns the identifier in dotted form, or its octets in hexadecimal
// if they are not one.
func (o oid) String() string {
	var parsed x509.OID
	if err := parsed.UnmarshalBinary([]byte(o)); err != nil {
		return fmt.Sprintf("%#x", string(o))
	}
	return parsed.String()
}
