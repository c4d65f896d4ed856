package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/nitroattest/nitroattest/internal/input"
	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/eif"
)

// measureFile measures an image file. Warnings go to standard error, and so
// does progress while a large file is read.
func measureFile(name string, std stdio) (*eif.Image, error) {
	file, size, err := openImage(name, std)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer file.Close()
	return measureOpened(name, file, size, std)
}

func measureOpened(name string, file *os.File, size int64, std stdio) (*eif.Image, error) {
	p := newProgressOfOne(std)
	image, err := eif.Measure(&watched{file, func(offset int64) {
		p.show("%s: %d of %d MiB", printable(filepath.Base(name)), offset>>20, size>>20)
	}}, size)
	p.clear()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, warning := range image.Warnings {
		printWarning(std.err, fmt.Sprintf("%s: %v", name, warning))
	}
	return image, nil
}

// openImage opens an image, which is read in more than one place.
func openImage(name string, std stdio) (*os.File, int64, error) {
	if name == "-" {
		return std.spool()
	}
	file, err := input.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, 0, input.WithoutPath(err)
	}
	return file, info.Size(), nil
}

// watched tells where in a file it is being read.
type watched struct {
	io.ReaderAt
	at func(offset int64)
}

func (w *watched) ReadAt(p []byte, offset int64) (int, error) {
	w.at(offset)
	return w.ReaderAt.ReadAt(p, offset)
}

// imageName is what a policy calls an image: its name and version by its
// metadata, which whoever built it chose, or else the name of its file.
func imageName(image *eif.Image, file string) string {
	name := ""
	if m := image.Metadata; m != nil {
		name = strings.TrimSpace(m.ImageName + " " + m.ImageVersion)
	}
	if name == "" {
		name = filepath.Base(file)
	}
	return name
}

// policyOfImage accepts exactly what an enclave that boots the file attests to.
func policyOfImage(name string, std stdio) (pcr.Policy, error) {
	image, err := measureFile(name, std)
	if err != nil {
		return pcr.Policy{}, err
	}
	return pcr.Policy{Images: []pcr.Image{{Name: imageName(image, name), PCRs: image.Measurements}}}, nil
}
