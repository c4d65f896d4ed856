package attestation

import (
	"bytes"
	"unicode/utf8"
)

// Bounds of one CBOR item. A real payload is three levels deep and has about
// sixty items; its largest map has 32 pairs.
const (
	maxDepth = 8
	maxItems = 1024
	maxPairs = 64
)

// scan steps over the next item and refuses what no attestation document has
// and what would make two readers disagree about it: tags, floats, undefined
// and other simple values, chunked strings, text that is not UTF-8, and maps
// that repeat a key or have keys other than numbers and strings. It allocates
// nothing.
func (c *cursor) scan() error {
	items := maxItems
	return c.scanItem(maxDepth, &items)
}

func (c *cursor) scanItem(depth int, items *int) error {
	if *items--; *items < 0 {
		return c.errorf("found more than %d items", maxItems)
	}
	at := c.pos
	h, err := c.head()
	if err != nil {
		return err
	}
	switch h.major {
	case majorBytes, majorText:
		content, err := c.content(h)
		if err == nil && h.major == majorText && !utf8.Valid(content) {
			err = c.errorf("found text that is not UTF-8")
		}
		return err
	case majorArray, majorMap:
		if depth == 0 {
			return c.errorf("found more than %d levels", maxDepth)
		}
		if h.major == majorMap {
			return c.scanMap(h, depth-1, items, nil)
		}
		return c.scanArray(h, depth-1, items)
	case majorTag:
		return c.errorf("found a tag, expected none")
	case majorSimple:
		if first := c.data[at]; first != cborFalse && first != cborTrue && first != cborNull {
			return c.errorf("found a float or simple value, expected only true, false and null")
		}
	}
	return nil
}

func (c *cursor) scanArray(array head, depth int, items *int) error {
	for read := 0; ; read++ {
		more, err := c.more(array, read)
		if err != nil || !more {
			return err
		}
		if err := c.scanItem(depth, items); err != nil {
			return err
		}
	}
}

// mapKey is a key by its meaning, so that two encodings of one number are the
// same key.
type mapKey struct {
	head    head
	content []byte
}

func (k mapKey) equal(other mapKey) bool {
	return k.head == other.head && bytes.Equal(k.content, other.content)
}

// scanMap steps over the pairs of a map whose head was just read. It shows each
// key to visit, which may be nil, and stops at its error.
func (c *cursor) scanMap(pairs head, depth int, items *int, visit func(mapKey) error) error {
	var keys [maxPairs]mapKey
	for read := 0; ; read++ {
		more, err := c.more(pairs, read)
		if err != nil || !more {
			return err
		}
		if read == maxPairs {
			return c.errorf("found a map of more than %d pairs", maxPairs)
		}
		if keys[read], err = c.key(); err != nil {
			return err
		}
		for _, earlier := range keys[:read] {
			if earlier.equal(keys[read]) {
				return c.errorf("found the same map key twice")
			}
		}
		if visit != nil {
			if err := visit(keys[read]); err != nil {
				return err
			}
		}
		if err := c.scanItem(depth, items); err != nil {
			return err
		}
	}
}

func (c *cursor) key() (mapKey, error) {
	h, err := c.head()
	if err != nil {
		return mapKey{}, err
	}
	key := mapKey{head: h}
	switch h.major {
	case majorUnsigned, majorNegative:
	case majorBytes, majorText:
		if key.content, err = c.content(h); err != nil {
			return mapKey{}, err
		}
		if h.major == majorText && !utf8.Valid(key.content) {
			return mapKey{}, c.errorf("found a map key that is not UTF-8")
		}
	default:
		return mapKey{}, c.errorf("found %s as a map key, expected a number or a string", h)
	}
	return key, nil
}
