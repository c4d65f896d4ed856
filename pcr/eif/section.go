package eif

import "fmt"

// Limits on what Measure holds in memory. The signature's is the format's own
// (SIGNATURE_MAX_SIZE); Linux reads at most 2048 bytes of a command line; the
// largest part of metadata is what docker inspect prints of one image.
const (
	MaxCommandLine = 64 << 10
	MaxMetadata    = 1 << 20
	MaxSignature   = 32768
)

// SectionType says what a section holds.
type SectionType uint16

// The section types of the format.
const (
	SectionKernel      SectionType = 1 // bzImage for x86_64, Image for aarch64
	SectionCommandLine SectionType = 2 // of the kernel
	SectionRamdisk     SectionType = 3 // cpio archive, may be compressed
	SectionSignature   SectionType = 4 // CBOR, since version 3
	SectionMetadata    SectionType = 5 // JSON, since version 4
)

func (t SectionType) known() bool { return t >= SectionKernel && t <= SectionMetadata }

// measured reports whether PCR0 covers sections of this type.
func (t SectionType) measured() bool {
	return t == SectionKernel || t == SectionCommandLine || t == SectionRamdisk
}

// limit returns how large a section that is held in memory may be, or 0 for
// one that is only streamed.
func (t SectionType) limit() int64 {
	switch t {
	case SectionCommandLine:
		return MaxCommandLine
	case SectionMetadata:
		return MaxMetadata
	case SectionSignature:
		return MaxSignature
	default:
		return 0
	}
}

// String returns the type's name in the format: "cmdline", for example.
func (t SectionType) String() string {
	switch t {
	case SectionKernel:
		return "kernel"
	case SectionCommandLine:
		return "cmdline"
	case SectionRamdisk:
		return "ramdisk"
	case SectionSignature:
		return "signature"
	case SectionMetadata:
		return "metadata"
	default:
		return fmt.Sprintf("type %d", uint16(t))
	}
}

// Section is one section of an image file.
type Section struct {
	Type   SectionType
	Offset int64 // of the section's own header in the file, in bytes
	Size   int64 // of the data after that header, in bytes
}

// DataOffset returns where the section's data start in the file, in bytes.
func (s Section) DataOffset() int64 { return s.data() }

// data returns where the section's data start.
func (s Section) data() int64 { return s.Offset + sectionHeaderSize }

// end returns where the section ends and the next one may start.
func (s Section) end() int64 { return s.data() + s.Size }
