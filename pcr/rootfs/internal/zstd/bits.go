package zstd

import (
	"encoding/binary"
	"math/bits"
)

// backward reads bits from the end of data to their beginning (RFC 8878,
// section 4.1), where the last set bit marks the end.
type backward struct {
	data  []byte // not loaded yet
	value uint64 // the low count bits are next, the highest of them first
	count uint
	short bool // more was read than there is
}

func newBackward(data []byte) (backward, error) {
	if len(data) == 0 || data[len(data)-1] == 0 {
		return backward{}, corrupt("found no mark at the end of a bit stream")
	}
	last := data[len(data)-1]
	b := backward{data: data[:len(data)-1], value: uint64(last), count: uint(bits.Len8(last)) - 1}
	return b, nil
}

// fill makes sure that 32 bits can be taken, if there are as many.
func (b *backward) fill() {
	if b.count > 32 {
		return
	}
	if n := len(b.data); n >= 4 {
		b.value = b.value<<32 | uint64(binary.LittleEndian.Uint32(b.data[n-4:]))
		b.data = b.data[:n-4]
		b.count += 32
		return
	}
	for n := len(b.data); n > 0; n-- {
		b.value = b.value<<8 | uint64(b.data[n-1])
		b.count += 8
	}
	b.data = nil
}

// take returns n bits, at most 32. Beyond the beginning are zeros, and short is
// set.
func (b *backward) take(n uint) uint64 {
	if b.count < n {
		b.fill()
		if b.count < n {
			value := b.value & (1<<b.count - 1) << (n - b.count)
			b.count, b.short = 0, true
			return value
		}
	}
	b.count -= n
	return b.value >> b.count & (1<<n - 1)
}

// done reports whether all bits were taken, and no more.
func (b *backward) done() bool { return !b.short && b.count == 0 && len(b.data) == 0 }

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
