package rootfs

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MalformedRamdisk is the reason of a [Reader]'s errors about what it reads.
const MalformedRamdisk Reason = "malformed-ramdisk"

const (
	newcMagic  = "070701"
	newcHeader = len(newcMagic) + 13*8

	typeMask = 0o170000
)

// Entry is one entry of a ramdisk, as it is there. Several may have the same
// name: the kernel unpacks them one after another.
type Entry struct {
	Name         string // any bytes: it may climb or be absolute
	Mode         uint32 // with the type of the file, as in stat(2)
	UID, GID     uint32
	Modified     uint32 // seconds since 1970
	Links, Inode uint32
	Size         uint32
	Major, Minor uint32 // of a device
	Target       string // of a symbolic link

	Archive int   // from 0: the kernel reads archives one after another
	Offset  int64 // of the header in the ramdisk
}

// IsDirectory reports whether the entry is of a directory.
func (e *Entry) IsDirectory() bool { return e.Mode&typeMask == uint32(kindDirectory) }

// IsRegular reports whether the entry is of a regular file.
func (e *Entry) IsRegular() bool { return e.Mode&typeMask == uint32(kindRegular) }

// Reader reads the entries of a ramdisk, one after another: an archive in the
// format newc, or several with zeros between them, as the kernel unpacks
// them. It writes nothing, follows no name, and holds no more than one name
// and one link target; the archive may say what it will.
type Reader struct {
	in      *bufio.Reader
	at      int64
	archive int
	left    int64 // of the data of the entry
	err     error
}

// NewReader returns a Reader of what is in r, which is not compressed.
func NewReader(r io.Reader) *Reader { return &Reader{in: newFill(r)} }

// Next returns the next entry, or nil with a nil error after the last one. An
// error is an [*Error] and ends the reading. What was not read of the entry
// before is passed over.
func (r *Reader) Next() (*Entry, error) {
	if r.err != nil {
		return nil, r.err
	}
	e, err := r.next()
	r.err = err
	return e, err
}

func (r *Reader) next() (*Entry, error) {
	for {
		if err := r.skip(r.left); err != nil {
			return nil, err
		}
		r.left = 0
		if err := r.align(); err != nil {
			return nil, err
		}
		e, err := r.header()
		if err != nil {
			return nil, err
		}
		if e.Name != trailerName {
			if err := r.finish(e); err != nil {
				return nil, err
			}
			return e, nil
		}
		if e.Size > 0 {
			return nil, r.fail(e.Offset, "found a trailer with data")
		}
		if more, err := r.nextArchive(); !more {
			return nil, err
		}
	}
}

func (r *Reader) fail(offset int64, format string, args ...any) error {
	return &Error{Reason: MalformedRamdisk, Detail: fmt.Sprintf("at offset %d: ", offset) + fmt.Sprintf(format, args...)}
}

// failed makes an error of one from below.
func (r *Reader) failed(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.fail(r.at, "found the end, expected more of the archive")
	}
	return &Error{Reason: Unreadable, Detail: fmt.Sprintf("ramdisk at offset %d", r.at), Err: err}
}

func (r *Reader) take(n int) ([]byte, error) {
	data := make([]byte, n)
	got, err := io.ReadFull(r.in, data)
	r.at += int64(got)
	if err != nil {
		return nil, r.failed(err)
	}
	return data, nil
}

func (r *Reader) skip(n int64) error {
	const piece = 1 << 30 // Discard takes an int
	for n > 0 {
		got, err := r.in.Discard(int(min(n, piece)))
		r.at += int64(got)
		n -= int64(got)
		if err != nil {
			return r.failed(err)
		}
	}
	return nil
}

// align passes over padding, which has to be zeros.
func (r *Reader) align() error {
	at := r.at
	data, err := r.take(int(pad(r.at, 4) - r.at))
	if err != nil {
		return err
	}
	for i, c := range data {
		if c != 0 {
			return r.fail(at+int64(i), "found %#02x in the padding, expected zero", c)
		}
	}
	return nil
}

func (r *Reader) header() (*Entry, error) {
	at := r.at
	data, err := r.take(newcHeader)
	if err != nil {
		return nil, err
	}
	if magic := string(data[:len(newcMagic)]); magic != newcMagic {
		return nil, r.fail(at, "found %q, expected %q", magic, newcMagic)
	}
	var fields [13]uint32
	for i := range fields {
		digits := data[len(newcMagic)+8*i:][:8]
		var value [4]byte
		if _, err := hex.Decode(value[:], digits); err != nil {
			return nil, r.fail(at, "found %q in a header, expected 8 hex digits", digits)
		}
		fields[i] = uint32(value[0])<<24 | uint32(value[1])<<16 | uint32(value[2])<<8 | uint32(value[3])
	}
	size := fields[11]
	if size < 2 || size > maxPath+1 {
		return nil, r.fail(at, "found a name of %d bytes with its end, expected 2 to %d", size, maxPath+1)
	}
	name, err := r.take(int(size))
	if err != nil {
		return nil, err
	}
	if end := len(name) - 1; name[end] != 0 || strings.IndexByte(string(name[:end]), 0) >= 0 {
		return nil, r.fail(at, "found a name that does not end with its one zero byte")
	}
	if err := r.align(); err != nil {
		return nil, err
	}
	return &Entry{
		Name: string(name[:size-1]), Inode: fields[0], Mode: fields[1], UID: fields[2], GID: fields[3], Links: fields[4],
		Modified: fields[5], Size: fields[6], Major: fields[9], Minor: fields[10], Archive: r.archive, Offset: at,
	}, nil
}

// finish reads the target of a link, which is data.
func (r *Reader) finish(e *Entry) error {
	r.left = int64(e.Size)
	if e.Mode&typeMask != uint32(kindSymlink) {
		return nil
	}
	if e.Size > maxPath {
		return r.fail(e.Offset, "found a link target of %d bytes, expected at most %d", e.Size, maxPath)
	}
	target, err := r.take(int(e.Size))
	e.Target, r.left = string(target), 0
	return err
}

// nextArchive passes over the zeros after an archive and reports whether
// another one follows.
func (r *Reader) nextArchive() (bool, error) {
	for {
		next, err := r.in.Peek(1)
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, r.failed(err)
		}
		if next[0] != 0 {
			break
		}
		if err := r.skip(1); err != nil {
			return false, err
		}
	}
	if r.at%4 != 0 {
		return false, r.fail(r.at, "found another archive that does not start at a multiple of 4, as the kernel expects")
	}
	r.archive++
	return true, nil
}

// Read reads the data of the entry that Next returned last. Of a symbolic link
// nothing is left.
func (r *Reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.in.Read(p[:min(int64(len(p)), r.left)])
	r.at += int64(n)
	r.left -= int64(n)
	if err != nil {
		r.err = r.failed(err)
		return n, r.err
	}
	return n, nil
}
