package eif

import (
	"crypto/sha512"
	"fmt"
	"hash"
	"iter"

	"github.com/nitroattest/nitroattest/pcr"
)

// registers computes PCR0, PCR1 and PCR2 over sections in file order. Its two
// sinks share nothing, so that each can have a core.
//
// PCR0 and PCR1 cover the same bytes up to the second ramdisk. Up to there one
// hash stands for both; there it is split.
type registers struct {
	sections []Section
	first    int       // index of the first ramdisk; those after it are PCR2's
	image    hash.Hash // PCR0
	boot     hash.Hash // PCR1, nil until it is split from image
	app      hash.Hash // PCR2
	err      error     // of the split
}

func newRegisters(sections []Section) *registers {
	m := &registers{sections: sections, first: len(sections), image: sha512.New384(), app: sha512.New384()}
	for i, s := range sections {
		if s.Type == SectionRamdisk {
			m.first = i
			break
		}
	}
	return m
}

// application reports whether section i is a ramdisk after the first.
func (m *registers) application(i int) bool {
	return i > m.first && m.sections[i].Type == SectionRamdisk
}

// hashImageAndBoot is the sink for PCR0 and PCR1.
func (m *registers) hashImageAndBoot(offset int64, data []byte) {
	for i, part := range parts(m.sections, offset, data) {
		switch {
		case !m.sections[i].Type.measured():
		case m.application(i):
			m.split()
			m.image.Write(part)
		default:
			m.image.Write(part)
			if m.boot != nil {
				m.boot.Write(part)
			}
		}
	}
}

// hashApplication is the sink for PCR2.
func (m *registers) hashApplication(offset int64, data []byte) {
	for i, part := range parts(m.sections, offset, data) {
		if m.application(i) {
			m.app.Write(part)
		}
	}
}

func (m *registers) split() {
	if m.boot != nil {
		return
	}
	// Every hash of the standard library is a hash.Cloner.
	clone, err := m.image.(hash.Cloner).Clone()
	if err != nil {
		m.err, m.boot = fmt.Errorf("cannot copy the state of SHA-384: %w", err), sha512.New384()
		return
	}
	m.boot = clone
}

// bank returns registers 0 to 2 after both sinks have seen the whole file.
func (m *registers) bank() (pcr.Bank, error) {
	if m.err != nil {
		return nil, m.err
	}
	boot := m.boot
	if boot == nil {
		boot = m.image
	}
	extended := func(h hash.Hash) pcr.Value { return pcr.Value{}.Extend(h.Sum(nil)) }
	return pcr.Bank{
		pcr.RegisterImage:       extended(m.image),
		pcr.RegisterKernel:      extended(boot),
		pcr.RegisterApplication: extended(m.app),
	}, nil
}

// parts yields, by index, the sections whose data are in this piece of the
// file, and the part of the piece that is theirs.
func parts(sections []Section, offset int64, data []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for i, s := range sections {
			if part := cut(offset, data, s.data(), s.end()); len(part) > 0 && !yield(i, part) {
				return
			}
		}
	}
}

// cut returns the part of a piece of the file that lies in [start, end).
func cut(offset int64, data []byte, start, end int64) []byte {
	from := max(start-offset, 0)
	to := min(end-offset, int64(len(data)))
	if from >= to {
		return nil
	}
	return data[from:to]
}
