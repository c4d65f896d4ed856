package eif

import (
	"fmt"
	"io"
)

// gap is a range of the file that belongs to no section.
type gap struct {
	start, end int64
	filled     bool // with something other than zeros
}

// findGaps returns what lies between the header, the sections and the end of
// the file. Sections are in file order.
func findGaps(sections []Section, size int64) []gap {
	var gaps []gap
	at := int64(headerSize)
	for _, s := range sections {
		if s.Offset > at {
			gaps = append(gaps, gap{start: at, end: s.Offset})
		}
		at = s.end()
	}
	if size > at {
		gaps = append(gaps, gap{start: at, end: size})
	}
	return gaps
}

// A describedWalk is how AWS's describe-eif goes through a file: one section
// after another from the end of the header to the end of the file, whatever
// the header's offsets and num_sections say.
type describedWalk struct {
	sections []Section
	// stop says why the walk ends before the end of the file, "" if it does
	// not. The tool prints no measurements then, unless ignored is set.
	stop    string
	ignored bool
}

// maxDescribed bounds the walk: a large file can hold sections without data
// in great numbers. A file with more than twice what a header can list has
// been seen to differ long before.
const maxDescribed = 2 * maxSections

// describe walks the file as describe-eif does.
func describe(r io.ReaderAt, size int64) (describedWalk, error) {
	var walk describedWalk
	at := int64(headerSize)
	for at < size {
		if size-at < sectionHeaderSize {
			walk.stop = "stops there without a word, and leaves these bytes out of its checksum"
			walk.ignored = true
			return walk, nil
		}
		own, err := readSectionHeader(r, at)
		if err != nil {
			return walk, err
		}
		switch left := size - at - sectionHeaderSize; {
		case !SectionType(own.Type).known():
			walk.stop = fmt.Sprintf("refuses the image, for it reads a section of type %d there", own.Type)
			return walk, nil
		case own.Size > uint64(left):
			walk.stop = fmt.Sprintf("fails, for it reads a section of %d bytes there and %d are left", own.Size, left)
			return walk, nil
		case len(walk.sections) == maxDescribed:
			walk.stop = fmt.Sprintf("reads more than %d sections", maxDescribed)
			return walk, nil
		}
		s := Section{SectionType(own.Type), at, int64(own.Size)}
		walk.sections = append(walk.sections, s)
		at = s.end()
	}
	return walk, nil
}

// complete reports whether describe-eif prints measurements.
func (w *describedWalk) complete() bool { return w.stop == "" || w.ignored }

// divergence returns the first section of the walk that the header does not
// list. Both lists rise through the file and start alike, for the walk can
// leave the header's sections only where a gap is.
func (w *describedWalk) divergence(listed []Section) (Section, bool) {
	for i, s := range w.sections {
		if i == len(listed) || s != listed[i] {
			return s, true
		}
	}
	return Section{}, false
}

// gapWarnings tells of every gap, and at the first, which is where the two
// walks part, of what describe-eif makes of it.
func gapWarnings(gaps []gap, walk *describedWalk) []Warning {
	var warnings []Warning
	for i, g := range gaps {
		content := "all zero"
		if g.filled {
			content = "not all zero"
		}
		detail := fmt.Sprintf("%d bytes at offset %d, %s, are in no section", g.end-g.start, g.start, content)
		if i == 0 {
			detail += "; describe-eif " + walk.stop
		}
		warnings = append(warnings, Warning{Gap, detail})
	}
	return warnings
}
