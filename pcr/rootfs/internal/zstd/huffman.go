package zstd

import "math/bits"

// maxHuffmanBits is the length of the longest code of literals.
const maxHuffmanBits = 11

type huffmanEntry struct{ symbol, bits uint8 }

// huffmanTable decodes literals. Without bits there is none.
type huffmanTable struct {
	entries [1 << maxHuffmanBits]huffmanEntry
	bits    uint
	weights []fseEntry // of their last description
}

// read reads a description of the codes (RFC 8878, section 4.2.1) and returns
// how long it is.
func (h *huffmanTable) read(data []byte) (int, error) {
	if len(data) == 0 {
		return 0, corrupt("found no Huffman table where one should be")
	}
	var weights [256]uint8
	var count, used int
	var err error
	if n := int(data[0]); n >= 128 {
		count = n - 127
		used = 1 + (count+1)/2
		if used > len(data) {
			return 0, corrupt("found a truncated Huffman table")
		}
		for i := range count {
			weights[i] = data[1+i/2] >> (4 * (1 - i%2)) & 15
		}
	} else {
		used = 1 + n
		if used > len(data) {
			return 0, corrupt("found a truncated Huffman table")
		}
		if count, err = h.readWeights(&weights, data[1:used]); err != nil {
			return 0, err
		}
	}
	return used, h.build(&weights, count)
}

// readWeights decodes weights that two states give in turn.
func (h *huffmanTable) readWeights(weights *[256]uint8, data []byte) (int, error) {
	const maxLog, maxWeight = 6, 255
	counts, log, n, err := readCounts(data, maxLog, maxWeight)
	if err != nil {
		return 0, err
	}
	h.weights = buildFSE(h.weights, counts, log)
	in, err := newBackward(data[n:])
	if err != nil {
		return 0, err
	}
	states := [2]uint64{in.take(uint(log)), in.take(uint(log))}
	if in.short() {
		return 0, corrupt("found a truncated Huffman table")
	}
	count := 0
	for turn := 0; ; turn ^= 1 {
		if count >= 254 {
			return 0, corrupt("found more than 255 weights")
		}
		e := h.weights[states[turn]]
		weights[count] = e.symbol
		count++
		in.fill()
		states[turn] = uint64(e.base) + in.take(uint(e.bits))
		if in.short() {
			weights[count] = h.weights[states[turn^1]].symbol
			return count + 1, nil
		}
	}
}

// build makes the table. The weight of the last symbol is what is missing.
func (h *huffmanTable) build(weights *[256]uint8, count int) error {
	h.bits = 0
	sum := 0
	for _, w := range weights[:count] {
		if w > maxHuffmanBits {
			return corrupt("found a weight of %d", w)
		}
		if w > 0 {
			sum += 1 << (w - 1)
		}
	}
	width := bits.Len(uint(sum))
	missing := 1<<width - sum
	if sum == 0 || width > maxHuffmanBits || missing&(missing-1) != 0 {
		return corrupt("found weights that make no Huffman codes")
	}
	weights[count] = uint8(bits.Len(uint(missing)))
	at := 0
	for w := 1; w <= width; w++ {
		for symbol, have := range weights[:count+1] {
			if int(have) != w {
				continue
			}
			for range 1 << (w - 1) {
				h.entries[at] = huffmanEntry{uint8(symbol), uint8(width + 1 - w)}
				at++
			}
		}
	}
	h.bits = uint(width)
	return nil
}

// codesAtOnce are read between two fills.
const codesAtOnce = fillBits / maxHuffmanBits

// decode fills out with the literals of one stream.
func (h *huffmanTable) decode(out, data []byte) error {
	in, err := newBackward(data)
	if err != nil {
		return err
	}
	shift := (64 - h.bits) & 63
	for len(out) >= codesAtOnce && len(in.data) >= 8 {
		in.fill()
		value, taken := in.value, uint(0)
		for i := range codesAtOnce {
			e := h.entries[value>>shift&(1<<maxHuffmanBits-1)]
			value <<= e.bits & 63
			taken += uint(e.bits)
			out[i] = e.symbol
		}
		in.value = value
		in.count -= int(taken)
		out = out[codesAtOnce:]
	}
	for i := range out {
		in.fill()
		e := h.entries[in.value>>shift&(1<<maxHuffmanBits-1)]
		in.take(uint(e.bits))
		if in.short() {
			return corrupt("found a truncated stream of literals")
		}
		out[i] = e.symbol
	}
	if !in.done() {
		return corrupt("found more than the literals in their stream")
	}
	return nil
}
