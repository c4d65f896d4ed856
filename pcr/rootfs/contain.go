package rootfs

import "path"

// What Docker removes and makes anew in every container (the files and the
// link), or makes where it is missing (the directories).
var containerPaths = []struct {
	path   string
	kind   kind
	target string
}{
	{"dev/pts", kindDirectory, ""},
	{"dev/shm", kindDirectory, ""},
	{"proc", kindDirectory, ""},
	{"sys", kindDirectory, ""},
	{".dockerenv", kindRegular, ""},
	{"etc/resolv.conf", kindRegular, ""},
	{"etc/hosts", kindRegular, ""},
	{"etc/hostname", kindRegular, ""},
	{"dev/console", kindRegular, ""},
	{"etc/mtab", kindSymlink, "/proc/mounts"},
}

// contain does to the root what Docker does to make a container of an image.
func (b *builder) contain(root *node, c *candidate) error {
	for _, p := range containerPaths {
		here := root
		for rest := p.path; rest != ""; {
			var name string
			name, rest, _ = cut(rest)
			found := here.children[name]
			if !found.isDirectory() {
				// Unlinked; only directories stand in the way of that.
				found = makeIn(here, p.kind, rest != "", p.target)
				here.add(name, found)
			}
			here = found
		}
	}
	return b.makeWorkingDir(root, c)
}

// makeIn makes a directory, file or link in a directory. A setgid directory
// hands that on to directories, and its group to what Docker does not chown.
func makeIn(parent *node, k kind, above bool, target string) *node {
	inherited := parent.mode & setgid
	if above || k == kindDirectory {
		return newDirectoryNode(0o755 | inherited)
	}
	n := &node{inode: &inode{kind: k, mode: 0o755, mtime: builderTime, target: target}}
	if k == kindSymlink {
		n.mode = 0o777
		if inherited != 0 {
			n.gid = parent.gid
		}
	}
	return n
}

// makeWorkingDir makes sure that WorkingDir is there.
func (b *builder) makeWorkingDir(root *node, c *candidate) error {
	dir, err := b.workingDir(c)
	if err != nil {
		return err
	}
	if dir == "." {
		return nil
	}
	found, at := resolve(root, dir)
	if found.isDirectory() {
		return nil
	}
	if found != nil {
		return b.fail(WorkingDirInvalid, dir, "found a WorkingDir that leads to something that is no directory, at "+quote(at), nil)
	}
	if err := b.irreproducible(WorkingDirMissing, dir, "found a WorkingDir that is not in the image: Docker makes it, with the time of that moment"); err != nil {
		return err
	}
	return b.makeAll(root, path.Clean(at))
}

func (b *builder) makeAll(root *node, p string) error {
	here := root
	for rest := p; rest != "" && rest != "."; {
		var name string
		name, rest, _ = cut(rest)
		found := here.children[name]
		switch {
		case found == nil:
			found = newDirectoryNode(0o755 | here.mode&setgid)
			here.add(name, found)
		case !found.isDirectory():
			return b.fail(WorkingDirInvalid, p, "found a WorkingDir that leads through something that is no directory", nil)
		}
		here = found
	}
	return nil
}
