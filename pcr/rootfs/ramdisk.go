package rootfs

import (
	"errors"
	"io"
	"sort"
	"strings"
)

// Numbers that are the same in every entry of AWS's builder's ramdisks.
const (
	firstInode = 721
	devMajor   = 3
	devMinor   = 1

	trailerName = "TRAILER!!!"
	blockSize   = 512 // the whole is padded to a multiple of it
)

// Ramdisk is a ramdisk of which only the list of entries is in memory: an
// archive in the format newc, see Documentation/driver-api/early-userspace/buffer-format.rst
// of Linux. It can go into [eif.Spec] as it is, and be read by several
// goroutines.
type Ramdisk struct {
	records []record
	size    int64
}

// record is one entry. Its inode number is its place.
type record struct {
	start        int64 // of the header in the archive
	head         int32 // length of header, name and padding
	name         string
	kind         kind
	mode         uint32
	uid, gid     uint32
	mtime        int64
	major, minor uint32
	size         int64
	data         io.ReaderAt
	offset       int64
	trailer      bool
}

// entryOf returns the entry of a file under one of its names.
func entryOf(i *inode, name string) record {
	r := record{name: name, kind: i.kind, mode: i.mode, uid: i.uid, gid: i.gid, mtime: i.mtime,
		major: i.major, minor: i.minor, size: i.size, data: i.data, offset: i.offset}
	if i.kind == kindSymlink {
		r.text(i.target)
	}
	return r
}

// text sets the data.
func (r *record) text(data string) {
	r.data, r.offset, r.size = strings.NewReader(data), 0, int64(len(data))
}

func (r *Ramdisk) directory(name string) {
	r.add(record{name: name, kind: kindDirectory, mode: 0o755, mtime: builderTime})
}

func (r *Ramdisk) file(name string, mode uint32, data string) {
	out := record{name: name, kind: kindRegular, mode: mode, mtime: builderTime}
	out.text(data)
	r.add(out)
}

// add puts an entry after the others. The archive, not the entry, is padded:
// a header that is too long does not move what follows it out of place.
func (r *Ramdisk) add(out record) {
	out.start = r.size
	var buf [256]byte
	end := pad(out.start+int64(len(out.appendHeader(buf[:0], 0))+len(out.name)+1), 4)
	out.head = int32(end - out.start)
	r.records = append(r.records, out)
	r.size = pad(end+out.size, 4)
}

func (r *Ramdisk) close() {
	r.add(record{name: trailerName, trailer: true})
	r.size = pad(r.size, blockSize)
}

func pad(n, to int64) int64 { return (n + to - 1) / to * to }

// appendHeader appends the header without the name.
func (r *record) appendHeader(b []byte, place int) []byte {
	links := int64(1)
	if r.kind == kindDirectory {
		links = 2
	}
	b = append(b, "070701"...)
	for _, field := range [...]int64{
		int64(firstInode + place), int64(uint32(r.kind) | r.mode), int64(r.uid), int64(r.gid), links, r.mtime, r.size,
		devMajor, devMinor, int64(r.major), int64(r.minor), int64(len(r.name) + 1), 0,
	} {
		b = appendHex(b, field)
	}
	return b
}

// appendHex appends at least eight digits; a number that needs more gets more.
func appendHex(b []byte, value int64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		if digit := value >> shift & 15; shift < 32 || value>>shift != 0 {
			b = append(b, digits[digit])
		}
	}
	return b
}

var errNoRamdisk = errors.New("there is no such ramdisk: no init and nsm.ko were given")

// Size returns the length of the ramdisk in bytes; -1 for the boot ramdisk
// that was not asked for, which an image file then refuses.
func (r *Ramdisk) Size() int64 {
	if r == nil {
		return -1
	}
	return r.size
}

// ReadAt implements [io.ReaderAt].
func (r *Ramdisk) ReadAt(p []byte, offset int64) (int, error) {
	switch {
	case r == nil:
		return 0, errNoRamdisk
	case offset < 0:
		return 0, errors.New("negative offset")
	case offset >= r.size:
		return 0, io.EOF
	}
	n := 0
	place := sort.Search(len(r.records), func(i int) bool { return r.records[i].start > offset }) - 1
	for ; n < len(p) && place < len(r.records); place++ {
		end := r.size
		if place+1 < len(r.records) {
			end = r.records[place+1].start
		}
		at := offset + int64(n)
		part := p[n : n+int(min(int64(len(p)-n), end-at))]
		record := &r.records[place]
		if err := record.readAt(part, at-record.start, place); err != nil {
			return n, err
		}
		n += len(part)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// readAt fills p from the entry, of which the padding is the last part.
func (r *record) readAt(p []byte, at int64, place int) error {
	if head := int64(r.head); at < head {
		var buf [512]byte
		b := r.appendHeader(buf[:0], place)
		b = append(b, r.name...)
		for int64(len(b)) < head {
			b = append(b, 0)
		}
		n := copy(p, b[at:])
		p, at = p[n:], at+int64(n)
	}
	at -= int64(r.head)
	if at < r.size && len(p) > 0 {
		n := int(min(int64(len(p)), r.size-at))
		if got, err := r.data.ReadAt(p[:n], r.offset+at); got < n {
			return &Error{Reason: Unreadable, Path: r.name, Detail: "cannot be read again", Err: err}
		}
		p = p[n:]
	}
	clear(p)
	return nil
}

// WriteTo implements [io.WriterTo].
func (r *Ramdisk) WriteTo(w io.Writer) (int64, error) {
	if r == nil {
		return 0, errNoRamdisk
	}
	buf := make([]byte, min(r.size, readBuffer))
	for at := int64(0); at < r.size; {
		n := int(min(int64(len(buf)), r.size-at))
		if _, err := r.ReadAt(buf[:n], at); err != nil {
			return at, err
		}
		written, err := w.Write(buf[:n])
		at += int64(written)
		if err != nil {
			return at, err
		}
	}
	return r.size, nil
}
