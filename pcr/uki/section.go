package uki

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"slices"
)

// section is an entry of the section table.
type section struct {
	name   string // without trailing zeros
	data   span   // in the file: PointerToRawData, SizeOfRawData
	memory int64  // VirtualSize, the bytes that the stub sees
}

// readSections reads the section table and returns where the last section, or
// the headers, end in the file. The table lies in the file, so that no more
// memory is taken than the file is long.
func (p *portableExecutable) readSections(table span) (end int64, err error) {
	headers := make([]byte, table.size)
	if err := p.readFull(headers, table.offset); err != nil {
		return 0, err
	}
	for header := range slices.Chunk(headers, sectionHeaderSize) {
		field := func(offset int) int64 { return int64(binary.LittleEndian.Uint32(header[offset:])) }
		p.sections = append(p.sections, section{
			name:   string(bytes.TrimRight(header[:8], "\x00")),
			memory: field(8),
			data:   span{offset: field(20), size: field(16)},
		})
	}
	end = p.headers
	for _, s := range p.inFile() {
		if s.data.offset < end {
			return 0, p.errorf(SectionOverlap, s.data.offset, "section %q starts there, expected it at %d or later, where what is before it ends", s.name, end)
		}
		if s.data.end() > p.size {
			return 0, p.errorf(SectionOverrun, s.data.offset, "section %q ends at %d, expected %d, the size of the file, or less", s.name, s.data.end(), p.size)
		}
		end = s.data.end()
	}
	return end, nil
}

// inFile returns the sections that have data in the file, in file order.
func (p *portableExecutable) inFile() []section {
	sections := slices.DeleteFunc(slices.Clone(p.sections), func(s section) bool { return s.data.size == 0 })
	slices.SortStableFunc(sections, func(a, b section) int { return cmp.Compare(a.data.offset, b.data.offset) })
	return sections
}

func (p *portableExecutable) has(name string) bool {
	return slices.ContainsFunc(p.sections, func(s section) bool { return s.name == name })
}

// content returns what the stub sees of a section. It is empty without an
// error when there is no such section.
//
// The stub takes VirtualSize bytes from memory, where zeros follow what the
// file holds; AWS's tool takes them from the file.
func (p *portableExecutable) content(name string) (span, error) {
	var found []section
	for _, s := range p.sections {
		if s.name == name {
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return span{}, nil
	}
	s := found[0]
	if len(found) > 1 {
		return span{}, p.errorf(DuplicateSection, found[1].data.offset, "section %s occurs %d times, expected it once", name, len(found))
	}
	if s.memory == 0 || s.memory > s.data.size {
		return span{}, p.errorf(SectionSize, s.data.offset, "section %s has %d bytes in memory, expected 1 to %d, its size in the file", name, s.memory, s.data.size)
	}
	return span{s.data.offset, s.memory}, nil
}

// reader returns a part of the file as a file.
func (p *portableExecutable) reader(s span) io.ReaderAt {
	return io.NewSectionReader(p.r, s.offset, s.size)
}
