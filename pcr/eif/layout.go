package eif

import (
	"encoding/binary"
	"fmt"
	"io"
)

// sectionHeader precedes the data of every section, big-endian.
type sectionHeader struct {
	Type, Flags uint16
	Size        uint64
}

func readSectionHeader(r io.ReaderAt, offset int64) (sectionHeader, error) {
	var buf [sectionHeaderSize]byte
	if err := readFull(r, buf[:], offset); err != nil {
		return sectionHeader{}, err
	}
	return sectionHeader{
		Type:  binary.BigEndian.Uint16(buf[0:]),
		Flags: binary.BigEndian.Uint16(buf[2:]),
		Size:  binary.BigEndian.Uint64(buf[4:]),
	}, nil
}

// readSections follows the header's offsets, as the hypervisor does, and
// checks every section by itself and against the one before it.
func readSections(r io.ReaderAt, size int64, h *header) ([]Section, []Warning, error) {
	var sections []Section
	var warnings []Warning
	for i := range int(h.NumSections) {
		if err := checkOffset(i, h.Offsets[i], size, sections); err != nil {
			return nil, nil, err
		}
		offset := int64(h.Offsets[i])
		own, err := readSectionHeader(r, offset)
		if err != nil {
			return nil, nil, err
		}
		if err := checkSection(i, offset, size, h, own); err != nil {
			return nil, nil, err
		}
		if own.Size != h.Sizes[i] {
			warnings = append(warnings, Warning{StaleSignatureSize, fmt.Sprintf(
				"section %d (signature): the header says %d bytes, the section %d", i, h.Sizes[i], own.Size)})
		}
		sections = append(sections, Section{SectionType(own.Type), offset, int64(own.Size)})
	}
	more, err := checkSections(sections, h.Version)
	return sections, append(warnings, more...), err
}

// checkOffset refuses offsets that are not in file order, which the format
// demands. Without that, a measurement in header order and one in file order
// would be two.
func checkOffset(i int, offset uint64, size int64, before []Section) error {
	fail := func(reason Reason, format string, args ...any) error {
		return &Error{Reason: reason, Where: fmt.Sprintf("offsets[%d]", i), Offset: int64(offsetsOffset + 8*i),
			Detail: fmt.Sprintf("found %d, expected ", offset) + fmt.Sprintf(format, args...)}
	}
	if offset < headerSize || offset > uint64(size-sectionHeaderSize) {
		return fail(OffsetOutOfRange, "%d to %d: after the header and with a section header inside the file",
			headerSize, size-sectionHeaderSize)
	}
	if i == 0 {
		return nil
	}
	previous := before[i-1]
	if offset <= uint64(previous.Offset) {
		return fail(SectionOrder, "more than offsets[%d], which is %d", i-1, previous.Offset)
	}
	if offset < uint64(previous.end()) {
		return fail(SectionOverlap, "at least %d, where section %d (%v) ends", previous.end(), i-1, previous.Type)
	}
	return nil
}

func checkSection(i int, offset, size int64, h *header, own sectionHeader) error {
	kind := SectionType(own.Type)
	fail := func(reason Reason, format string, args ...any) error {
		return &Error{Reason: reason, Where: fmt.Sprintf("section %d (%v)", i, kind), Offset: offset,
			Detail: fmt.Sprintf(format, args...)}
	}
	left := size - offset - sectionHeaderSize
	switch {
	case !kind.known():
		return fail(UnknownSection, "found section type %d, expected 1 to 5", own.Type)
	case own.Flags != 0:
		return fail(UnknownFlags, "flags: found %#04x, expected 0", own.Flags)
	case own.Size > uint64(left):
		return fail(SectionOverrun, "size: found %d bytes, expected at most %d, which is what the file still has", own.Size, left)
	case kind.limit() > 0 && own.Size > uint64(kind.limit()):
		return fail(SectionTooLarge, "size: found %d bytes, expected at most %d", own.Size, kind.limit())
	case own.Size != h.Sizes[i] && kind != SectionSignature:
		return fail(SizeMismatch, "size: found %d bytes, expected sizes[%d] of the header, which is %d", own.Size, i, h.Sizes[i])
	case kind == SectionSignature && h.Version < 3:
		return fail(SectionVersion, "found a signature in version %d, expected one in version 3 or 4 only", h.Version)
	}
	return nil
}
