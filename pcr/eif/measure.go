package eif

import (
	"fmt"
	"io"

	"github.com/nitroattest/nitroattest/pcr"
)

// Measure reads the image file of size bytes in r and returns what an enclave
// that boots it attests to. An Image is returned only without an error; the
// error is an [*Error] that names the [Reason] which the file breaks.
//
// The file may be of any size: Measure holds 2 MiB of it at a time and the
// sections that [MaxCommandLine], [MaxMetadata] and [MaxSignature] limit. Every
// byte of a section goes into two registers, so it takes the processor time of
// two SHA-384 passes over the file; where there are two cores, the two run side
// by side, in the time of one. After some reads of a few bytes it
// reads the file front to back in blocks of 256 KiB, once, or twice when the
// two walks differ. To show progress, or to stop early, wrap r: an error from
// ReadAt ends Measure and is in the chain of its error. What r returns must not
// change meanwhile.
func Measure(r io.ReaderAt, size int64) (*Image, error) {
	h, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
	sections, warnings, err := readSections(r, size, &h)
	if err != nil {
		return nil, err
	}
	walk, err := describe(r, size)
	if err != nil {
		return nil, err
	}
	if s, ok := walk.divergence(sections); ok {
		return nil, walksDiffer(r, size, sections, &walk, s)
	}

	sum := checksum{gaps: findGaps(sections, size)}
	bank, err := hashSections(r, size, sections, sum.add)
	if err != nil {
		return nil, err
	}
	if err := sum.check(h.CRC); err != nil {
		return nil, err
	}
	image := &Image{
		Measurements:  bank,
		Version:       int(h.Version),
		Architecture:  h.architecture(),
		DefaultMemory: h.DefaultMemory,
		DefaultCPUs:   h.DefaultCPUs,
		Sections:      sections,
		Warnings:      append(append(h.warnings(), warnings...), gapWarnings(sum.gaps, &walk)...),
	}
	if err := image.readContents(r); err != nil {
		return nil, err
	}
	more, err := unusualParts(r, sections)
	if err != nil {
		return nil, err
	}
	image.Warnings = append(image.Warnings, more...)
	return image, nil
}

// hashSections streams the file once and returns registers 0 to 2. What else
// wants to see the file shares a goroutine with PCR2, which has less to hash
// than PCR0.
func hashSections(r io.ReaderAt, size int64, sections []Section, also sink) (pcr.Bank, error) {
	m := newRegisters(sections)
	err := stream(r, size, m.hashImageAndBoot, func(offset int64, data []byte) {
		m.hashApplication(offset, data)
		also(offset, data)
	})
	if err != nil {
		return nil, err
	}
	return m.bank()
}

// walksDiffer says at which section the walks part and which registers differ.
func walksDiffer(r io.ReaderAt, size int64, sections []Section, walk *describedWalk, at Section) error {
	e := &Error{Reason: WalksDiffer, Where: "file", Offset: at.Offset,
		Detail: fmt.Sprintf("describe-eif reads a section of type %v with %d bytes there, which the header does not list and the hypervisor does not boot", at.Type, at.Size)}
	none := func(int64, []byte) {}
	var err error
	if e.Booted, err = hashSections(r, size, sections, none); err != nil {
		return err
	}
	if !walk.complete() {
		e.Detail += "; further on it " + walk.stop
		return e
	}
	if e.Described, err = hashSections(r, size, walk.sections, none); err != nil {
		return err
	}
	for _, register := range e.Booted.Registers() {
		if booted, described := e.Booted[register], e.Described[register]; booted != described {
			e.Detail += fmt.Sprintf("; PCR%d is %v as booted, %v as described", register, booted, described)
		}
	}
	return e
}

// readContents reads the sections that are held in memory.
func (i *Image) readContents(r io.ReaderAt) error {
	for _, s := range i.Sections {
		if s.Type.limit() == 0 {
			continue
		}
		data := make([]byte, s.Size)
		if err := readFull(r, data, s.data()); err != nil {
			return err
		}
		var err error
		switch s.Type {
		case SectionCommandLine:
			i.CommandLine = string(data)
		case SectionMetadata:
			err = i.readMetadata(data, s.Offset)
		case SectionSignature:
			err = i.readSignature(data, s.Offset)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
