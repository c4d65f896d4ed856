package rootfs

import (
	"io"
	"maps"
	"path"
	"slices"
)

// The one time that AWS's builder writes: 2017-04-18T16:30:00Z.
const builderTime = 1492533000

// kind is the type of a file, as the bits of its mode in a ramdisk.
type kind uint32

const (
	kindFifo      kind = 0o01 << 12
	kindCharacter kind = 0o02 << 12
	kindDirectory kind = 0o04 << 12
	kindBlock     kind = 0o06 << 12
	kindRegular   kind = 0o10 << 12
	kindSymlink   kind = 0o12 << 12
)

const (
	permissions = 0o7777
	setgid      = 0o2000
)

// inode is a file without its name. Hard links share one.
type inode struct {
	kind         kind
	mode         uint32 // permissions only
	uid, gid     uint32
	mtime        int64 // seconds since 1970
	target       string
	data         io.ReaderAt // of a regular file that is not empty
	offset, size int64
	major, minor uint32
	linked       bool // a hard link was made to it
}

// node is a name in a directory: of one layer while it is read, of the image
// when layers have been put over each other.
type node struct {
	*inode
	children map[string]*node

	// In a layer, also:
	own      bool // has an entry of its own
	whiteout bool
	opaque   bool
}

func newDirectoryNode(mode uint32) *node {
	return &node{inode: &inode{kind: kindDirectory, mode: mode, mtime: builderTime}}
}

func (n *node) isDirectory() bool { return n != nil && n.inode != nil && n.kind == kindDirectory }

func (n *node) add(name string, child *node) {
	if n.children == nil {
		n.children = map[string]*node{}
	}
	n.children[name] = child
}

// names returns the names in a directory in byte order.
func (n *node) names() []string { return slices.Sorted(maps.Keys(n.children)) }

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// merge puts a directory of a layer over the same directory of the layers
// below, as overlay file systems show them.
func (b *builder) merge(lower, upper *node, at string) error {
	if upper.opaque {
		if at == "" {
			b.warn(OpaqueRoot, ".wh..wh..opq", "found an opaque marker in the root, which overlay file systems ignore and Docker with vfs obeys")
		} else {
			lower.children = nil
		}
	}
	for _, name := range upper.names() {
		u, l, p := upper.children[name], lower.children[name], join(at, name)
		if u.whiteout {
			delete(lower.children, name)
			l = nil
			if !u.own && u.children == nil && !u.opaque {
				continue
			}
		}
		if u.own && u.kind != kindDirectory {
			lower.add(name, &node{inode: u.inode})
			continue
		}
		merged, err := b.overDirectory(lower, l, u, p)
		if err != nil {
			return err
		}
		lower.add(name, merged)
		if err := b.merge(merged, u, p); err != nil {
			return err
		}
	}
	return nil
}

// overDirectory returns the directory that u makes over l: with the metadata
// of its own entry, or, without one, those that it is sure to get.
func (b *builder) overDirectory(parent, l, u *node, p string) (*node, error) {
	merged := &node{}
	if l.isDirectory() {
		merged.children = l.children
	}
	if u.own {
		merged.inode = u.inode
		return merged, nil
	}
	merged.inode = newDirectoryNode(0o755 | parent.mode&setgid).inode
	plain := true // root's, 0755
	if l.isDirectory() {
		plain = l.mode == 0o755 && l.uid == 0 && l.gid == 0
		merged.mode, merged.uid, merged.gid = l.mode, l.uid, l.gid
	}
	switch {
	case l != nil && l.kind == kindSymlink:
		return merged, b.irreproducible(PathThroughLink, p, "found entries below it, and in a lower layer it is a symbolic link: Docker makes a directory in its place, with the time of unpacking")
	case l != nil && l.kind != kindDirectory:
		return merged, b.irreproducible(MissingParent, p, "found entries below it and none of its own, and in a lower layer it is no directory: Docker makes one, with the time of unpacking")
	case plain && parent.mode&setgid == 0 && timeIsReplaced(p):
		return merged, nil
	default:
		return merged, b.irreproducible(MissingParent, p, "found entries below it and none of its own in this layer: it gets the time of unpacking, and its mode and owner depend on the storage of Docker")
	}
}

// timeIsReplaced reports whether AWS's builder sets the time of a directory to
// its own in any case.
func timeIsReplaced(p string) bool {
	switch p {
	case "dev", "dev/pts", "dev/shm", "etc", "proc", "sys":
		return true
	default:
		return false
	}
}

// resolve follows a path through symbolic links and returns what is there, or
// nil and the path, with links replaced, that is missing or no directory.
func resolve(root *node, p string) (found *node, at string) {
	const most = 255 // as Docker has it
	stack, at, links := []*node{root}, ".", 0
	rest := p
	for rest != "" {
		name, after, _ := cut(rest)
		rest = after
		here := stack[len(stack)-1]
		switch {
		case name == "" || name == ".":
			continue
		case name == "..":
			if len(stack) > 1 {
				stack = stack[:len(stack)-1]
				at = path.Dir(at)
			}
			continue
		}
		next := here.children[name]
		if next == nil {
			return nil, path.Join(at, name, rest)
		}
		if next.kind == kindSymlink {
			if links++; links > most {
				return next, path.Join(at, name)
			}
			rest = next.target + "/" + rest
			if next.target != "" && next.target[0] == '/' {
				stack, at = stack[:1], "."
			}
			continue
		}
		at = path.Join(at, name)
		if next.kind != kindDirectory {
			return next, at
		}
		stack = append(stack, next)
	}
	return stack[len(stack)-1], at
}

func cut(p string) (first, rest string, more bool) {
	for i := range len(p) {
		if p[i] == '/' {
			return p[:i], p[i+1:], true
		}
	}
	return p, "", false
}
