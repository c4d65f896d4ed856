package zstd

import (
	"encoding/binary"
	"math/bits"
)

// backward reads bits from the end of data to their beginning (RFC 8878,
// section 4.1), where the last set bit marks the end.
type backward struct {
	data  []byte // not loaded yet
	value uint64 // the next bits, from the highest on
	count int    // how many of them are loaded; negative: more was taken than there is
}

func newBackward(data []byte) (backward, error) {
	if len(data) == 0 || data[len(data)-1] == 0 {
		return backward{}, corrupt("found no mark at the end of a bit stream")
	}
	b := backward{data: data}
	b.fill()
	b.take(uint(bits.LeadingZeros8(data[len(data)-1])) + 1)
	return b, nil
}

// fillBits can be taken after a fill, if there are as many.
const fillBits = 56

// fill loads bits. Those of value beyond count are zeros or what comes next, so
// that it does no harm to load them again.
func (b *backward) fill() {
	if n := len(b.data); n >= 8 {
		b.value |= binary.LittleEndian.Uint64(b.data[n-8:]) >> (uint(b.count) & 63)
		loaded := (63 - b.count) >> 3
		b.data = b.data[:n-loaded]
		b.count += 8 * loaded
		return
	}
	b.fillLast()
}

func (b *backward) fillLast() {
	for n := len(b.data); n > 0 && b.count <= fillBits; n-- {
		b.value |= uint64(b.data[n-1]) << (fillBits - b.count)
		b.count += 8
		b.data = b.data[:n-1]
	}
}

// take returns n bits. Beyond the beginning of the data are zeros. Between two
// fills it takes fillBits at most: so count gets negative at the end only.
func (b *backward) take(n uint) uint64 {
	v := b.value >> (64 - n)
	b.value <<= n
	b.count -= int(n)
	return v
}

// short reports whether more was taken than there is.
func (b *backward) short() bool { return b.count < 0 }

// done reports whether all bits were taken, and no more.
func (b *backward) done() bool { return b.count == 0 && len(b.data) == 0 }

// forward reads bits from the beginning.
type forward struct {
	data []byte
	at   int // in bits
}

// peek returns n bits, at most 24; zeros beyond the end.
func (f *forward) peek(n int) int {
	value := 0
	for i := range 4 {
		if at := f.at>>3 + i; at < len(f.data) {
			value |= int(f.data[at]) << (8 * i)
		}
	}
	return value >> (f.at & 7) & (1<<n - 1)
}
