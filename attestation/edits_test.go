package attestation_test

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// item is one CBOR item taken apart, so that a fuzzer can edit the structure
// of a document and not only its bits. Byte strings that hold a map, as the
// payload does, are taken apart too.
type item struct {
	major      byte
	argument   uint64 // of numbers, tags and simple values
	wide       bool   // the head takes 9 bytes
	lie        int    // added to the length or count
	indefinite bool
	content    []byte  // of strings
	items      []*item // of arrays, maps (two for a pair), tags, and strings that hold CBOR
}

const deepest = 6

// takeApart reads one item. It fails for what it does not know.
func takeApart(data []byte, depth int) (it *item, rest []byte, ok bool) {
	if len(data) == 0 || depth > deepest {
		return nil, nil, false
	}
	it = &item{major: data[0] >> 5}
	info, data := data[0]&0x1f, data[1:]
	switch {
	case info < 24:
		it.argument = uint64(info)
	case info < 28:
		n := 1 << (info - 24)
		if len(data) < n {
			return nil, nil, false
		}
		var wide [8]byte
		copy(wide[8-n:], data)
		it.argument, data = binary.BigEndian.Uint64(wide[:]), data[n:]
	case info == 31 && (it.major == 4 || it.major == 5):
		it.indefinite = true
	default:
		return nil, nil, false
	}
	count := uint64(0)
	switch it.major {
	case 2, 3:
		if it.argument > uint64(len(data)) {
			return nil, nil, false
		}
		it.content, data = slices.Clone(data[:it.argument]), data[it.argument:]
		if it.major == 2 && len(it.content) > 100 {
			if inner, rest, ok := takeApart(it.content, depth+1); ok && len(rest) == 0 && inner.major == 5 {
				it.items = []*item{inner}
			}
		}
		return it, data, true
	case 4:
		count = it.argument
	case 5:
		count = 2 * it.argument
	case 6:
		count = 1
	}
	for n := uint64(0); it.indefinite || n < count; n++ {
		if it.indefinite && len(data) > 0 && data[0] == 0xff {
			return it, data[1:], true
		}
		inner, after, ok := takeApart(data, depth+1)
		if !ok || n > 4096 {
			return nil, nil, false
		}
		it.items, data = append(it.items, inner), after
	}
	return it, data, true
}

// put writes the item, with lengths and counts that follow from what is in it.
func (it *item) put(out []byte) []byte {
	argument, content := it.argument, it.content
	switch it.major {
	case 2, 3:
		if len(it.items) > 0 {
			content = nil
			for _, inner := range it.items {
				content = inner.put(content)
			}
		}
		argument = uint64(len(content))
	case 4:
		argument = uint64(len(it.items))
	case 5:
		argument = uint64(len(it.items) / 2)
	}
	switch {
	case it.indefinite:
		out = append(out, it.major<<5|31)
	case it.wide:
		out = binary.BigEndian.AppendUint64(append(out, it.major<<5|27), argument+uint64(it.lie))
	default:
		out = putHead(out, it.major, argument+uint64(it.lie))
	}
	if it.major == 2 || it.major == 3 {
		return append(out, content...)
	}
	for _, inner := range it.items {
		out = inner.put(out)
	}
	if it.indefinite {
		out = append(out, 0xff)
	}
	return out
}

func putHead(out []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(out, major<<5|byte(n))
	case n < 1<<8:
		return append(out, major<<5|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(out, major<<5|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(out, major<<5|26), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(out, major<<5|27), n)
	}
}

func (it *item) clone() *item {
	out := *it
	out.content = bytes.Clone(it.content)
	out.items = nil
	for _, inner := range it.items {
		out.items = append(out.items, inner.clone())
	}
	return &out
}

// walk returns all items, the outermost first.
func (it *item) walk() []*item {
	all := []*item{it}
	for _, inner := range it.items {
		all = append(all, inner.walk()...)
	}
	return all
}

// parent finds the item that holds another.
func (it *item) parent(of *item) (*item, int) {
	for _, candidate := range it.walk() {
		if i := slices.Index(candidate.items, of); i >= 0 {
			return candidate, i
		}
	}
	return nil, 0
}

// program is a sequence of edits, read from a fuzzer's bytes.
type program struct{ code []byte }

func (p *program) next() int {
	if len(p.code) == 0 {
		return 0
	}
	b := p.code[0]
	p.code = p.code[1:]
	return int(b)
}

// pick chooses one of the items. Most documents have fewer than 256.
func (p *program) pick(from *item) *item {
	all := from.walk()
	return all[p.next()%len(all)]
}

// The edits, in the order of their numbers.
const (
	editFlip = iota
	editDelete
	editDuplicate
	editSwap
	editReplace
	editLie
	editWide
	editIndefinite
	editTag
	editCut
	editAppend
	editMajor
	editCertificate
	editNegate
	editArgument
	editInsert
	edits
)

// run edits a document, taking parts of others where an edit asks for one.
func (p *program) run(document *item, others []*item) *item {
	for step := 0; len(p.code) > 0 && step < 16; step++ {
		edit := p.next() % edits
		at := p.pick(document)
		holder, place := document.parent(at)
		switch edit {
		case editFlip:
			if len(at.items) == 0 && len(at.content) > 0 {
				bit := p.next() | p.next()<<8
				at.content[bit/8%len(at.content)] ^= 1 << (bit % 8)
			}
		case editDelete:
			if holder != nil {
				holder.items = slices.Delete(holder.items, place, place+1)
			}
		case editDuplicate:
			if holder != nil {
				holder.items = slices.Insert(holder.items, place, at.clone())
			}
		case editSwap:
			other := p.pick(document)
			if !slices.Contains(at.walk(), other) && !slices.Contains(other.walk(), at) {
				*at, *other = *other, *at
			}
		case editReplace:
			*at = *p.pick(others[p.next()%len(others)]).clone()
		case editLie:
			at.lie += p.next() - 128
		case editWide:
			at.wide = !at.wide
		case editIndefinite:
			at.indefinite = !at.indefinite && (at.major == 4 || at.major == 5)
		case editTag:
			inner := *at
			*at = item{major: 6, argument: uint64(p.next()), items: []*item{&inner}}
		case editCut:
			at.content = at.content[:len(at.content)/2]
		case editAppend:
			at.content = append(at.content, byte(p.next()))
		case editMajor:
			at.major = byte(p.next() % 8)
		case editCertificate:
			swapCertificate(document, others[p.next()%len(others)], p.next(), p.next())
		case editNegate:
			negateSignature(document)
		case editArgument:
			at.argument += uint64(p.next()) - 128
		case editInsert:
			if holder != nil {
				holder.items = slices.Insert(holder.items, place, p.pick(others[p.next()%len(others)]).clone())
			}
		}
		if len(document.walk()) > 2000 {
			break
		}
	}
	return document
}

// certificates are the byte strings that look like one.
func certificates(document *item) []*item {
	var out []*item
	for _, it := range document.walk() {
		if it.major == 2 && len(it.content) > 300 && it.content[0] == 0x30 {
			out = append(out, it)
		}
	}
	return out
}

func swapCertificate(document, other *item, to, from int) {
	mine, theirs := certificates(document), certificates(other)
	if len(mine) > 0 && len(theirs) > 0 {
		mine[to%len(mine)].content = bytes.Clone(theirs[from%len(theirs)].content)
	}
}

// negateSignature makes the other signature that verifies, (r, -s).
func negateSignature(document *item) {
	if len(document.items) != 4 || len(document.items[3].content) != 96 {
		return
	}
	s := document.items[3].content[48:]
	copy(s, negate(s))
}
