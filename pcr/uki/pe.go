package uki

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Sizes and offsets of the PE format (Microsoft, "PE Format").
const (
	dosHeaderSize     = 64
	coffHeaderSize    = 4 + 20 // with the signature "PE\0\0" before it
	sectionHeaderSize = 40

	magicPE32     = 0x10b
	magicPE32Plus = 0x20b

	// In the optional header, alike for both magics.
	imageVersionAt  = 44 // MajorImageVersion
	headersSizeAt   = 60 // SizeOfHeaders
	checksumAt      = 64 // CheckSum
	directoriesPE32 = 96 // the first data directory; its count is the 4 bytes before
	directoriesPlus = 112

	directorySize        = 8
	certificateDirectory = 4
	maxDirectories       = 16
)

// maxOptionalHeader is the optional header with every directory there is.
const maxOptionalHeader = directoriesPlus + maxDirectories*directorySize

// span is a piece of a file.
type span struct{ offset, size int64 }

func (s span) end() int64 { return s.offset + s.size }

// portableExecutable is a PE file whose parts are known to lie in the file and
// not to overlap.
type portableExecutable struct {
	r     io.ReaderAt
	size  int64
	where string // for errors

	checksum     span // the parts of the headers that the digest leaves out
	directory    span
	headers      int64     // SizeOfHeaders
	sections     []section // in the order of the section table
	certificates span      // empty when the file is not signed
	imageVersion uint16    // MajorImageVersion
}

func (p *portableExecutable) errorf(reason Reason, offset int64, format string, args ...any) *Error {
	return &Error{Reason: reason, Where: p.where, Offset: offset, Detail: fmt.Sprintf(format, args...)}
}

func parsePE(where string, r io.ReaderAt, size int64) (*portableExecutable, error) {
	p := &portableExecutable{r: r, size: size, where: where}
	var dos [dosHeaderSize]byte
	if err := p.readHeader(dos[:], 0); err != nil {
		return nil, err
	}
	// A certificate table at the end may go unread otherwise.
	if err := p.readFull(make([]byte, 1), size-1); err != nil {
		return nil, err
	}
	coffAt := int64(binary.LittleEndian.Uint32(dos[0x3c:]))
	if string(dos[:2]) != "MZ" || coffAt < dosHeaderSize {
		return nil, p.errorf(NotPE, 0, "found %q and a PE header at offset %d, expected \"MZ\" and an offset from %d on", dos[:2], coffAt, dosHeaderSize)
	}
	var coff [coffHeaderSize]byte
	if err := p.readHeader(coff[:], coffAt); err != nil {
		return nil, err
	}
	if string(coff[:4]) != "PE\x00\x00" {
		return nil, p.errorf(NotPE, coffAt, "found %q, expected \"PE\\x00\\x00\"", coff[:4])
	}
	optionalAt := coffAt + coffHeaderSize
	optionalSize := int64(binary.LittleEndian.Uint16(coff[20:]))
	directory, err := p.readOptionalHeader(optionalAt, optionalSize)
	if err != nil {
		return nil, err
	}
	count := int64(binary.LittleEndian.Uint16(coff[6:]))
	table := span{optionalAt + optionalSize, count * sectionHeaderSize}
	if p.headers < table.end() || p.headers > size {
		return nil, p.errorf(HeaderSize, optionalAt+headersSizeAt, "found SizeOfHeaders %d, expected at least %d, where the section table ends, and at most %d, the size of the file", p.headers, table.end(), size)
	}
	end, err := p.readSections(table)
	if err != nil {
		return nil, err
	}
	if directory.size == 0 {
		return p, nil
	}
	if directory.offset < end || directory.end() != size {
		return nil, p.errorf(CertificateTable, p.directory.offset, "found a certificate table from %d to %d, expected one from %d or later to %d, the end of the file", directory.offset, directory.end(), end, size)
	}
	p.certificates = directory
	return p, nil
}

// readOptionalHeader also returns the directory entry of the certificate table,
// the one entry that holds an offset in the file.
func (p *portableExecutable) readOptionalHeader(at, size int64) (certificates span, err error) {
	var header [maxOptionalHeader]byte
	known := header[:min(size, maxOptionalHeader)]
	if err := p.readHeader(known, at); err != nil {
		return span{}, err
	}
	magic, directories := binary.LittleEndian.Uint16(header[:]), int64(directoriesPE32)
	if magic == magicPE32Plus {
		directories = directoriesPlus
	}
	count := int64(binary.LittleEndian.Uint32(header[directories-4:]))
	switch {
	case magic != magicPE32 && magic != magicPE32Plus:
		return span{}, p.errorf(OptionalHeader, at, "found magic %#x, expected %#x or %#x", magic, magicPE32, magicPE32Plus)
	case count <= certificateDirectory || count > maxDirectories:
		return span{}, p.errorf(OptionalHeader, at+directories-4, "found %d data directories, expected %d to %d", count, certificateDirectory+1, maxDirectories)
	case size != directories+count*directorySize:
		return span{}, p.errorf(OptionalHeader, at, "found an optional header of %d bytes, expected %d for %d data directories", size, directories+count*directorySize, count)
	}
	entry := directories + certificateDirectory*directorySize
	p.checksum = span{at + checksumAt, 4}
	p.directory = span{at + entry, directorySize}
	p.headers = int64(binary.LittleEndian.Uint32(header[headersSizeAt:]))
	p.imageVersion = binary.LittleEndian.Uint16(header[imageVersionAt:])
	return span{
		int64(binary.LittleEndian.Uint32(header[entry:])),
		int64(binary.LittleEndian.Uint32(header[entry+4:])),
	}, nil
}

// readHeader fills b, which a header that is not all there leaves short.
func (p *portableExecutable) readHeader(b []byte, offset int64) error {
	if offset+int64(len(b)) > p.size {
		return p.errorf(ShortHeader, offset, "found %d bytes, expected a header of %d there", max(p.size-offset, 0), len(b))
	}
	return p.readFull(b, offset)
}

func (p *portableExecutable) readFull(b []byte, offset int64) error {
	if _, err := io.ReadFull(io.NewSectionReader(p.r, offset, int64(len(b))), b); err != nil {
		return p.unreadable(offset, err)
	}
	return nil
}

func (p *portableExecutable) unreadable(offset int64, err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	e := p.errorf(Unreadable, offset, "cannot be read")
	e.Err = err
	return e
}
