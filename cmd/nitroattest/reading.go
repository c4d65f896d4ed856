package main

import (
	"errors"
	"io"
	"os"

	"github.com/nitroattest/nitroattest/internal/input"
)

// read reads a file, or standard input for -, of at most so many bytes.
func (s stdio) read(name string, most int64) ([]byte, error) {
	return input.Read(name, s.in, most)
}

// onlyOnce is standard input, which holds one thing: whoever reads on behind its
// end was named for a second time.
type onlyOnce struct {
	io.Reader
	ended bool
}

var errReadAgain = errors.New("found - for a second time, expected standard input to be read once")

// Read implements io.Reader.
func (o *onlyOnce) Read(p []byte) (int, error) {
	if o.ended {
		return 0, errReadAgain
	}
	n, err := o.Reader.Read(p)
	o.ended = err == io.EOF
	return n, err
}

// spool copies standard input to a file without a name, for what is read in more
// than one place. The file is gone once it is closed.
func (s stdio) spool() (file *os.File, size int64, err error) {
	if file, err = os.CreateTemp("", "nitroattest-"); err != nil {
		return nil, 0, withoutPaths(err)
	}
	// Where an open file cannot be removed, closing it is too late to do so, and
	// the system's own cleaning has to.
	os.Remove(file.Name())
	if size, err = io.Copy(file, s.in); err != nil {
		file.Close()
		return nil, 0, withoutPaths(err)
	}
	return file, size, nil
}
