package eif

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
)

// Content is data of known size that can be read more than once. A
// *[bytes.Reader], *[strings.Reader] and *[io.SectionReader] are such; for an
// *[os.File] make an [io.NewSectionReader] from its size.
type Content interface {
	io.ReaderAt
	Size() int64
}

// Defaults of AWS's builder, which no tool uses afterwards.
const (
	defaultMemory = 1 << 30
	defaultCPUs   = 2
)

// maxRamdisks leaves room for kernel, command line, metadata and signature.
const maxRamdisks = maxSections - 4

// Spec says what goes into an image file. Kernel, Ramdisks and Architecture
// are required.
type Spec struct {
	Architecture  Architecture
	DefaultMemory uint64 // in bytes; zero: 1 GiB, as AWS's builder writes
	DefaultCPUs   uint64 // zero: 2, as AWS's builder writes

	Kernel      Content
	CommandLine string    // without NUL; at most MaxCommandLine bytes
	Ramdisks    []Content // 1 to 28, the boot ramdisk first
	Metadata    Metadata  // at most MaxMetadata bytes as JSON
	Signing     *Signing  // nil: the image is not signed
}

// SpecError says which part of a Spec cannot go into an image file and why.
type SpecError struct {
	Field  string // "CommandLine", "Ramdisks[1]", "Signing.Certificate"
	Detail string
	Err    error // what caused it, or nil
}

func (e *SpecError) Error() string {
	text := "image specification: " + e.Field + ": " + e.Detail
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *SpecError) Unwrap() error { return e.Err }

// piece is a section that is still to be written.
type piece struct {
	kind    SectionType
	field   string // of Spec, for errors
	content Content
	size    int64 // of content, asked for once
}

func newPiece(kind SectionType, field string, content Content) piece {
	p := piece{kind: kind, field: field, content: content}
	if content != nil {
		p.size = content.Size()
	}
	return p
}

// pieces checks s and returns its sections in the order in which AWS's builder
// writes them, without the signature.
func (s *Spec) pieces() ([]piece, error) {
	if s.Architecture != X8664 && s.Architecture != AArch64 {
		return nil, &SpecError{Field: "Architecture", Detail: fmt.Sprintf("found %q, expected %q or %q", s.Architecture, X8664, AArch64)}
	}
	if at := strings.IndexByte(s.CommandLine, 0); at >= 0 {
		return nil, &SpecError{Field: "CommandLine", Detail: fmt.Sprintf("found a NUL byte at %d, where the kernel would stop reading", at)}
	}
	if n := len(s.Ramdisks); n < 1 || n > maxRamdisks {
		return nil, &SpecError{Field: "Ramdisks", Detail: fmt.Sprintf("found %d, expected 1 to %d", n, maxRamdisks)}
	}
	metadata, err := s.Metadata.marshal()
	if err != nil {
		return nil, &SpecError{Field: "Metadata", Detail: "cannot be written as JSON", Err: err}
	}
	pieces := []piece{
		newPiece(SectionKernel, "Kernel", s.Kernel),
		newPiece(SectionCommandLine, "CommandLine", strings.NewReader(s.CommandLine)),
		newPiece(SectionMetadata, "Metadata", bytes.NewReader(metadata)),
	}
	for i, ramdisk := range s.Ramdisks {
		pieces = append(pieces, newPiece(SectionRamdisk, fmt.Sprintf("Ramdisks[%d]", i), ramdisk))
	}
	for _, p := range pieces {
		if err := p.check(); err != nil {
			return nil, err
		}
	}
	return pieces, nil
}

func (p *piece) check() error {
	if p.content == nil {
		return &SpecError{Field: p.field, Detail: "missing"}
	}
	limit := p.kind.limit()
	if limit == 0 {
		// All sections together stay within what an offset can say.
		limit = math.MaxInt64 / (2 * maxSections)
	}
	least := int64(0)
	if p.kind == SectionKernel {
		least = 1
	}
	if p.size < least || p.size > limit {
		return &SpecError{Field: p.field, Detail: fmt.Sprintf("found %d bytes, expected %d to %d", p.size, least, limit)}
	}
	return nil
}

// header returns the header of an image of these sections. Its checksum is
// still to be set.
func (s *Spec) header(pieces []piece) header {
	h := header{
		Magic:         [4]byte([]byte(magic)),
		Version:       4,
		DefaultMemory: s.DefaultMemory,
		DefaultCPUs:   s.DefaultCPUs,
		NumSections:   uint16(len(pieces)),
	}
	if s.Architecture == AArch64 {
		h.Flags = flagAArch64
	}
	if h.DefaultMemory == 0 {
		h.DefaultMemory = defaultMemory
	}
	if h.DefaultCPUs == 0 {
		h.DefaultCPUs = defaultCPUs
	}
	at := uint64(headerSize)
	for i, p := range pieces {
		h.Offsets[i], h.Sizes[i] = at, uint64(p.size)
		at += sectionHeaderSize + h.Sizes[i]
	}
	return h
}
