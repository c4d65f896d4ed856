package rootfs

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

// flatten puts all layers over each other and returns the root.
func (b *builder) flatten(c *candidate) (*node, error) {
	type opened struct {
		layerBlob
		blob
	}
	var layers []opened
	for i, l := range c.layers {
		b.layer, b.digest = i+1, c.diffIDs()[i]
		file, err := b.openLayer(l)
		if err != nil {
			return nil, err
		}
		b.total += file.size
		layers = append(layers, opened{l, file})
	}
	root := newDirectoryNode(0o755)
	for i, l := range layers {
		b.layer, b.digest = i+1, c.diffIDs()[i]
		upper, err := b.readLayer(l.blob, l.layerBlob.digest)
		if err != nil {
			return nil, err
		}
		if err := b.merge(root, upper, ""); err != nil {
			return nil, err
		}
	}
	b.layer, b.digest = 0, ""
	if b.spool != nil {
		if err := b.spool.flush(); err != nil {
			return nil, b.fail(Unreadable, "", "cannot write intermediate data", err)
		}
	}
	return root, nil
}

func (b *builder) openLayer(l layerBlob) (blob, error) {
	if strings.HasSuffix(l.mediaType, "+encrypted") {
		return blob{}, b.fail(UnsupportedCompression, l.name, fmt.Sprintf("found a layer of type %q, expected one that is not encrypted", l.mediaType), nil)
	}
	file, err := b.opening.open(l.name)
	if err != nil {
		return blob{}, b.openError(l.name, err)
	}
	if l.size >= 0 && file.size != l.size {
		return blob{}, b.fail(DigestMismatch, l.name, fmt.Sprintf("found %d bytes, expected %d", file.size, l.size), nil)
	}
	return file, nil
}

// readLayer reads a layer once, checks both digests and returns its entries.
func (b *builder) readLayer(file blob, digest string) (*node, error) {
	stored := &checked{in: &meter{io.NewSectionReader(file, 0, file.size), b}}
	if digest != "" {
		stored.expect(digest)
	}
	l := &layerReader{b: b, file: file, digest: digest, root: newDirectoryNode(0o755)}
	failed := l.read(stored)
	// A layer that is another one than was meant is told before what is wrong
	// with it.
	if _, err := io.Copy(io.Discard, stored); err != nil {
		return nil, b.fail(Unreadable, "", "cannot be read", err)
	}
	if got, want, ok := stored.verify(); !ok {
		return nil, b.fail(DigestMismatch, "", fmt.Sprintf("found the digest %s, expected %s", got, want), nil)
	}
	if failed != nil {
		return nil, failed
	}
	return l.root, nil
}

// meter counts what is read of layers.
type meter struct {
	io.Reader
	b *builder
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	m.b.read += int64(n)
	if m.b.config.Progress != nil {
		m.b.config.Progress(m.b.read, m.b.total)
	}
	return n, err
}

// checked hashes what is read through it.
type checked struct {
	in     io.Reader
	digest string
	hash   hash.Hash // nil: nothing to check
	want   []byte
	n      int64
}

// expect takes a digest that was found valid.
func (c *checked) expect(digest string) {
	c.digest = digest
	c.hash, c.want, _ = hashFor(digest)
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	if c.hash != nil {
		c.hash.Write(p[:n])
	}
	return n, err
}

func (c *checked) verify() (got, want string, ok bool) {
	if c.hash == nil {
		return "", "", true
	}
	sum := c.hash.Sum(nil)
	algorithm, _, _ := strings.Cut(c.digest, ":")
	return fmt.Sprintf("%s:%x", algorithm, sum), c.digest, bytes.Equal(sum, c.want)
}

// layerReader reads the entries of one layer.
type layerReader struct {
	b      *builder
	file   blob
	digest string // of the file; empty if the image states none
	plain  bool   // the data of files can be read where they are
	at     *position
	root   *node
}

// position counts what the tar reader has taken.
type position struct {
	in *bufio.Reader
	n  int64
}

func (p *position) Read(q []byte) (int, error) {
	n, err := p.in.Read(q)
	p.n += int64(n)
	return n, err
}

// Seek goes forward only, and not beyond the end: the tar reader passes over
// data with it, which spares copying them.
func (p *position) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekCurrent || offset < 0 {
		return 0, errors.ErrUnsupported
	}
	for offset > 0 {
		n, err := p.in.Discard(int(min(offset, readBuffer)))
		p.n += int64(n)
		offset -= int64(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			return 0, err
		}
	}
	return p.n, nil
}

func (l *layerReader) read(stored io.Reader) error {
	b := l.b
	if _, _, err := hashFor(b.digest); err != nil {
		return b.fail(UnsupportedDigest, "", "its diff ID cannot be checked", err)
	}
	unpacked, compressed, err := decompress(stored)
	if errors.Is(err, errCompression) {
		return b.fail(UnsupportedCompression, "", err.Error(), nil)
	}
	if err != nil {
		return b.fail(MalformedLayer, "", "cannot be unpacked", err)
	}
	l.plain = !compressed
	content := &checked{in: unpacked}
	if !l.plain || l.digest != b.digest { // else the bytes are hashed as they are stored
		content.expect(b.digest)
	}
	buffered := newFill(content)
	l.at = &position{in: buffered}
	entries := l.entries(tar.NewReader(l.at))
	if entries != nil && !errors.Is(entries, errDamaged) {
		return entries
	}
	// What follows the end of the archive counts for the digest, too.
	if _, err := io.Copy(io.Discard, buffered); err != nil {
		return b.fail(MalformedLayer, "", "cannot be unpacked", err)
	}
	if got, want, ok := content.verify(); !ok {
		return b.fail(DiffIDMismatch, "", fmt.Sprintf("unpacks to the digest %s, expected %s", got, want), nil)
	}
	if entries != nil {
		return b.fail(MalformedLayer, "", "expected a tar archive", errors.Unwrap(entries))
	}
	return nil
}

var errDamaged = errors.New("damaged archive")

type damaged struct{ error }

func (d damaged) Is(target error) bool { return target == errDamaged }
func (d damaged) Unwrap() error        { return d.error }

func (l *layerReader) entries(in *tar.Reader) error {
	for {
		header, err := in.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return damaged{err}
		}
		if header.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if err := l.entry(header, in); err != nil {
			return err
		}
	}
}
