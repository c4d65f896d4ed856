package rootfs_test

import (
	"archive/tar"
	"bytes"
	"io"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr/rootfs"
)

// FuzzLayer takes any bytes for a layer: they are refused with a Reason, or make
// a ramdisk that the Reader, which shares no code with what writes it, reads to
// the end: the same headers as were in the layer, the same data, and the same
// bytes from the front to the back as from any place.
func FuzzLayer(f *testing.F) {
	f.Add(tarOf(f, base()...), uint16(0))
	f.Add(tarOf(f, with(
		item{name: "d/", mode: 0o2755, uid: 7, gid: 8},
		item{name: "d/s", kind: tar.TypeSymlink, link: "../bin/app"},
		item{name: "d/h", kind: tar.TypeLink, link: "bin/app", mode: 0o600, time: 5},
		item{name: "d/c", kind: tar.TypeChar, edit: func(h *tar.Header) { h.Devmajor, h.Devminor = 1, 3 }},
		item{name: "d/f", kind: tar.TypeFifo},
		item{name: "d/.wh.x"},
		item{name: "etc", kind: tar.TypeSymlink, link: "d"},
		item{name: "Dockerfile", data: "FROM scratch"},
	)...), uint16(333))
	f.Add(tarOf(f, item{name: "opt/deep/file", data: strings.Repeat("data", 300)}, item{name: "opt/late", time: 1 << 33}), uint16(700))
	f.Fuzz(func(t *testing.T, layer []byte, at uint16) {
		for _, compress := range []func(testing.TB, []byte) []byte{plain, gzipped} {
			i := simple(layer)
			i.compress = compress
			set, err := open(t, i.layout(t), rootfs.Config{InsecureAllowIrreproducible: true})
			if err != nil {
				var of *rootfs.Error
				require.ErrorAs(t, err, &of)
				require.NotEmpty(t, of.Reason)
				require.Nil(t, set)
				continue
			}
			data := readAll(t, set.Application)
			if int(at) < len(data) {
				part := make([]byte, min(777, len(data)-int(at)))
				_, err := set.Application.ReadAt(part, int64(at))
				require.NoError(t, err)
				require.True(t, bytes.Equal(data[at:int(at)+len(part)], part))
			}
			for _, w := range set.Warnings {
				if w.Reason == rootfs.TimeTooLate { // then it is no archive: AWS's builder writes it so
					return
				}
			}
			requireSameFiles(t, layer, data)
		}
	})
}

// requireSameFiles compares the regular files of a layer with those in the
// ramdisk that was made of it.
func requireSameFiles(t *testing.T, layer, ramdisk []byte) {
	type file struct {
		mode, uid, gid uint32
		data           string
	}
	found := map[string]file{}
	r := rootfs.NewReader(bytes.NewReader(ramdisk))
	for inode := uint32(721); ; inode++ {
		e, err := r.Next()
		require.NoError(t, err)
		if e == nil {
			break
		}
		require.Equal(t, inode, e.Inode)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		if e.Target != "" {
			continue
		}
		require.Len(t, data, int(e.Size))
		if e.IsRegular() {
			found[e.Name] = file{e.Mode & 0o7777, e.UID, e.GID, string(data)}
		}
	}
	require.Contains(t, found, "cmd")
	require.Contains(t, found, "env")
	// What comes once in the layer, and is linked to by nothing, is as it was.
	last, times := map[string]file{}, map[string]int{}
	in := tar.NewReader(bytes.NewReader(layer))
	for {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
		times[name]++
		if h.Typeflag == tar.TypeLink {
			times[strings.TrimPrefix(path.Clean("/"+h.Linkname), "/")]++
		}
		if h.Typeflag == tar.TypeReg && !strings.HasPrefix(path.Base(name), ".wh.") {
			data, err := io.ReadAll(in)
			require.NoError(t, err)
			last[name] = file{uint32(h.Mode) & 0o7777, uint32(h.Uid), uint32(h.Gid), string(data)}
		}
	}
	for name, want := range last {
		if times[name] == 1 && !madeByOthers(name) {
			require.Equal(t, want, found["rootfs/"+name], name)
		}
	}
}

// madeByOthers reports whether Docker or linuxkit put something of their own at a
// path, or drop it.
func madeByOthers(name string) bool {
	switch name {
	case ".dockerenv", "Dockerfile", "dev", "etc", "proc", "sys":
		return true
	}
	return strings.HasPrefix(name, "dev/") || strings.HasPrefix(name, "etc/")
}

// FuzzList takes any bytes for a ramdisk: they are refused with a Reason, or
// listed; what is listed is equal to itself when it is written anew from its
// entries, but for its form.
func FuzzList(f *testing.F) {
	f.Add(newc(header{name: "f", mode: 0o100644, data: "data"}, header{name: "l", mode: 0o120777, data: "f"}))
	f.Add(append(newc(header{name: "d", mode: 0o40755}), newc(header{name: "../x", mode: 0o20600, major: 1, minor: 3})...))
	f.Add(gzipped(f, newc(header{name: "f", mode: 0o100644, time: 9, ino: 721})))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := rootfs.List(bytes.NewReader(data))
		if err != nil {
			var of *rootfs.Error
			require.ErrorAs(t, err, &of)
			require.NotEmpty(t, of.Reason)
			require.Nil(t, first)
			return
		}
		r := rootfs.NewReader(bytes.NewReader(data))
		var again []header
		for {
			e, err := r.Next()
			if err != nil {
				return // compressed: List unpacks it, and the Reader does not
			}
			if e == nil {
				break
			}
			content, err := io.ReadAll(r)
			require.NoError(t, err)
			again = append(again, header{name: e.Name, mode: e.Mode, uid: e.UID, gid: e.GID, time: e.Modified, major: e.Major, minor: e.Minor, data: e.Target + string(content)})
		}
		require.Equal(t, first.Len(), len(again))
		second, err := rootfs.List(bytes.NewReader(newc(again...)))
		require.NoError(t, err)
		for _, d := range first.Compare(second) {
			require.Equal(t, rootfs.Form, d.Aspect, d)
		}
	})
}
