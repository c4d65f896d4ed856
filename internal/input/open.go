package input

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// NotRegularError is about what has the name of a file and is none.
type NotRegularError struct{ Mode fs.FileMode }

// Error implements error.
func (e *NotRegularError) Error() string {
	return fmt.Sprintf("found %s, expected a file; - reads standard input", describeMode(e.Mode))
}

func describeMode(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "something that is not a file"
}

// Open opens a regular file, or a link to one. Anything else is a
// *[NotRegularError]: a pipe would hang its reader until somebody writes, and a
// device may never end. Errors leave out the name, which the caller adds.
func Open(name string) (*os.File, error) {
	// Looking first leaves alone what must not even be opened, and the look at
	// the open file leaves no time in between to put something else there.
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = &NotRegularError{info.Mode()}
	}
	if err != nil {
		return nil, openError(err)
	}
	file, err := openWithoutWaiting(name)
	if err != nil {
		return nil, openError(err)
	}
	info, err = file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &NotRegularError{info.Mode()}
	}
	if err != nil {
		file.Close()
		return nil, openError(err)
	}
	return file, nil
}

// openError says that a file could not be opened, by whichever call that showed.
func openError(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("open: %w", path.Err)
	}
	return err
}

// TooLargeError is about a file that is larger than anything it could hold.
type TooLargeError struct{ Most int64 }

// Error implements error.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("found more than %d bytes, expected at most that", e.Most)
}

// Read reads a file, or standard input when name is "-", of at most so many
// bytes. What is larger is a *[TooLargeError].
func Read(name string, stdin io.Reader, most int64) ([]byte, error) {
	if name == "-" {
		return readAtMost(stdin, most)
	}
	file, err := Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readAtMost(file, most)
}

// usualSize holds nearly every document there is, so that it is read in one
// piece.
const usualSize = 8 << 10

func readAtMost(r io.Reader, most int64) ([]byte, error) {
	var data bytes.Buffer
	data.Grow(usualSize)
	if _, err := data.ReadFrom(io.LimitReader(r, most+1)); err != nil {
		return nil, WithoutPath(err)
	}
	if int64(data.Len()) > most {
		return nil, &TooLargeError{most}
	}
	return data.Bytes(), nil
}

// WithoutPath drops the name of a file from an error to which its caller adds
// it, as in "policy.json: open: no such file or directory".
func WithoutPath(err error) error {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return fmt.Errorf("%s: %w", pathError.Op, pathError.Err)
	}
	return err
}
