package eif

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// unusualParts looks for what images of AWS's builder never have and what moves
// bytes between the parts without a register changing: nothing marks where one
// part ends. It is all that can be told from a file by itself.
func unusualParts(r io.ReaderAt, sections []Section) ([]Warning, error) {
	var list []Warning
	ramdisks := 0
	for _, s := range sections {
		switch s.Type {
		case SectionKernel:
			excess, err := excessOfKernel(r, s)
			if err != nil {
				return nil, err
			}
			if excess > 0 {
				list = append(list, Warning{LongKernel, fmt.Sprintf("found %d bytes after what the header of the kernel says it has; an image with them in its command line or its first ramdisk has the same registers", excess)})
			}
		case SectionCommandLine:
			if s.Size == 0 {
				list = append(list, Warning{EmptyCommandLine, "found no command line; an image with one, and a kernel that is shorter by as much, has the same registers"})
			}
		case SectionRamdisk:
			if ramdisks++; ramdisks == 1 && s.Size == 0 {
				list = append(list, Warning{EmptyRamdisk, "found no byte in the first ramdisk; an image with one, and a kernel or command line that is shorter by as much, has the same PCR0 and PCR1"})
			}
		}
	}
	if names := measuredNames(sections); !strings.HasPrefix(names, "kernel, cmdline") {
		list = append(list, Warning{UnusualOrder, "found " + names + "; AWS's builder writes the kernel, the command line, the ramdisks"})
	}
	return list, nil
}

// measuredNames lists the sections that are measured, in file order. The others
// can be anywhere.
func measuredNames(sections []Section) string {
	var names []string
	for _, s := range sections {
		if s.Type.measured() {
			names = append(names, s.Type.String())
		}
	}
	return strings.Join(names, ", ")
}

// excessOfKernel returns how many bytes a kernel has beyond those of its own
// header, or 0 where the header does not say: for x86_64 by the boot protocol
// (Linux, Documentation/arch/x86/boot.rst: setup_sects at 0x1f1, syssize at
// 0x1f4, "HdrS" at 0x202), for aarch64 by image_size at 0x10, "ARM\x64" at 0x38
// (Documentation/arch/arm64/booting.rst), which counts memory that the file does
// not have, too.
func excessOfKernel(r io.ReaderAt, s Section) (int64, error) {
	var head [0x206]byte
	if s.Size < int64(len(head)) {
		return 0, nil
	}
	if err := readFull(r, head[:], s.data()); err != nil {
		return 0, err
	}
	var size uint64
	switch {
	case bytes.Equal(head[0x202:], []byte("HdrS")):
		setup := uint64(head[0x1f1])
		if setup == 0 {
			setup = 4
		}
		size = (setup+1)*512 + uint64(binary.LittleEndian.Uint32(head[0x1f4:]))*16
	case bytes.Equal(head[0x38:0x3c], []byte("ARM\x64")):
		size = binary.LittleEndian.Uint64(head[0x10:])
	}
	if size == 0 || uint64(s.Size) <= size {
		return 0, nil
	}
	return s.Size - int64(size), nil
}
