package uki_test

import (
	"bytes"
	"encoding/binary"
	"slices"
)

const (
	coffAt     = 64
	optionalAt = coffAt + 24
	alignment  = 512
)

// image is a PE file to assemble, without any of the rules of the package.
type image struct {
	pe32         bool
	directories  int // 0: 16
	imageVersion uint16
	parts        []part
	trailing     []byte // after the sections
	certificates []byte // at the end
}

// part is a section, or the bytes of a gap when it has no name.
type part struct {
	name   string
	data   []byte
	memory int // VirtualSize, 0: as many as in data
}

func section(name, data string) part { return part{name: name, data: []byte(data)} }

func (i image) dataDirectories() int {
	if i.pe32 {
		return optionalAt + 96
	}
	return optionalAt + 112
}

func (i image) sectionTable() int {
	if i.directories == 0 {
		i.directories = 16
	}
	return i.dataDirectories() + 8*i.directories
}

func (i image) bytes() []byte {
	le := binary.LittleEndian
	table := i.sectionTable()
	names := slices.DeleteFunc(slices.Clone(i.parts), func(p part) bool { return p.name == "" })
	headers := align(table + 40*len(names))
	data := make([]byte, headers)
	copy(data, "MZ")
	le.PutUint32(data[0x3c:], coffAt)
	copy(data[coffAt:], "PE\x00\x00\x64\x86")
	le.PutUint16(data[coffAt+6:], uint16(len(names)))
	le.PutUint16(data[coffAt+20:], uint16(table-optionalAt))
	le.PutUint16(data[coffAt+22:], 0x22e)
	le.PutUint16(data[optionalAt:], 0x20b)
	if i.pe32 {
		copy(data[coffAt+4:], "\x4c\x01")
		le.PutUint16(data[optionalAt:], 0x10b)
	}
	le.PutUint32(data[optionalAt+32:], 4096)
	le.PutUint32(data[optionalAt+36:], alignment)
	le.PutUint16(data[optionalAt+44:], i.imageVersion)
	le.PutUint32(data[optionalAt+60:], uint32(headers))
	le.PutUint32(data[optionalAt+64:], 0xdeadbeef)
	le.PutUint16(data[optionalAt+68:], 10)
	le.PutUint32(data[i.dataDirectories()-4:], uint32(table-i.dataDirectories())/8)

	entry := table
	for n, p := range i.parts {
		start := len(data)
		data = append(data, p.data...)
		data = append(data, make([]byte, align(len(data))-len(data))...)
		if p.name == "" {
			continue
		}
		if p.memory == 0 {
			p.memory = len(p.data)
		}
		copy(data[entry:], p.name)
		le.PutUint32(data[entry+8:], uint32(p.memory))
		le.PutUint32(data[entry+12:], uint32(n+1)*0x100000)
		le.PutUint32(data[entry+16:], uint32(len(data)-start))
		le.PutUint32(data[entry+20:], uint32(start))
		entry += 40
	}
	data = append(data, i.trailing...)
	if i.certificates != nil {
		at := i.dataDirectories() + 4*8
		le.PutUint32(data[at:], uint32(len(data)))
		le.PutUint32(data[at+4:], uint32(len(i.certificates)))
		data = append(data, i.certificates...)
	}
	return data
}

func align(n int) int { return (n + alignment - 1) / alignment * alignment }

// winCertificate is an entry of the certificate table, padded to 8 bytes.
func winCertificate(kind uint16, data []byte) []byte {
	entry := binary.LittleEndian.AppendUint32(nil, uint32(8+len(data)))
	entry = binary.LittleEndian.AppendUint16(entry, 0x200)
	entry = binary.LittleEndian.AppendUint16(entry, kind)
	entry = append(entry, data...)
	return append(entry, make([]byte, -len(entry)&7)...)
}

// kernel is what is in .linux of the images that are assembled.
var kernel = image{imageVersion: 1, parts: []part{section(".text", "a kernel")}}.bytes()

const magic252 = "#### LoaderInfo: systemd-stub 252.4-1 ####\x00"

// unified is a unified kernel image with the given .sdmagic.
func unified(magic string) image {
	i := image{parts: []part{section(".text", "a stub"), section(".sdmagic", magic), section(".cmdline", "quiet"), {name: ".linux", data: kernel}}}
	if magic == "" {
		i.parts = slices.Delete(i.parts, 1, 2)
	}
	return i
}

// put returns data with a little-endian number of size bytes at an offset.
func put(data []byte, offset, size int, value uint64) []byte {
	data = bytes.Clone(data)
	copy(data[offset:offset+size], binary.LittleEndian.AppendUint64(nil, value))
	return data
}
