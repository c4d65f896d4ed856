package uki_test

import (
	"bytes"
	"cmp"
	"crypto/sha512"
	"encoding/binary"
	"slices"

	"github.com/nitroattest/nitroattest/pcr/uki"
)

// authenticodeByTheBook follows the steps of Microsoft's specification on a
// file in memory that is known to be good, without any of the package's code.
func authenticodeByTheBook(file []byte) uki.Digest {
	le := binary.LittleEndian
	coff := int(le.Uint32(file[0x3c:]))
	optional := coff + 24
	directories := optional + 96
	if le.Uint16(file[optional:]) == 0x20b {
		directories = optional + 112
	}
	headers := int(le.Uint32(file[optional+60:]))
	certificates := int(le.Uint32(file[directories+4*8+4:]))

	var hashed bytes.Buffer
	hashed.Write(file[:optional+64])
	hashed.Write(file[optional+68 : directories+4*8])
	hashed.Write(file[directories+5*8 : headers])
	sum := headers

	type raw struct{ size, pointer int }
	var sections []raw
	table := file[optional+int(le.Uint16(file[coff+20:])):]
	for range le.Uint16(file[coff+6:]) {
		sections = append(sections, raw{int(le.Uint32(table[16:])), int(le.Uint32(table[20:]))})
		table = table[40:]
	}
	slices.SortStableFunc(sections, func(a, b raw) int { return cmp.Compare(a.pointer, b.pointer) })
	for _, s := range sections {
		if s.size > 0 {
			hashed.Write(file[s.pointer : s.pointer+s.size])
			sum += s.size
		}
	}
	hashed.Write(file[sum : len(file)-certificates])
	return sha512.Sum384(hashed.Bytes())
}
