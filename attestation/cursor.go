package attestation

import (
	"errors"
	"fmt"
)

// Major types of CBOR (RFC 8949, section 3.1).
const (
	majorUnsigned = iota
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
	majorSimple
)

// Bytes with which an item begins.
const (
	cborFalse = 0xf4
	cborTrue  = 0xf5
	cborNull  = 0xf6
	cborBreak = 0xff
)

var errTruncated = errors.New("found the end of the data inside an item")

// cursor reads CBOR from front to back without copying. Every length it
// returns has been compared with the bytes that are left.
type cursor struct {
	data []byte
	pos  int
}

// head is the first part of an item: its type and its argument, which is the
// value of a number, the length of a string, or the count of a container.
type head struct {
	major      byte
	argument   uint64
	indefinite bool // containers only: the items end at a break
}

func (c *cursor) left() int { return len(c.data) - c.pos }

func (c *cursor) errorf(format string, args ...any) error {
	return fmt.Errorf("offset %d: "+format, append([]any{c.pos}, args...)...)
}

// head reads the head of the next item. Chunked strings, whose argument is
// indefinite, are refused here: no document has them, and their pieces would
// have to be joined before they mean anything.
func (c *cursor) head() (head, error) {
	if c.left() == 0 {
		return head{}, c.errorf("%w", errTruncated)
	}
	first := c.data[c.pos]
	h := head{major: first >> 5}
	info := first & 0x1f
	size := 0
	switch {
	case info < 24:
		h.argument = uint64(info)
	case info < 28:
		size = 1 << (info - 24)
	case info == 31 && (h.major == majorArray || h.major == majorMap):
		h.indefinite = true
	case info == 31 && (h.major == majorBytes || h.major == majorText):
		return head{}, c.errorf("found a string in chunks, expected it in one piece")
	default:
		return head{}, c.errorf("found the byte %#02x, expected the beginning of an item", first)
	}
	if size >= c.left() {
		return head{}, c.errorf("%w", errTruncated)
	}
	for _, b := range c.data[c.pos+1 : c.pos+1+size] {
		h.argument = h.argument<<8 | uint64(b)
	}
	if err := c.checkArgument(h); err != nil {
		return head{}, err
	}
	c.pos += 1 + size
	return h, nil
}

// checkArgument refuses lengths and counts that the rest of the data cannot
// hold, so that nobody allocates by them.
func (c *cursor) checkArgument(h head) error {
	least := h.argument
	switch h.major {
	case majorBytes, majorText, majorArray:
	case majorMap:
		if least > uint64(c.left()) {
			break
		}
		least *= 2
	default:
		return nil
	}
	if least > uint64(c.left()) {
		return c.errorf("found a length of %d with %d bytes left: %w", h.argument, c.left(), errTruncated)
	}
	return nil
}

// content returns the bytes of a string whose head was just read.
func (c *cursor) content(h head) ([]byte, error) {
	if h.argument > uint64(c.left()) {
		return nil, c.errorf("%w", errTruncated)
	}
	start := c.pos
	c.pos += int(h.argument)
	return c.data[start:c.pos:c.pos], nil
}

// bytes reads a byte string.
func (c *cursor) bytes() ([]byte, error) {
	at := c.pos
	h, err := c.head()
	if err != nil {
		return nil, err
	}
	if h.major != majorBytes {
		return nil, fmt.Errorf("offset %d: found %s, expected a byte string", at, h)
	}
	return c.content(h)
}

// more reports whether a container has another item, given how many were read.
// It steps over the break that ends an indefinite one.
func (c *cursor) more(container head, read int) (bool, error) {
	if !container.indefinite {
		return uint64(read) < container.argument, nil
	}
	if c.left() == 0 {
		return false, c.errorf("%w", errTruncated)
	}
	if c.data[c.pos] == cborBreak {
		c.pos++
		return false, nil
	}
	return true, nil
}

func (h head) String() string {
	return [...]string{"a positive integer", "a negative integer", "a byte string", "a text string",
		"an array", "a map", "a tag", "a simple value or float"}[h.major&7]
}
