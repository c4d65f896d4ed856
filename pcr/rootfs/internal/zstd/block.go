package zstd

// compressed decodes a compressed block (RFC 8878, section 3.1.1.3) onto the
// history, which may get as long as limit.
func (r *Reader) compressed(data []byte, limit int) error {
	r.makeRoom(limit + spare)
	rest, err := r.readLiterals(data, limit-len(r.history))
	if err != nil {
		return err
	}
	return r.readSequences(rest, limit)
}

// readLiterals decodes the literals, at most limit, and returns what follows
// them.
func (r *Reader) readLiterals(data []byte, limit int) ([]byte, error) {
	if len(data) == 0 {
		return nil, corrupt("found an empty block")
	}
	kind, format := data[0]&3, data[0]>>2&3
	if kind < 2 {
		return r.plainLiterals(data, kind, format, limit)
	}
	head := [4]int{3, 3, 4, 5}[format]
	width := [4]int{10, 10, 14, 18}[format]
	if len(data) < head {
		return nil, corrupt("found a truncated header of literals")
	}
	sizes := littleEndian(data[:head]) >> 4
	size := int(sizes & (1<<width - 1))
	stored := int(sizes >> width & (1<<width - 1))
	data = data[head:]
	if size > limit || stored > len(data) {
		return nil, corrupt("found %d literals in %d bytes, expected at most %d in %d", size, stored, limit, len(data))
	}
	streams, rest := data[:stored], data[stored:]
	if kind == 2 {
		n, err := r.huffman.read(streams)
		if err != nil {
			return nil, err
		}
		streams = streams[n:]
	} else if r.huffman.bits == 0 {
		return nil, corrupt("found literals without a Huffman table")
	}
	r.literals = grow(r.literals, size)
	if format == 0 {
		return rest, r.huffman.decode(r.literals, streams)
	}
	return rest, r.fourStreams(streams, size)
}

func (r *Reader) plainLiterals(data []byte, kind, format byte, limit int) ([]byte, error) {
	head, shift := 1, 3
	switch format {
	case 1:
		head, shift = 2, 4
	case 3:
		head, shift = 3, 4
	}
	if len(data) < head {
		return nil, corrupt("found a truncated header of literals")
	}
	size := int(littleEndian(data[:head]) >> shift)
	stored := size
	if kind == 1 {
		stored = 1
	}
	data = data[head:]
	if size > limit || stored > len(data) {
		return nil, corrupt("found %d literals in %d bytes, expected at most %d in %d", size, stored, limit, len(data))
	}
	r.literals = grow(r.literals, size)
	if kind == 0 {
		copy(r.literals, data)
	} else {
		for i := range r.literals {
			r.literals[i] = data[0]
		}
	}
	return data[stored:], nil
}

func (r *Reader) fourStreams(data []byte, size int) error {
	if len(data) < 6 || size < 6 {
		return corrupt("found %d literals in four streams of %d bytes", size, len(data))
	}
	jump, data := data[:6], data[6:]
	part := (size + 3) / 4
	out := r.literals
	for i := range 4 {
		n, m := len(data), len(out)
		if i < 3 {
			n, m = int(littleEndian(jump[2*i:2*i+2])), part
		}
		if n > len(data) || m > len(out) {
			return corrupt("found a stream of literals that is longer than the block")
		}
		if err := r.huffman.decode(out[:m], data[:n]); err != nil {
			return err
		}
		data, out = data[n:], out[m:]
	}
	return nil
}

// spare bytes behind what is used, of the literals and of the output, make it
// possible to copy as many where fewer are meant.
const spare = 16

func grow(b []byte, n int) []byte {
	if cap(b) < n+spare {
		return make([]byte, n, maxBlock+spare)
	}
	return b[:n]
}

// makeRoom gives the history a capacity of n, or more in view of what is to come.
func (r *Reader) makeRoom(n int) {
	if cap(r.history) < n {
		most := r.window + max(slack, r.window) + maxBlock + spare
		grown := make([]byte, len(r.history), max(n, min(2*n, most)))
		copy(grown, r.history)
		r.history = grown
	}
}
