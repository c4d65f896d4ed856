package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/nitroattest/nitroattest/internal/input"
	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/eif"
	"github.com/nitroattest/nitroattest/pcr/rootfs"
)

// partKind is a part that images have, with the registers that cover it.
type partKind struct {
	name      string
	registers []int
	ramdisk   bool
}

const (
	partKernel      = "kernel"
	partCommandLine = "command line"
	partBoot        = "boot ramdisk"
	partApplication = "application ramdisk"
	partCertificate = "signing certificate"
)

var partKinds = func() []partKind {
	boot := []int{pcr.RegisterImage, pcr.RegisterKernel}
	application := []int{pcr.RegisterImage, pcr.RegisterApplication}
	kinds := []partKind{{partKernel, boot, false}, {partCommandLine, boot, false}, {partBoot, boot, true}, {partApplication, application, true}}
	for n := 2; n <= 31; n++ { // an image file has at most 32 sections
		kinds = append(kinds, partKind{numbered(n), application, true})
	}
	return append(kinds, partKind{partCertificate, []int{pcr.RegisterCertificate}, false})
}()

// numbered is the name of the nth application ramdisk.
func numbered(n int) string {
	if n == 1 {
		return partApplication
	}
	return fmt.Sprintf("%s %d", partApplication, n)
}

// part can be read more than once.
type part struct {
	content eif.Content
	text    string // in place of the digest, where people can read it
}

func (p *part) reader() io.Reader { return io.NewSectionReader(p.content, 0, p.content.Size()) }

func (p *part) describe(sum pcr.Value) string {
	if p.text != "" {
		return p.text
	}
	return fmt.Sprintf("%d bytes, SHA-384 %s", p.content.Size(), sum)
}

// side is one of the two images.
type side struct {
	what        string
	knows       func(part string) bool // whether a part that it does not have is not there, either
	isContainer bool
	parts       map[string]*part
	closers     []io.Closer
}

func (s *side) Close() error {
	var all []error
	for _, c := range s.closers {
		all = append(all, c.Close())
	}
	return errors.Join(all...)
}

// presence says whether there is a part.
func (s *side) presence(name string) string {
	if p := s.parts[name]; p != nil {
		return fmt.Sprintf("%d bytes", p.content.Size())
	}
	return "none"
}

// describe says which parts there are.
func (s *side) describe() string {
	var names []string
	for _, kind := range partKinds {
		if s.parts[kind.name] != nil {
			names = append(names, kind.name)
		}
	}
	return "the one, " + s.what + ", has " + strings.Join(names, ", ")
}

// unused returns the flags about container images where there is none.
func (f *containerFlags) unused(sides [2]*side) (names []string) {
	if sides[0].isContainer || sides[1].isContainer {
		return nil
	}
	for _, name := range choices {
		if f.changed(name) {
			names = append(names, name)
		}
	}
	return names
}

// openSide tells by the first bytes what a file is.
func openSide(name string, flags *containerFlags, std stdio) (*side, error) {
	if isDirectory(name) {
		return openContainerSide(name, flags, std)
	}
	file, size, err := openImage(name, std)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	head := make([]byte, 4)
	n, err := file.ReadAt(head, 0)
	switch {
	case err != nil && err != io.EOF:
		file.Close()
		return nil, fmt.Errorf("%s: %w", name, input.WithoutPath(err))
	case bytes.Equal(head[:n], []byte(".eif")):
		return openImageSide(name, file, size, std)
	case rootfs.IsRamdisk(io.NewSectionReader(file, 0, size)):
		return openRamdiskSide(name, file, size)
	default:
		file.Close()
		return openContainerSide(name, flags, std)
	}
}

func openContainerSide(name string, flags *containerFlags, std stdio) (*side, error) {
	c, err := flags.openFile(name, std)
	if err != nil {
		return nil, err
	}
	knows := func(part string) bool {
		return strings.HasPrefix(part, partApplication) || c.blobs != nil && part != partCertificate
	}
	s := &side{what: "a container image", knows: knows, isContainer: true, closers: []io.Closer{c}, parts: map[string]*part{partApplication: {content: c.Application}}}
	if c.blobs != nil {
		s.parts[partKernel] = &part{content: c.blobs.kernel}
		s.parts[partCommandLine] = commandLinePart(c.blobs.commandLine)
		s.parts[partBoot] = &part{content: c.Boot}
	}
	return s, nil
}

func commandLinePart(text string) *part {
	return &part{strings.NewReader(text), fmt.Sprintf("%q", text)}
}

func openImageSide(name string, file *os.File, size int64, std stdio) (*side, error) {
	image, err := measureOpened(name, file, size, std)
	if err != nil {
		file.Close()
		return nil, err
	}
	s := &side{what: "an image file", knows: func(string) bool { return true }, parts: map[string]*part{}, closers: []io.Closer{file}}
	ramdisks := 0
	for _, section := range image.Sections {
		data := &part{content: io.NewSectionReader(file, section.DataOffset(), section.Size)}
		switch section.Type {
		case eif.SectionKernel:
			s.parts[partKernel] = data
		case eif.SectionCommandLine:
			s.parts[partCommandLine] = commandLinePart(image.CommandLine)
		case eif.SectionRamdisk:
			kind := partBoot
			if ramdisks > 0 {
				kind = numbered(ramdisks)
			}
			s.parts[kind] = data
			ramdisks++
		}
	}
	if image.Signature != nil {
		certificate := image.Signature.Certificate
		s.parts[partCertificate] = &part{bytes.NewReader(certificate.Raw), describeCertificate(certificate)}
	}
	return s, nil
}

// openRamdiskSide tells a boot ramdisk from an application ramdisk by where the
// image lies in it.
func openRamdiskSide(name string, file *os.File, size int64) (*side, error) {
	content := io.NewSectionReader(file, 0, size)
	list, err := rootfs.List(io.NewSectionReader(file, 0, size))
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	kind := partBoot
	if list.Has("rootfs") || list.Has("rootfs/") {
		kind = partApplication
	}
	return &side{what: "a ramdisk", knows: func(string) bool { return false }, parts: map[string]*part{kind: {content: content}}, closers: []io.Closer{file}}, nil
}
