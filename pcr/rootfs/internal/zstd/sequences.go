package zstd

// What the codes of lengths stand for (RFC 8878, section 3.1.1.3.2.1.1).
type lengthCode struct {
	base uint32
	bits uint8
}

var literalCodes = func() (codes [36]lengthCode) {
	for i := range 16 {
		codes[i].base = uint32(i)
	}
	base := uint32(16)
	for i, bits := range []uint8{1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16} {
		codes[16+i] = lengthCode{base, bits}
		base += 1 << bits
	}
	return codes
}()

var matchCodes = func() (codes [53]lengthCode) {
	for i := range 32 {
		codes[i].base = uint32(i) + 3
	}
	base := uint32(35)
	for i, bits := range []uint8{1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16} {
		codes[32+i] = lengthCode{base, bits}
		base += 1 << bits
	}
	return codes
}()

// The kinds of codes, in the order of their tables.
const (
	literalLengths = iota
	matchOffsets
	matchLengths
)

// kinds says for each kind how it may be described and what it is if it is not
// (section 3.1.1.3.2.2).
var kinds = [3]struct {
	maxLog, maxSymbol int
	predefined        []fseEntry
}{
	{9, 35, buildFSE(nil, []int16{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1}, 6)},
	{8, 31, buildFSE(nil, []int16{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1}, 5)},
	{9, 52, buildFSE(nil, []int16{1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1}, 6)},
}

// sequenceTable is the table of one kind of codes.
type sequenceTable struct {
	states []fseEntry
	log    uint
	own    []fseEntry // room for a described one
}

// readTable reads how a kind of codes is described, and returns what follows.
func (t *sequenceTable) readTable(kind int, mode byte, data []byte) ([]byte, error) {
	k := &kinds[kind]
	switch mode {
	case 0:
		t.states = k.predefined
	case 1:
		if len(data) == 0 || int(data[0]) > k.maxSymbol {
			return nil, corrupt("found no code to repeat, or one that there is not")
		}
		t.own = append(t.own[:0], fseEntry{symbol: data[0]})
		t.states, data = t.own, data[1:]
	case 2:
		counts, log, n, err := readCounts(data, k.maxLog, k.maxSymbol)
		if err != nil {
			return nil, err
		}
		t.own = buildFSE(t.own, counts, log)
		t.states, data = t.own, data[n:]
	default:
		if t.states == nil {
			return nil, corrupt("found a table to use again, and there was none")
		}
	}
	t.log = 0
	for 1<<t.log < len(t.states) {
		t.log++
	}
	return data, nil
}

// readSequences decodes the sequences and carries them out.
func (r *Reader) readSequences(data []byte, limit int) error {
	count, data, err := sequenceCount(data)
	if err != nil {
		return err
	}
	if count == 0 {
		if len(data) > 0 {
			return corrupt("found more after a block without sequences")
		}
		return r.appendLiterals(r.literals, limit)
	}
	if len(data) == 0 || data[0]&3 != 0 {
		return corrupt("found no description of sequences, or a reserved bit in it")
	}
	modes := data[0]
	data = data[1:]
	for kind := range r.tables {
		if data, err = r.tables[kind].readTable(kind, modes>>(6-2*kind)&3, data); err != nil {
			return err
		}
	}
	in, err := newBackward(data)
	if err != nil {
		return err
	}
	return r.run(&in, count, limit)
}

func sequenceCount(data []byte) (int, []byte, error) {
	switch {
	case len(data) == 0:
	case data[0] < 128:
		return int(data[0]), data[1:], nil
	case data[0] < 255 && len(data) >= 2:
		return int(data[0]-128)<<8 + int(data[1]), data[2:], nil
	case data[0] == 255 && len(data) >= 3:
		return int(data[1]) + int(data[2])<<8 + 0x7f00, data[3:], nil
	}
	return 0, nil, corrupt("found a truncated count of sequences")
}

// run decodes count sequences, each some literals and a copy of what is
// further back in the output.
func (r *Reader) run(in *backward, count, limit int) error {
	lengths, offsets, matches := r.tables[literalLengths].states, r.tables[matchOffsets].states, r.tables[matchLengths].states
	length := lengths[in.take(r.tables[literalLengths].log)]
	offset := offsets[in.take(r.tables[matchOffsets].log)]
	match := matches[in.take(r.tables[matchLengths].log)]
	literals := r.literals
	out, at := r.history[:limit+spare], len(r.history)
	for i := range count {
		in.fill()
		value := 1<<(offset.symbol&31) + in.take(uint(offset.symbol))
		if offset.symbol > fillBits-32 { // the two lengths have 32 bits at most
			in.fill()
		}
		matchCode, literalCode := &matchCodes[match.symbol], &literalCodes[length.symbol]
		copied := int(matchCode.base) + int(in.take(uint(matchCode.bits)))
		literal := int(literalCode.base) + int(in.take(uint(literalCode.bits)))
		if in.short() || literal > len(literals) {
			return corrupt("found truncated sequences, or too few literals")
		}
		distance := int(min(value-3, MaxWindow+1)) // which is beyond any window
		if value > 3 {
			r.offsets = [3]int{distance, r.offsets[0], r.offsets[1]}
		} else {
			distance = r.repeated(int(value), literal)
		}
		if literal+copied > limit-at {
			return errBlockSize
		}
		if literal <= spare { // usual, and a copy of fixed size is quick
			copy(out[at:at+spare], literals[:spare:cap(literals)])
		} else {
			copy(out[at:], literals[:literal])
		}
		literals = literals[literal:]
		at += literal
		if distance <= 0 || distance > at || distance > r.window {
			return corrupt("found a copy of what is %d bytes back, beyond the window or the output", distance)
		}
		from := at - distance
		if copied <= spare && distance >= spare {
			copy(out[at:at+spare], out[from:from+spare])
			at += copied
		} else {
			for copied > 0 { // a copy may overlap what it makes
				n := copy(out[at:at+copied], out[from:at])
				at += n
				copied -= n
			}
		}
		if i+1 < count {
			in.fill()
			length = lengths[uint64(length.base)+in.take(uint(length.bits))]
			match = matches[uint64(match.base)+in.take(uint(match.bits))]
			offset = offsets[uint64(offset.base)+in.take(uint(offset.bits))]
		}
	}
	if !in.done() {
		return corrupt("found more than the sequences in their stream")
	}
	r.history = out[:at]
	return r.appendLiterals(literals, limit)
}

// repeated returns the distance that an offset of 1 to 3 means, one of the last
// three or one less than the last, and keeps them in order (section 3.1.1.5).
func (r *Reader) repeated(value, literal int) int {
	o := &r.offsets
	if literal == 0 {
		value++
	}
	switch value {
	case 1:
	case 2:
		o[0], o[1] = o[1], o[0]
	case 3:
		o[0], o[1], o[2] = o[2], o[0], o[1]
	default:
		o[0], o[1], o[2] = o[0]-1, o[0], o[1]
	}
	return o[0]
}

var errBlockSize = corrupt("found more output than a block can have")

func (r *Reader) appendLiterals(literals []byte, limit int) error {
	if len(literals) > limit-len(r.history) {
		return errBlockSize
	}
	r.history = append(r.history, literals...)
	return nil
}
