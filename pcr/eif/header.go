package eif

import (
	"encoding/binary"
	"fmt"
	"io"
)

const (
	magic             = ".eif"
	maxSections       = 32
	sectionHeaderSize = 12

	flagAArch64 = 1 << 0
	// flagsBottlerocket are set by twoliter, the builder of Bottlerocket.
	flagsBottlerocket = 1<<6 | 1<<9
)

// header is the start of the file, field by field as the format lays it out,
// big-endian. encoding/binary needs the exported names.
type header struct {
	Magic          [4]byte
	Version, Flags uint16
	DefaultMemory  uint64
	DefaultCPUs    uint64
	Reserved       uint16
	NumSections    uint16
	Offsets, Sizes [maxSections]uint64
	Unused, CRC    uint32
}

// Offsets of header fields, for errors; the checksum leaves out its own.
const (
	versionOffset     = 0x04
	flagsOffset       = 0x06
	numSectionsOffset = 0x1a
	offsetsOffset     = 0x1c
	crcOffset         = 0x220
	headerSize        = 0x224
)

// readHeader reads the header and checks what can be checked of it alone.
func readHeader(r io.ReaderAt, size int64) (header, error) {
	var h header
	if size < headerSize {
		return h, &Error{Reason: ShortHeader, Where: "header",
			Detail: fmt.Sprintf("found %d bytes, expected at least %d", size, headerSize)}
	}
	var buf [headerSize]byte
	if err := readFull(r, buf[:], 0); err != nil {
		return h, err
	}
	// Decode fails only for short buffers and types without a fixed size.
	_, _ = binary.Decode(buf[:], binary.BigEndian, &h)
	return h, h.check()
}

func (h *header) check() error {
	switch {
	case string(h.Magic[:]) != magic:
		return &Error{Reason: BadMagic, Where: "magic",
			Detail: fmt.Sprintf("found %q, expected %q", h.Magic[:], magic)}
	case h.Version < 2 || h.Version > 4:
		return &Error{Reason: UnsupportedVersion, Where: "version", Offset: versionOffset,
			Detail: fmt.Sprintf("found %d, expected 2 to 4", h.Version)}
	case h.Flags&flagsBottlerocket != 0:
		return &Error{Reason: UnknownFlags, Where: "flags", Offset: flagsOffset,
			Detail: fmt.Sprintf("found %#04x: bits 6 and 9 are those of Bottlerocket's builder, which since 2026-08 measures the flags into PCR0 in a way that AWS has not documented, so that the registers cannot be computed", h.Flags)}
	case h.Flags&^flagAArch64 != 0:
		return &Error{Reason: UnknownFlags, Where: "flags", Offset: flagsOffset,
			Detail: fmt.Sprintf("found %#04x, expected 0 or 1 (aarch64)", h.Flags)}
	case h.NumSections < 2 || h.NumSections > maxSections:
		return &Error{Reason: SectionCount, Where: "num_sections", Offset: numSectionsOffset,
			Detail: fmt.Sprintf("found %d, expected 2 to %d", h.NumSections, maxSections)}
	}
	return nil
}

// warnings names the fields that every reader ignores and that are set all
// the same.
func (h *header) warnings() []Warning {
	var list []Warning
	add := func(field string, value uint64) {
		if value != 0 {
			list = append(list, Warning{ReservedField, fmt.Sprintf("%s: found %d, expected 0", field, value)})
		}
	}
	add("reserved", uint64(h.Reserved))
	add("unused", uint64(h.Unused))
	for i := int(h.NumSections); i < maxSections; i++ {
		add(fmt.Sprintf("offsets[%d] beyond num_sections", i), h.Offsets[i])
		add(fmt.Sprintf("sizes[%d] beyond num_sections", i), h.Sizes[i])
	}
	return list
}

// architecture of the enclaves that can boot the image.
func (h *header) architecture() Architecture {
	if h.Flags&flagAArch64 != 0 {
		return AArch64
	}
	return X8664
}

// readFull fills buf from offset. What a reader says beside a full buffer does
// not matter; a short one is an error whatever it says.
func readFull(r io.ReaderAt, buf []byte, offset int64) error {
	n, err := r.ReadAt(buf, offset)
	if n == len(buf) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &Error{Reason: Unreadable, Where: "file", Offset: offset,
		Detail: fmt.Sprintf("read %d bytes, expected %d", n, len(buf)), Err: err}
}
