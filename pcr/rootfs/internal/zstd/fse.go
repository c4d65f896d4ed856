package zstd

import "math/bits"

// fseEntry is a state of a finite state entropy decoder.
type fseEntry struct {
	symbol uint8
	bits   uint8  // to read for the next state
	base   uint16 // to add them to
}

// readCounts reads the description of a distribution (RFC 8878, section 4.1.1)
// and returns the counts of the symbols, -1 for "less than one", and how many
// bytes the description has.
func readCounts(data []byte, maxLog, maxSymbol int) (counts []int16, log, n int, err error) {
	f := forward{data: data}
	log = f.peek(4) + 5
	f.at = 4
	if log > maxLog {
		return nil, 0, 0, corrupt("found an accuracy of %d bits, expected at most %d", log, maxLog)
	}
	remaining := 1 << log
	for remaining > 0 {
		if len(counts) > maxSymbol {
			return nil, 0, 0, corrupt("found more symbols than the %d there are", maxSymbol+1)
		}
		width := bits.Len(uint(remaining + 1))
		value := f.peek(width)
		low := 1<<(width-1) - 1
		threshold := 1<<width - 1 - (remaining + 1)
		switch {
		case value&low < threshold:
			value &= low
			f.at += width - 1
		default:
			if value > low {
				value -= threshold
			}
			f.at += width
		}
		count := value - 1
		counts = append(counts, int16(count))
		if count < 0 {
			remaining--
		} else {
			remaining -= count
		}
		for zeros := 3; count == 0 && zeros == 3; {
			zeros = f.peek(2)
			f.at += 2
			for range zeros {
				counts = append(counts, 0)
			}
			if len(counts) > maxSymbol+1 {
				return nil, 0, 0, corrupt("found more symbols than the %d there are", maxSymbol+1)
			}
		}
	}
	n = (f.at + 7) / 8
	if remaining < 0 || len(counts) > maxSymbol+1 || n > len(data) {
		return nil, 0, 0, corrupt("found a damaged distribution")
	}
	return counts, log, n, nil
}

// buildFSE makes the table of a distribution that adds up to 1<<log, in
// table if it has room.
func buildFSE(table []fseEntry, counts []int16, log int) []fseEntry {
	size := 1 << log
	if cap(table) < size {
		table = make([]fseEntry, size)
	}
	table = table[:size]
	var next [256]uint16
	high := size
	for symbol, count := range counts {
		next[symbol] = uint16(count)
		if count < 0 {
			high--
			table[high].symbol = uint8(symbol)
			next[symbol] = 1
		}
	}
	step, at := size>>1+size>>3+3, 0
	for symbol, count := range counts {
		for range max(count, 0) {
			table[at].symbol = uint8(symbol)
			for at = (at + step) & (size - 1); at >= high; {
				at = (at + step) & (size - 1)
			}
		}
	}
	for i := range table {
		e := &table[i]
		state := next[e.symbol]
		next[e.symbol]++
		width := log - bits.Len16(state) + 1
		e.bits = uint8(width)
		e.base = state<<width - uint16(size)
	}
	return table
}
