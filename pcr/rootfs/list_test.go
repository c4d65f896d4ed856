package rootfs_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr/rootfs"
)

// header is an entry of a ramdisk, field by field.
type header struct {
	name                            string
	mode, uid, gid, time, size, ino uint32
	major, minor                    uint32
	data                            string
}

func newc(entries ...header) []byte {
	var out bytes.Buffer
	align := func() {
		for out.Len()%4 != 0 {
			out.WriteByte(0)
		}
	}
	for i, h := range append(slices.Clone(entries), header{name: "TRAILER!!!"}) {
		if h.size == 0 {
			h.size = uint32(len(h.data))
		}
		fmt.Fprintf(&out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00", h.ino+uint32(i), h.mode, h.uid, h.gid, 1, h.time, h.size, 3, 1, h.major, h.minor, len(h.name)+1, 0, h.name)
		align()
		out.WriteString(h.data)
		align()
	}
	return out.Bytes()
}

func list(t *testing.T, data []byte) *rootfs.Listing {
	t.Helper()
	l, err := rootfs.List(bytes.NewReader(data))
	require.NoError(t, err)
	require.EqualValues(t, len(data), l.Size)
	return l
}

func TestCompare(t *testing.T) {
	t.Parallel()
	file := header{name: "f", mode: 0o100644, time: 9, data: "data"}
	change := func(edit func(*header)) header { h := file; edit(&h); return h }
	dir, link, device := header{name: "d", mode: 0o40755}, header{name: "l", mode: 0o120777, data: "f"}, header{name: "n", mode: 0o20600, major: 1, minor: 3}
	all := []header{file, dir, link, device}
	instead := func(i int, h header) []header { out := slices.Clone(all); out[i] = h; return out }
	const digestOfData, digestOfDate = "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7", "0e87632cd46bd4907c516317eb6d81fe0f921a23c7643018f21292894b470681"
	for name, c := range map[string]struct {
		second []header
		want   rootfs.Difference
	}{
		"content":         {instead(0, change(func(h *header) { h.data = "date" })), rootfs.Difference{Aspect: rootfs.Content, Name: "f", First: "4 bytes, SHA-256 " + digestOfData, Second: "4 bytes, SHA-256 " + digestOfDate}},
		"no content":      {instead(0, change(func(h *header) { h.data = "" })), rootfs.Difference{Aspect: rootfs.Content, Name: "f", First: "4 bytes, SHA-256 " + digestOfData, Second: "empty"}},
		"mode":            {instead(0, change(func(h *header) { h.mode = 0o104755 })), rootfs.Difference{Aspect: rootfs.Mode, Name: "f", First: "0644", Second: "4755"}},
		"owner":           {instead(0, change(func(h *header) { h.gid = 7 })), rootfs.Difference{Aspect: rootfs.Owner, Name: "f", First: "0:0", Second: "0:7"}},
		"time":            {instead(0, change(func(h *header) { h.time = 10 })), rootfs.Difference{Aspect: rootfs.Time, Name: "f", First: "9", Second: "10"}},
		"target":          {instead(2, header{name: "l", mode: 0o120777, data: "g/h"}), rootfs.Difference{Aspect: rootfs.Target, Name: "l", First: "f", Second: "g/h"}},
		"device":          {instead(3, header{name: "n", mode: 0o20600, major: 1, minor: 5}), rootfs.Difference{Aspect: rootfs.Device, Name: "n", First: "1:3", Second: "1:5"}},
		"type":            {instead(1, header{name: "d", mode: 0o10755}), rootfs.Difference{Aspect: rootfs.Type, Name: "d", First: "directory", Second: "fifo"}},
		"only the first":  {all[:3], rootfs.Difference{Aspect: rootfs.OnlyFirst, Name: "n", First: "character device, mode 0600, owner 0:0, time 0"}},
		"only the second": {append(slices.Clone(all), header{name: "f", mode: 0o100644, data: "data"}), rootfs.Difference{Aspect: rootfs.OnlySecond, Name: "f", Second: "file, mode 0644, owner 0:0, time 0, 4 bytes, SHA-256 " + digestOfData}},
		"order":           {[]header{file, link, dir, device}, rootfs.Difference{Aspect: rootfs.Order, Name: "d", First: "before l", Second: "after l"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := list(t, newc(all...)), list(t, newc(c.second...))
			assert.Equal(t, []rootfs.Difference{c.want}, a.Compare(b))
			assert.Len(t, b.Compare(a), 1)
			assert.Empty(t, a.Compare(a))
		})
	}
	t.Run("form", func(t *testing.T) {
		t.Parallel()
		a := newc(all...)
		for _, second := range [][]byte{newc(instead(0, change(func(h *header) { h.ino = 5 }))...), append(bytes.Clone(a), 0, 0, 0), gzipped(t, a), zstandard(t, a)} {
			d := list(t, a).Compare(list(t, second))
			require.Len(t, d, 1)
			assert.Equal(t, rootfs.Form, d[0].Aspect)
		}
	})
	t.Run("two archives", func(t *testing.T) {
		t.Parallel()
		l := list(t, append(append(newc(file), make([]byte, 512)...), newc(dir)...))
		assert.True(t, l.Has("d"))
		assert.Equal(t, 2, l.Len())
	})
}

// Archives that lie are refused, each for the one thing that is wrong.
func TestHostileRamdisks(t *testing.T) {
	t.Parallel()
	good := newc(header{name: "f", mode: 0o100644, data: "data"})
	patch := func(at int, with string) []byte { d := bytes.Clone(good); copy(d[at:], with); return d }
	for name, c := range map[string]struct {
		data []byte
		text string
	}{
		"empty":                     {nil, "at offset 0: found the end"},
		"old format":                {patch(0, "070707"), `found "070707", expected "070701"`},
		"with checksums":            {patch(0, "070702"), `found "070702"`},
		"a size beyond the end":     {patch(6+6*8, "fffffff0"), "found the end, expected more"},
		"a name beyond the end":     {patch(6+11*8, "00000f00"), "found the end, expected more"},
		"a name without an end":     {patch(110+1, "x"), "one zero byte"},
		"a name of nothing":         {patch(6+11*8, "00000001"), "found a name of 1 bytes"},
		"a huge name":               {patch(6+11*8, "ffffffff"), "found a name of 4294967295 bytes"},
		"a sign in a number":        {patch(6+5*8, "-0000001"), "expected 8 hex digits"},
		"nine digits":               {append([]byte("0707011"), good[6:]...), ""},
		"data in the padding":       {newcWithPadding('x'), "in the padding"},
		"no trailer":                {good[:len(good)-124], "found the end, expected more"},
		"a trailer with data":       {newc(header{name: "TRAILER!!!", data: "d"}), "found a trailer with data"},
		"more after the trailer":    {append(bytes.Clone(good), "what"...), "found the end, expected more"},
		"a second one out of place": {append(append(bytes.Clone(good), 0), good...), "multiple of 4"},
		"a huge link":               {newc(header{name: "l", mode: 0o120777, size: 1 << 31}), "found a link target of 2147483648 bytes"},
		"truncated gzip":            {gzipped(t, good)[:40], "ramdisk"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := rootfs.List(bytes.NewReader(c.data))
			assert.Nil(t, l)
			var of *rootfs.Error
			require.ErrorAs(t, err, &of)
			assert.Contains(t, []rootfs.Reason{rootfs.MalformedRamdisk, rootfs.Unreadable}, of.Reason)
			assert.Contains(t, err.Error(), c.text)
		})
	}
	// Names are bytes to compare, whatever they lead to.
	l := list(t, newc(header{name: "../../etc/passwd", mode: 0o100644}, header{name: "/abs", mode: 0o120777, data: "/"}))
	assert.True(t, l.Has("../../etc/passwd"))
	_, err := rootfs.List(io.MultiReader(bytes.NewReader(good[:50]), strings.NewReader("")))
	require.ErrorIs(t, err, rootfs.MalformedRamdisk)
}

func newcWithPadding(c byte) []byte {
	data := newc(header{name: "ff", mode: 0o100644, data: "data"})
	data[110+3] = c
	return data
}

// A million entries cost what their names and digests take: the archive, of
// which every byte is read, is held nowhere.
func TestMillionEntries(t *testing.T) {
	if testing.Short() {
		t.Skip("a second of work")
	}
	t.Parallel()
	const entries = 1_000_000
	archive, w := io.Pipe()
	go func() {
		out := bufio.NewWriterSize(w, 64<<10)
		// A name of 14 bytes with the zero, so that nothing has to be padded.
		entry := newc(header{name: "d/00000000000", mode: 0o100644})[:110+14]
		for i := range entries {
			for at, rest := len(entry)-2, i; rest > 0; at, rest = at-1, rest/10 {
				entry[at] = '0' + byte(rest%10)
			}
			out.Write(entry)
		}
		out.Write(newc())
		w.CloseWithError(out.Flush())
	}()
	l, err := rootfs.List(archive)
	require.NoError(t, err)
	assert.Equal(t, entries, l.Len())
	assert.EqualValues(t, entries*(110+14)+len(newc()), l.Size)
}

// More entries than there may be are refused wherever they are. This test runs
// beside no other, for it changes the limit.
func TestTooManyEntries(t *testing.T) {
	const limit = 12
	defer rootfs.LimitEntries(limit)()
	items, entries := base(), []header{}
	for i := len(items); i < limit; i++ {
		items = append(items, item{name: fmt.Sprintf("f%d", i)})
	}
	for i := range limit {
		entries = append(entries, header{name: fmt.Sprintf("f%d", i), mode: 0o100644})
	}
	one := item{name: "one", data: "more"}
	_, err := open(t, simple(tarOf(t, items...)).layout(t), rootfs.Config{})
	require.NoError(t, err)
	for name, layers := range map[string][][]byte{
		"an entry":             {tarOf(t, append(slices.Clone(items), one)...)},
		"an entry above":       {tarOf(t, items...), tarOf(t, one)},
		"a directory implied":  {tarOf(t, append(slices.Clone(items[:len(items)-1]), item{name: "opt/x"})...)},
		"one that is replaced": {tarOf(t, items...), tarOf(t, items[2])},
	} {
		_, err := open(t, simple(layers...).layout(t), rootfs.Config{})
		require.ErrorIs(t, err, rootfs.TooManyEntries, name)
	}
	many := layoutFiles(t, simple(tarOf(t, items...)))
	for i := range limit {
		many[fmt.Sprint(i)] = nil
	}
	_, err = open(t, archive(t, many), rootfs.Config{})
	require.ErrorIs(t, err, rootfs.TooManyEntries)

	_, err = rootfs.List(bytes.NewReader(newc(entries...)))
	require.NoError(t, err)
	_, err = rootfs.List(bytes.NewReader(newc(append(entries, header{name: "one"})...)))
	require.ErrorIs(t, err, rootfs.TooManyEntries)
}
