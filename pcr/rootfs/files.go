package rootfs

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// blob is one file of an image as it is stored.
type blob struct {
	io.ReaderAt
	size int64
}

// files are the files of an image by name: an archive or a directory.
type files interface {
	// open returns an error that wraps fs.ErrNotExist if there is no such file.
	open(name string) (blob, error)
	exists(name string) bool
}

// maxJSON is the size of the largest manifest that registries take.
const maxJSON = 4 << 20

// readJSON reads a file that is held in memory.
func (b *builder) readJSON(f files, name string) ([]byte, error) {
	file, err := f.open(name)
	if err != nil {
		return nil, b.openError(name, err)
	}
	if file.size > maxJSON {
		return nil, b.fail(MalformedImage, name, fmt.Sprintf("found %d bytes, expected at most %d", file.size, maxJSON), nil)
	}
	data := make([]byte, file.size)
	if _, err := io.ReadFull(io.NewSectionReader(file, 0, file.size), data); err != nil {
		return nil, b.fail(Unreadable, name, "cannot be read", err)
	}
	return data, nil
}

func (b *builder) openError(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return b.fail(BlobMissing, name, "found no such file in the image", nil)
	case errors.Is(err, errAmbiguous):
		return b.fail(MalformedImage, name, err.Error(), nil)
	default:
		return b.fail(Unreadable, name, "cannot be read", err)
	}
}

var errAmbiguous = errors.New("found several files of that name, or links in a circle, expected one file")

// directory holds the files of an image in a file system.
type directory struct {
	dir fs.FS
	b   *builder
}

func newDirectory(b *builder, dir fs.FS) (files, error) {
	d := &directory{dir, b}
	if !d.exists(indexFile) && !d.exists(dockerManifest) {
		return nil, b.fail(NotAnImage, "", "found a directory without index.json and manifest.json, expected an OCI image layout", nil)
	}
	return d, nil
}

func (d *directory) open(name string) (blob, error) {
	if !fs.ValidPath(name) {
		return blob{}, fs.ErrNotExist
	}
	file, err := d.dir.Open(name)
	if err != nil {
		return blob{}, withoutPath(err)
	}
	d.b.set.closers = append(d.b.set.closers, file)
	info, err := file.Stat()
	if err != nil {
		return blob{}, withoutPath(err)
	}
	if !info.Mode().IsRegular() {
		return blob{}, errors.New("found something that is no file")
	}
	at, ok := file.(io.ReaderAt)
	if !ok {
		return blob{}, errors.New("the file system reads files only from front to back")
	}
	return blob{at, info.Size()}, nil
}

func (d *directory) exists(name string) bool {
	_, err := fs.Stat(d.dir, name)
	return err == nil
}

// withoutPath drops the path, which the builder's own errors name.
func withoutPath(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// archive holds the files of an image in a tar archive.
type archive struct {
	r     io.ReaderAt
	files map[string]stored
}

// stored is where a file of an archive is, or which other name leads to it.
type stored struct {
	offset, size int64
	link         string
	twice        bool
}

// openArchive lists the files of a tar archive. One that is compressed is
// unpacked first.
func (b *builder) openArchive(image io.ReaderAt, size int64) (files, error) {
	head := make([]byte, min(size, 6))
	if _, err := io.ReadFull(io.NewSectionReader(image, 0, size), head); err != nil {
		return nil, b.fail(Unreadable, "", "cannot be read", err)
	}
	switch compressionOf(head) {
	case compressionGzip, compressionZstd:
		unpacked, n, err := b.unpackArchive(image, size)
		if err != nil {
			return nil, err
		}
		image, size = unpacked, n
	case compressionOther:
		return nil, b.fail(UnsupportedCompression, "", "found an archive compressed with xz or bzip2, expected gzip, zstd or none", nil)
	}
	section := io.NewSectionReader(image, 0, size)
	in := tar.NewReader(section)
	a := &archive{image, map[string]stored{}}
	for {
		header, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, b.fail(NotAnImage, "", "expected a tar archive with an image", err)
		}
		if len(a.files) >= maxEntries {
			return nil, b.fail(TooManyEntries, "", fmt.Sprintf("found more than %d files in the archive", maxEntries), nil)
		}
		offset, err := section.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, b.fail(Unreadable, "", "cannot be read", err)
		}
		a.add(header, offset)
	}
	if !a.exists(indexFile) && !a.exists(dockerManifest) {
		return nil, b.fail(NotAnImage, "", "found an archive without index.json and manifest.json, expected an OCI image layout or what docker save writes", nil)
	}
	return a, nil
}

func (a *archive) add(header *tar.Header, offset int64) {
	name := path.Clean(strings.TrimPrefix(header.Name, "/"))
	file := stored{offset: offset, size: header.Size}
	switch {
	case header.Typeflag == tar.TypeSymlink:
		// docker save wrote repeated layers as links, up to version 24.
		file.link = path.Join(path.Dir(name), header.Linkname)
	case header.Typeflag == tar.TypeLink:
		file.link = path.Clean(strings.TrimPrefix(header.Linkname, "/"))
	case header.Typeflag != tar.TypeReg:
		return
	case sparse(header):
		file.twice = true // its data do not lie in one piece
	}
	if _, ok := a.files[name]; ok {
		file.twice = true
	}
	a.files[name] = file
}

// sparse reports whether the data of an entry are in pieces.
func sparse(header *tar.Header) bool {
	for name := range header.PAXRecords {
		if strings.HasPrefix(name, "GNU.sparse.") {
			return true
		}
	}
	return header.Typeflag == tar.TypeGNUSparse
}

func (a *archive) open(name string) (blob, error) {
	const most = 8
	for range most {
		file, ok := a.files[name]
		switch {
		case !ok:
			return blob{}, fs.ErrNotExist
		case file.twice:
			return blob{}, errAmbiguous
		case file.link == "":
			return blob{io.NewSectionReader(a.r, file.offset, file.size), file.size}, nil
		}
		name = file.link
	}
	return blob{}, errAmbiguous
}

func (a *archive) exists(name string) bool {
	_, ok := a.files[name]
	return ok
}

// unpackArchive writes what is in a compressed archive to a temporary file.
func (b *builder) unpackArchive(image io.ReaderAt, size int64) (io.ReaderAt, int64, error) {
	s, err := b.openSpool()
	if err != nil {
		return nil, 0, err
	}
	plain, _, err := decompress(io.NewSectionReader(image, 0, size))
	if err == nil {
		_, _, err = s.add(plain)
	}
	if err == nil {
		err = s.flush()
	}
	if err != nil {
		return nil, 0, b.fail(NotAnImage, "", "cannot unpack the archive", err)
	}
	return s, s.size, nil
}

// Forms in which an archive or a layer is stored.
type compression int

const (
	compressionNone compression = iota
	compressionGzip
	compressionZstd
	compressionOther // known, and not allowed for layers by OCI
)

// compressionOf tells by the first bytes, as Docker does. A media type may
// say otherwise; which one was meant shows in the diff ID.
func compressionOf(head []byte) compression {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b, 8}):
		return compressionGzip
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return compressionZstd
	case len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}):
		return compressionZstd // begins with a skippable frame
	case bytes.HasPrefix(head, []byte("BZh")), bytes.HasPrefix(head, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		return compressionOther
	default:
		return compressionNone
	}
}

var errCompression = errors.New("found xz or bzip2, expected gzip, zstd or none")
