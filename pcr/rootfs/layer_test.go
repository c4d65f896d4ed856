package rootfs_test

import (
	"archive/tar"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr/rootfs"
)

func with(items ...item) []item { return append(base(), items...) }

// What is wrong with the entries of one layer; the same layer without the last
// entry of each case is good.
func TestEntriesThatAreRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 256)
	deep := strings.Repeat("d/", 2048)
	everyone := uint32(1<<32 - 1) // where an int has 32 bits, it is -1

	for name, c := range map[string]struct {
		reason rootfs.Reason
		path   string
		items  []item
	}{
		"climbs":                     {rootfs.PathOutside, "a/../../x", with(item{name: "a/../../x"})},
		"climbs at once":             {rootfs.PathOutside, "../x", with(item{name: "../x"})},
		"is above the root":          {rootfs.PathOutside, "..", with(item{name: "..", kind: tar.TypeSymlink, link: "x"})},
		"hard link climbs":           {rootfs.PathOutside, "h", with(item{name: "h", kind: tar.TypeLink, link: "../bin/app"})},
		"hard link to nothing":       {rootfs.HardLinkTarget, "h", with(item{name: "h", kind: tar.TypeLink, link: "bin/none"})},
		"hard link to later":         {rootfs.HardLinkTarget, "h", with(item{name: "h", kind: tar.TypeLink, link: "z"}, item{name: "z"})},
		"hard link to itself":        {rootfs.HardLinkTarget, "h", with(item{name: "h", kind: tar.TypeLink, link: "h"})},
		"hard link to directory":     {rootfs.HardLinkTarget, "h", with(item{name: "h", kind: tar.TypeLink, link: "bin"})},
		"hard link to the root":      {rootfs.HardLinkTarget, "h", with(item{name: "h", kind: tar.TypeLink, link: "."})},
		"hard link through a file":   {rootfs.HardLinkTarget, "h", with(item{name: "h", kind: tar.TypeLink, link: "bin/app/x"})},
		"long name":                  {rootfs.PathTooLong, long, with(item{name: long})},
		"deep path":                  {rootfs.PathTooLong, "", with(item{name: deep + "x"})},
		"long link":                  {rootfs.PathTooLong, "s", with(item{name: "s", kind: tar.TypeSymlink, link: strings.Repeat("l", 4096)})},
		"below a file":               {rootfs.PathThroughFile, "bin/app", with(item{name: "bin/app/x"})},
		"below a link":               {rootfs.PathThroughFile, "s", with(item{name: "s", kind: tar.TypeSymlink, link: "bin"}, item{name: "s/x"})},
		"file after what is below":   {rootfs.PathThroughFile, "f", with(item{name: "f/x"}, item{name: "f"})},
		"owner":                      {rootfs.FieldOutOfRange, "f", with(item{name: "f", uid: int(everyone)})},
		"group":                      {rootfs.FieldOutOfRange, "f", with(item{name: "f", gid: -1})},
		"major":                      {rootfs.FieldOutOfRange, "f", with(item{name: "f", kind: tar.TypeChar, edit: func(h *tar.Header) { h.Devmajor = 4096 }})},
		"minor":                      {rootfs.FieldOutOfRange, "f", with(item{name: "f", kind: tar.TypeBlock, edit: func(h *tar.Header) { h.Devminor = 1 << 20 }})},
		"contiguous":                 {rootfs.UnsupportedType, "f", with(item{name: "f", kind: tar.TypeCont})},
		"root is a file":             {rootfs.UnsupportedType, ".", with(item{name: ".", kind: tar.TypeFifo})},
		"whiteout of nothing":        {rootfs.MalformedWhiteout, ".wh.", with(item{name: ".wh."})},
		"whiteout of here":           {rootfs.MalformedWhiteout, ".wh..", with(item{name: ".wh.."})},
		"whiteout of above":          {rootfs.MalformedWhiteout, "bin/.wh...", with(item{name: "bin/.wh..."})},
		"aufs":                       {rootfs.MalformedWhiteout, ".wh..wh.plnk", with(item{name: ".wh..wh.plnk"})},
		"whiteout after an entry":    {rootfs.WhiteoutOfEntry, "bin/.wh.app", with(item{name: "bin/.wh.app"})},
		"entry after a whiteout":     {rootfs.EntryOverWhiteout, "f", with(item{name: ".wh.f"}, item{name: "f"})},
		"two entries":                {rootfs.DuplicatePath, "bin/app", with(item{name: "bin/app"})},
		"two names for one path":     {rootfs.DuplicatePath, "bin/app", with(item{name: "./bin//app"})},
		"two entries of a directory": {rootfs.DuplicatePath, "bin", with(item{name: "bin/"})},
		"two entries of the root":    {rootfs.DuplicatePath, "./", with(item{name: "./"}, item{name: "./"})},
		"two whiteouts":              {rootfs.DuplicatePath, ".wh.f", with(item{name: ".wh.f"}, item{name: ".wh.f"})},
		"device 0:0":                 {rootfs.WhiteoutDevice, "c", with(item{name: "c", kind: tar.TypeChar})},
		"no entry for a directory":   {rootfs.MissingParent, "opt", with(item{name: "opt/x"})},
		"whiteout below nothing":     {rootfs.MissingParent, "opt", with(item{name: "opt/.wh.x"})},
		"opaque without an entry":    {rootfs.MissingParent, "opt", with(item{name: "opt/.wh..wh..opq"})},
		"old link":                   {rootfs.LinkTime, "s", with(item{name: "s", kind: tar.TypeSymlink, link: "x", time: -1})},
		"late link":                  {rootfs.LinkTime, "s", with(item{name: "s", kind: tar.TypeSymlink, link: "x", time: 9223372037})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := simple(tarOf(t, c.items[:len(c.items)-1]...))
			if name != "hard link to later" && name != "file after what is below" {
				_, err := open(t, good.layout(t), rootfs.Config{})
				require.NoError(t, err)
			}
			bad := tarOf(t, c.items...)
			for _, compress := range []func(testing.TB, []byte) []byte{plain, gzipped, zstandard} {
				i := simple(bad)
				i.compress = compress
				set, err := open(t, i.layout(t), rootfs.Config{})
				assert.Nil(t, set)
				var of *rootfs.Error
				require.ErrorAs(t, err, &of)
				require.Equal(t, c.reason, of.Reason, err)
				assert.Equal(t, 1, of.Layer)
				assert.Equal(t, digest(bad), of.Digest)
				if c.path != "" {
					assert.Equal(t, c.path, of.Path)
				}
				assert.True(t, strings.HasPrefix(err.Error(), fmt.Sprintf("%s: image %s: layer 1 (%s): ", of.Reason, of.Image, of.Digest)), err.Error())
			}
		})
	}
}

// entriesOf lists the paths of the image in an application ramdisk.
func entriesOf(t *testing.T, set *rootfs.Set) map[string]rootfs.Entry {
	t.Helper()
	out := map[string]rootfs.Entry{}
	r := rootfs.NewReader(strings.NewReader(string(readAll(t, set.Application))))
	for {
		e, err := r.Next()
		if e == nil {
			require.NoError(t, err)
			return out
		}
		name, ok := strings.CutPrefix(e.Name, "rootfs/")
		if ok && out[name].Name == "" {
			out[name] = *e
		}
	}
}

// How layers lie over each other, in what the vectors leave out.
func TestLayersOverEachOther(t *testing.T) {
	t.Parallel()
	lower := with(item{name: "d/"}, item{name: "d/x", data: "1"}, item{name: "d/e/"}, item{name: "d/e/y", data: "1"}, item{name: "s", kind: tar.TypeSymlink, link: "d"})
	for name, c := range map[string]struct {
		upper  []item
		reason rootfs.Reason // why it is refused
		have   []string
		gone   []string
	}{
		"whiteout":                    {[]item{{name: ".wh.d"}}, "", nil, []string{"d/", "d/x", "d/e/y"}},
		"whiteout then directory":     {[]item{{name: "d/"}, {name: "d/.wh.e"}}, "", []string{"d/", "d/x"}, []string{"d/e/", "d/e/y"}},
		"opaque before its directory": {[]item{{name: "d/.wh..wh..opq"}, {name: "d/z"}, {name: "d/"}}, "", []string{"d/", "d/z"}, []string{"d/x", "d/e/"}},
		"opaque after":                {[]item{{name: "d/"}, {name: "d/z"}, {name: "d/.wh..wh..opq"}}, "", []string{"d/", "d/z"}, []string{"d/x", "d/e/"}},
		"file over directory":         {[]item{{name: "d"}}, "", []string{"d"}, []string{"d/", "d/x"}},
		"directory over link":         {[]item{{name: "s/"}, {name: "s/q"}}, "", []string{"s/", "s/q", "d/x"}, []string{"s", "s/x"}},
		"through a link":              {[]item{{name: "s/q"}}, rootfs.PathThroughLink, nil, nil},
		"in etc, without its entry":   {[]item{{name: "etc/q"}}, "", []string{"etc/", "etc/q"}, nil},
		"in a directory below":        {[]item{{name: "d/q"}}, rootfs.MissingParent, nil, nil},
		"hard link to a lower layer":  {[]item{{name: "h", kind: tar.TypeLink, link: "d/x"}}, rootfs.HardLinkTarget, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := simple(tarOf(t, lower...), tarOf(t, c.upper...))
			set, err := open(t, i.layout(t), rootfs.Config{})
			if c.reason != "" {
				require.ErrorIs(t, err, c.reason)
				var of *rootfs.Error
				require.ErrorAs(t, err, &of)
				assert.Equal(t, 2, of.Layer)
				return
			}
			require.NoError(t, err)
			found := entriesOf(t, set)
			for _, path := range c.have {
				assert.Contains(t, found, path)
			}
			for _, path := range c.gone {
				assert.NotContains(t, found, path)
			}
		})
	}
}

// A directory that is implied in etc keeps its metadata only if nobody can
// tell who made it.
func TestImpliedDirectoriesOfContainers(t *testing.T) {
	t.Parallel()
	for _, mode := range []int64{0o755, 0o700} {
		i := simple(tarOf(t, with(item{name: "etc/", mode: mode})...), tarOf(t, item{name: "etc/q"}))
		_, err := open(t, i.layout(t), rootfs.Config{})
		if mode == 0o755 {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, rootfs.MissingParent)
		}
	}
}

func TestSetgidDirectoriesHandItOn(t *testing.T) {
	t.Parallel()
	i := simple(tarOf(t, with(item{name: "etc/", mode: 0o2755, gid: 7}, item{name: "dev/", mode: 0o2711, gid: 8})...))
	set, err := open(t, i.layout(t), rootfs.Config{})
	require.NoError(t, err)
	found := entriesOf(t, set)
	for path, want := range map[string][3]uint32{
		"dev/pts/": {0o42755, 0, 0}, "dev/shm/": {0o42755, 0, 0}, "proc/": {0o40755, 0, 0},
		"etc/mtab": {0o120777, 0, 7}, "etc/hosts": {0o100755, 0, 0}, "etc/resolv.conf": {0o120755, 0, 0},
	} {
		e := found[path]
		assert.Equal(t, want, [3]uint32{e.Mode, e.UID, e.GID}, path)
	}
}

func TestWorkingDir(t *testing.T) {
	t.Parallel()
	layer := tarOf(t, with(
		item{name: "abs", kind: tar.TypeSymlink, link: "/bin"},
		item{name: "up", kind: tar.TypeSymlink, link: "../../bin"},
		item{name: "circle", kind: tar.TypeSymlink, link: "circle"},
		item{name: "away", kind: tar.TypeSymlink, link: "none"},
		item{name: "prog", kind: tar.TypeSymlink, link: "bin/app"})...)
	for dir, want := range map[string]rootfs.Reason{
		"": "", "/": "", "/bin": "", "/bin/": "", "/abs": "", "/up/.": "", "/bin/../abs": "", "/../bin": "", "/etc": "",
		"/none": rootfs.WorkingDirMissing, "/away": rootfs.WorkingDirMissing, "/bin/none": rootfs.WorkingDirMissing,
		"bin": rootfs.WorkingDirInvalid, "/prog": rootfs.WorkingDirInvalid, "/bin/app/x": rootfs.WorkingDirInvalid, "/circle": rootfs.WorkingDirInvalid,
	} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			i := simple(layer)
			i.config = map[string]any{"Cmd": []string{"a"}, "WorkingDir": dir}
			_, err := open(t, i.layout(t), rootfs.Config{})
			if want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, want)
			set, err := open(t, i.layout(t), rootfs.Config{InsecureAllowIrreproducible: true})
			if want != rootfs.WorkingDirMissing {
				require.ErrorIs(t, err, want)
				return
			}
			require.NoError(t, err)
			made := map[string]string{"/none": "none/", "/away": "none/", "/bin/none": "bin/none/"}[dir]
			assert.Contains(t, entriesOf(t, set), made)
		})
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	capability := func(h *tar.Header) { h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": "\x01"} }
	for name, c := range map[string]struct {
		items []item
		want  rootfs.Warning
	}{
		"xattr":         {with(item{name: "ping", edit: capability}, item{name: "pong", edit: capability}), rootfs.Warning{Reason: rootfs.XattrDropped, Layer: 1, Path: "ping", Count: 2}},
		"opaque root":   {with(item{name: ".wh..wh..opq"}), rootfs.Warning{Reason: rootfs.OpaqueRoot, Layer: 1, Path: ".wh..wh..opq", Count: 1}},
		"late time":     {with(item{name: "late", time: 1 << 32}), rootfs.Warning{Reason: rootfs.TimeTooLate, Path: "late", Count: 1}},
		"dangling link": {with(item{name: "Dockerfile"}, item{name: "x", kind: tar.TypeLink, link: "Dockerfile"}), rootfs.Warning{Reason: rootfs.LinkDangles, Path: "x", Count: 1}},
		"none":          {with(), rootfs.Warning{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			layer := tarOf(t, c.items...)
			set, err := open(t, simple(layer).layout(t), rootfs.Config{})
			require.NoError(t, err)
			if c.want.Reason == "" {
				assert.Empty(t, set.Warnings)
				return
			}
			require.Len(t, set.Warnings, 1)
			got := set.Warnings[0]
			assert.NotEmpty(t, got.Detail)
			if c.want.Layer > 0 {
				c.want.Digest = digest(layer)
			}
			c.want.Detail = got.Detail
			assert.Equal(t, c.want, got)
			assert.True(t, strings.HasPrefix(got.String(), string(c.want.Reason)+": "), got.String())
		})
	}
}
