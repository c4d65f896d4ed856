package rootfs

import (
	"bufio"
	"io"
	"os"
)

// spool holds data that cannot be read where they are, for they are
// compressed, in an unnamed file.
type spool struct {
	file *os.File
	w    *bufio.Writer
	size int64
}

// The kernel takes larger pieces no faster, and this much stays in a cache of the
// processor until it is written.
const spoolBuffer = 256 << 10

func (b *builder) openSpool() (*spool, error) {
	file, err := os.CreateTemp(b.config.TempDir, "nitroattest-*")
	if err != nil {
		return nil, b.fail(Unreadable, "", "cannot make a temporary file", err)
	}
	s := &spool{file: file}
	// Where a file that is open can be removed, nothing is left behind even if
	// the program is killed.
	if os.Remove(file.Name()) == nil {
		b.set.closers = append(b.set.closers, file)
	} else {
		b.set.closers = append(b.set.closers, removing{file})
	}
	// The file behind a plain writer: a bufio.Writer would otherwise let the
	// file read, with a buffer of its own for every call.
	s.w = bufio.NewWriterSize(struct{ io.Writer }{file}, spoolBuffer)
	return s, nil
}

type removing struct{ *os.File }

func (r removing) Close() error {
	err := r.File.Close()
	if removed := os.Remove(r.Name()); err == nil {
		err = removed
	}
	return err
}

// add copies everything of r and returns where it starts and how much it is.
func (s *spool) add(r io.Reader) (offset, size int64, err error) {
	offset = s.size
	size, err = s.w.ReadFrom(r)
	s.size += size
	return offset, size, err
}

func (s *spool) flush() error { return s.w.Flush() }

// ReadAt reads what was flushed.
func (s *spool) ReadAt(p []byte, offset int64) (int, error) { return s.file.ReadAt(p, offset) }
