package rootfs

import (
	"path/filepath"
	"strings"
)

// prefix is where AWS's builder puts the image in the application ramdisk.
const prefix = "rootfs/"

const (
	resolvConf = "/run/resolvconf/resolv.conf"
	etcHosts   = "127.0.0.1       localhost\n" +
		"::1     localhost ip6-localhost ip6-loopback\n" +
		"fe00::0 ip6-localnet\n" +
		"ff00::0 ip6-mcastprefix\n" +
		"ff02::1 ip6-allnodes\n" +
		"ff02::2 ip6-allrouters\n"
)

// exporter writes the file system of a container as docker export and linuxkit
// do together.
type exporter struct {
	b     *builder
	out   *Ramdisk
	first map[*inode]string // the first name of files with several
	seen  map[string]bool   // of those in missing
}

// application returns the application ramdisk.
func (b *builder) application(root *node, c *candidate) (*Ramdisk, error) {
	cmd, env, err := b.command(c)
	if err != nil {
		return nil, err
	}
	e := &exporter{b: b, out: &Ramdisk{}, first: map[*inode]string{}, seen: map[string]bool{}}
	e.out.directory("rootfs")
	e.walk(root, "")
	e.missing()
	for _, name := range []string{"rootfs", "rootfs/dev", "rootfs/run", "rootfs/sys", "rootfs/var", "rootfs/proc", "rootfs/tmp"} {
		e.out.directory(name)
	}
	e.out.file("cmd", 0o644, cmd)
	e.out.file("env", 0o644, env)
	e.out.close()
	return e.out, nil
}

// bootRamdisk returns the boot ramdisk.
func bootRamdisk(boot Boot) *Ramdisk {
	r := &Ramdisk{}
	r.directory("dev")
	r.file("init", 0o755, string(boot.Init))
	r.file("nsm.ko", 0o755, string(boot.NSM))
	r.close()
	return r
}

// walk adds what is in a directory: each directory before its contents, names
// in byte order.
func (e *exporter) walk(dir *node, at string) {
	for _, name := range dir.names() {
		n, p := dir.children[name], join(at, name)
		if n.kind == kindDirectory {
			e.directory(n, p)
			e.walk(n, p)
			continue
		}
		e.file(n, p)
	}
}

func (e *exporter) directory(n *node, p string) {
	out := entryOf(n.inode, prefix+p+"/")
	if timeIsReplaced(p) {
		out.mtime = builderTime
	}
	e.seen[p+"/"] = true
	e.add(out, p)
}

func (e *exporter) add(out record, p string) {
	if out.mtime > 1<<32-1 {
		e.b.warn(TimeTooLate, p, "found a time after 2106, which needs nine digits where a ramdisk has eight: AWS's builder makes the same ramdisk, and the kernel cannot read it")
	}
	e.out.add(out)
}

func (e *exporter) file(n *node, p string) {
	first, again := e.first[n.inode]
	if n.linked && !again {
		e.first[n.inode] = p
	}
	switch p {
	case ".dockerenv", "Dockerfile", "dev/console", "etc/hostname":
		return
	}
	e.seen[p] = true
	out := entryOf(n.inode, prefix+p)
	switch {
	case again:
		// linuxkit makes a symbolic link of a hard link and keeps the rest. A
		// relative path between two relative paths always exists.
		target, _ := filepath.Rel(filepath.Dir("/"+p), "/"+first)
		out.kind = kindSymlink
		out.text(target)
		if first == "Dockerfile" {
			e.b.warn(LinkDangles, p, "found a hard link to Dockerfile, which AWS's builder leaves out")
		}
	case p == "etc/hosts":
		out.mtime = builderTime
		out.text(etcHosts)
	case p == "etc/resolv.conf":
		out.kind, out.mtime = kindSymlink, builderTime
		out.text(resolvConf)
	case p == "etc/mtab":
		out.mtime = builderTime
	}
	e.add(out, p)
}

// missing adds what linuxkit adds when it was not in the export: with Docker,
// only where a directory is in the place of a file.
func (e *exporter) missing() {
	for _, m := range []struct {
		path string
		kind kind
		mode uint32
		text string
	}{
		{"dev/", kindDirectory, 0o755, ""},
		{"dev/pts/", kindDirectory, 0o755, ""},
		{"dev/shm/", kindDirectory, 0o755, ""},
		{"etc/", kindDirectory, 0o755, ""},
		{"etc/hosts", kindRegular, 0o644, etcHosts},
		{"etc/mtab", kindSymlink, 0o755, "/proc/mounts"},
		{"etc/resolv.conf", kindSymlink, 0o644, resolvConf},
		{"proc/", kindDirectory, 0o755, ""},
		{"sys/", kindDirectory, 0o755, ""},
	} {
		if e.seen[m.path] {
			continue
		}
		out := record{name: prefix + strings.TrimSuffix(m.path, "/"), kind: m.kind, mode: m.mode, mtime: builderTime}
		if m.text != "" {
			out.text(m.text)
		}
		e.out.add(out)
	}
}
