package rootfs

import (
	"archive/tar"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
)

// Limits of Linux on names, and the names with a meaning in layers (OCI image
// specification, layer.md).
const (
	maxComponent = 255
	maxPath      = 4095

	whiteoutPrefix = ".wh."
	opaqueMarker   = ".wh..wh..opq"
)

// entry adds one entry of the tar archive to the layer.
func (l *layerReader) entry(header *tar.Header, data io.Reader) error {
	name, err := l.cleanName(header.Name)
	if err != nil {
		return err
	}
	if name == "." {
		return l.rootEntry(header)
	}
	dir, base := path.Split(name)
	parent, err := l.parent(strings.TrimSuffix(dir, "/"))
	if err != nil {
		return err
	}
	if strings.HasPrefix(base, whiteoutPrefix) {
		return l.whiteout(parent, name, base)
	}
	n, err := l.child(parent, base)
	if err != nil {
		return err
	}
	if n.whiteout && !n.own {
		if err := l.b.irreproducible(EntryOverWhiteout, name, "found a whiteout of the same name before it in the layer"); err != nil {
			return err
		}
	}
	if n.own {
		if err := l.b.irreproducible(DuplicatePath, name, "found two entries of that name in the layer: Docker with containerd's store takes the last one, others refuse"); err != nil {
			return err
		}
	}
	made, err := l.makeInode(header, name, data)
	if err != nil {
		return err
	}
	if made == nil { // a device that stands for a whiteout
		n.whiteout, n.own = true, false
		return nil
	}
	if made.kind != kindDirectory && len(n.children) > 0 {
		return l.b.fail(PathThroughFile, name, "found entries below it in the same layer, expected a directory", nil)
	}
	n.inode, n.own = made, true
	return nil
}

// cleanName returns the path of an entry from the root, without dots.
func (l *layerReader) cleanName(name string) (string, error) {
	clean := strings.TrimPrefix(path.Clean(name), "/")
	if clean == "" {
		clean = "."
	}
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", l.b.fail(PathOutside, name, "leads out of the image", nil)
	}
	if len(clean) > maxPath {
		return "", l.b.fail(PathTooLong, clean[:maxComponent]+"...", fmt.Sprintf("found a path of %d bytes, expected at most %d", len(clean), maxPath), nil)
	}
	for component := range strings.SplitSeq(clean, "/") {
		if len(component) > maxComponent {
			return "", l.b.fail(PathTooLong, clean, fmt.Sprintf("found a name of %d bytes, expected at most %d", len(component), maxComponent), nil)
		}
	}
	return clean, nil
}

// rootEntry takes the entry of the root, whose metadata count nowhere.
func (l *layerReader) rootEntry(header *tar.Header) error {
	if header.Typeflag != tar.TypeDir {
		return l.b.fail(UnsupportedType, header.Name, fmt.Sprintf("found an entry of type %q for the root, expected a directory", header.Typeflag), nil)
	}
	if l.root.own {
		return l.b.irreproducible(DuplicatePath, header.Name, "found two entries for the root in the layer")
	}
	l.root.own = true
	return nil
}

// parent returns a directory of the layer, with those above it, whether they
// have entries yet or not.
func (l *layerReader) parent(dir string) (*node, error) {
	here := l.root
	for rest := dir; rest != ""; {
		var name string
		name, rest, _ = cut(rest)
		next, err := l.child(here, name)
		if err != nil {
			return nil, err
		}
		if next.own && next.kind != kindDirectory {
			return nil, l.b.fail(PathThroughFile, dir, "found an entry below it in the same layer, expected a directory", nil)
		}
		here = next
	}
	return here, nil
}

func (l *layerReader) child(parent *node, name string) (*node, error) {
	if n := parent.children[name]; n != nil {
		return n, nil
	}
	if l.b.entries++; l.b.entries > maxEntries {
		return nil, l.b.fail(TooManyEntries, "", fmt.Sprintf("found more than %d entries and directories that they imply in all layers", maxEntries), nil)
	}
	n := &node{}
	parent.add(name, n)
	return n, nil
}

func (l *layerReader) whiteout(parent *node, name, base string) error {
	if base == opaqueMarker {
		parent.opaque = true
		return nil
	}
	removed := base[len(whiteoutPrefix):]
	if removed == "" || removed == "." || removed == ".." || strings.HasPrefix(removed, whiteoutPrefix) {
		return l.b.fail(MalformedWhiteout, name, "found a whiteout of nothing that could be there", nil)
	}
	n, err := l.child(parent, removed)
	if err != nil {
		return err
	}
	if n.own || len(n.children) > 0 || n.opaque {
		return l.b.fail(WhiteoutOfEntry, name, "found an entry of that name before it in the layer", nil)
	}
	if n.whiteout {
		if err := l.b.irreproducible(DuplicatePath, name, "found two whiteouts of that name in the layer"); err != nil {
			return err
		}
	}
	n.whiteout = true
	return nil
}

// makeInode returns what an entry is of, or nil for a device that overlay file
// systems take for a whiteout.
func (l *layerReader) makeInode(header *tar.Header, name string, data io.Reader) (*inode, error) {
	if err := l.checkFields(header, name); err != nil {
		return nil, err
	}
	if header.Typeflag == tar.TypeLink {
		return l.hardLink(header, name)
	}
	i := &inode{
		mode: uint32(header.Mode) & permissions,
		uid:  uint32(header.Uid), gid: uint32(header.Gid),
	}
	switch header.Typeflag {
	case tar.TypeReg:
		i.kind = kindRegular
		if err := l.store(i, header, name, data); err != nil {
			return nil, err
		}
	case tar.TypeDir:
		i.kind = kindDirectory
	case tar.TypeSymlink:
		i.kind, i.mode, i.target = kindSymlink, 0o777, header.Linkname
		if n := len(i.target); n == 0 || n > maxPath {
			return nil, l.b.fail(PathTooLong, name, fmt.Sprintf("found a link target of %d bytes, expected 1 to %d", n, maxPath), nil)
		}
	case tar.TypeChar:
		i.kind, i.major, i.minor = kindCharacter, uint32(header.Devmajor), uint32(header.Devminor)
		if i.major == 0 && i.minor == 0 {
			return nil, l.b.irreproducible(WhiteoutDevice, name, "found a character device 0:0, which overlay file systems take for a whiteout")
		}
	case tar.TypeBlock:
		i.kind, i.major, i.minor = kindBlock, uint32(header.Devmajor), uint32(header.Devminor)
	case tar.TypeFifo:
		i.kind = kindFifo
	default:
		return nil, l.b.fail(UnsupportedType, name, fmt.Sprintf("found an entry of type %q, expected a file, directory, link, device or fifo", header.Typeflag), nil)
	}
	var err error
	i.mtime, err = l.modified(i.kind, header.ModTime, name)
	return i, err
}

// checkFields refuses numbers that Docker cannot give to a file, or that no
// ramdisk can hold.
func (l *layerReader) checkFields(header *tar.Header, name string) error {
	const (
		maxOwner = 1<<32 - 2 // the last one means "do not change"
		maxMajor = 1<<12 - 1
		maxMinor = 1<<20 - 1
		maxSize  = 1<<32 - 1
	)
	for _, field := range []struct {
		name        string
		value, most int64
	}{
		{"uid", int64(header.Uid), maxOwner}, {"gid", int64(header.Gid), maxOwner},
		{"devmajor", header.Devmajor, maxMajor}, {"devminor", header.Devminor, maxMinor},
		{"size", header.Size, maxSize},
	} {
		if field.value < 0 || field.value > field.most {
			return l.b.fail(FieldOutOfRange, name, fmt.Sprintf("found %s %d, expected 0 to %d", field.name, field.value, field.most), nil)
		}
	}
	for key := range header.PAXRecords {
		if attribute, ok := strings.CutPrefix(key, "SCHILY.xattr."); ok {
			l.b.warn(XattrDropped, name, fmt.Sprintf("found the extended attribute %s, which ramdisks cannot hold and AWS's builder drops", quote(attribute)))
		}
	}
	return nil
}

// modified returns the second of a time, within the limits of Docker: a time
// before 1970, or after the last that fits 63 bits of nanoseconds, becomes 0.
func (l *layerReader) modified(k kind, t time.Time, name string) (int64, error) {
	last := time.Unix(0, 1<<63-1)
	if !t.Before(time.Unix(0, 0)) && !t.After(last) {
		return t.Unix(), nil
	}
	if k == kindSymlink {
		return 0, l.b.irreproducible(LinkTime, name, "found a symbolic link with a time before 1970 or after 2262, which depends on the version of Docker")
	}
	return 0, nil
}

// store keeps the data of a file: where it is, if it is not compressed, or in
// the spool.
func (l *layerReader) store(i *inode, header *tar.Header, name string, data io.Reader) error {
	i.size = header.Size
	if i.size == 0 {
		return nil
	}
	if l.plain && !sparse(header) {
		i.data, i.offset = l.file, l.at.n
		return nil
	}
	b := l.b
	if b.spool == nil {
		var err error
		if b.spool, err = b.openSpool(); err != nil {
			return err
		}
	}
	offset, n, err := b.spool.add(data)
	if err != nil {
		return damaged{fmt.Errorf("%s: %w", quote(name), err)}
	}
	if n != i.size {
		return damaged{fmt.Errorf("%s: %w", quote(name), io.ErrUnexpectedEOF)}
	}
	i.data, i.offset = b.spool, offset
	return nil
}

// hardLink makes a second name for a file. The entry's own mode, owner and
// time are applied to the file, whatever its names.
func (l *layerReader) hardLink(header *tar.Header, name string) (*inode, error) {
	const anchor = "root"
	target := path.Join(anchor, header.Linkname)
	if target != anchor && !strings.HasPrefix(target, anchor+"/") {
		return nil, l.b.fail(PathOutside, name, fmt.Sprintf("found a hard link to %s, which leads out of the image", quote(header.Linkname)), nil)
	}
	found := l.lookup(strings.TrimPrefix(strings.TrimPrefix(target, anchor), "/"))
	if found == nil || !found.own || found.kind == kindDirectory {
		return nil, l.b.fail(HardLinkTarget, name, fmt.Sprintf("found a hard link to %s, expected a file before it in the same layer", quote(header.Linkname)), nil)
	}
	i := found.inode
	i.linked = true
	i.uid, i.gid = uint32(header.Uid), uint32(header.Gid)
	mtime, err := l.modified(i.kind, header.ModTime, name)
	if err != nil {
		return nil, err
	}
	if i.kind == kindSymlink {
		if mtime != i.mtime {
			return i, l.b.irreproducible(LinkedLinkTime, name, fmt.Sprintf("found another time than that of the symbolic link %s, which Docker with containerd's store applies to both", quote(header.Linkname)))
		}
		return i, nil
	}
	i.mode, i.mtime = uint32(header.Mode)&permissions, mtime
	return i, nil
}

// lookup returns what the layer has at a path, without following links.
func (l *layerReader) lookup(p string) *node {
	here := l.root
	for rest := p; rest != ""; {
		var name string
		name, rest, _ = cut(rest)
		next := here.children[name]
		if next == nil || rest != "" && next.own && next.kind != kindDirectory {
			return nil
		}
		here = next
	}
	return here
}
