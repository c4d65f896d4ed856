package rootfs_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr/rootfs"
)

func TestEveryCompressionMakesTheSameRamdisk(t *testing.T) {
	t.Parallel()
	layer := tarOf(t, with(item{name: "big", data: strings.Repeat("some text ", 100000)})...)
	var want []byte
	for _, compress := range []func(testing.TB, []byte) []byte{plain, gzipped, zstandard} {
		i := simple(layer)
		i.compress = compress
		for _, outer := range []func(testing.TB, []byte) []byte{plain, gzipped, zstandard} {
			set, err := open(t, outer(t, i.layout(t)), rootfs.Config{})
			require.NoError(t, err)
			got := readAll(t, set.Application)
			if want == nil {
				want = got
			}
			require.True(t, bytes.Equal(want, got))
			assert.Empty(t, set.Warnings)
		}
	}
	set, err := open(t, archive(t, docker(t, []string{"a:1"}, simple(layer))), rootfs.Config{})
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, readAll(t, set.Application)))
}

func TestDirectories(t *testing.T) {
	t.Parallel()
	i := simple(tarOf(t, base()...))
	for name, files := range map[string]map[string][]byte{"layout": layoutFiles(t, i), "docker save": docker(t, []string{"a:1"}, i)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := fstest.MapFS{}
			for name, data := range files {
				dir[name] = &fstest.MapFile{Data: data}
			}
			set, err := rootfs.OpenDir(dir, rootfs.Config{TempDir: t.TempDir()})
			require.NoError(t, err)
			other, err := open(t, archive(t, files), rootfs.Config{})
			require.NoError(t, err)
			assert.Equal(t, readAll(t, other.Application), readAll(t, set.Application))
			require.NoError(t, set.Close())
		})
	}
	_, err := rootfs.OpenDir(fstest.MapFS{}, rootfs.Config{})
	require.ErrorIs(t, err, rootfs.NotAnImage)
}

// What the archive says of the image, changed in one place.
func TestImagesThatAreRefused(t *testing.T) {
	t.Parallel()
	layer := tarOf(t, base()...)
	other := tarOf(t, with(item{name: "other"})...)
	blobOf := func(files map[string][]byte, size int) string {
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if strings.HasPrefix(name, "blobs/") && len(files[name]) == size {
				return name
			}
		}
		return ""
	}
	stored := gzipped(t, layer)
	set := func(change func(*image)) image { i := simple(layer); change(&i); return i }
	firstLayer := func(m map[string]any) map[string]any { return m["layers"].([]any)[0].(map[string]any) }
	for name, c := range map[string]struct {
		reason rootfs.Reason
		layer  int
		image  image
	}{
		"layer changed": {rootfs.DigestMismatch, 1, set(func(i *image) {
			i.files = func(f map[string][]byte) { f[blobOf(f, len(stored))][20] ^= 1 }
		})},
		"layer longer": {rootfs.DigestMismatch, 1, set(func(i *image) {
			i.files = func(f map[string][]byte) { n := blobOf(f, len(stored)); f[n] = append(bytes.Clone(f[n]), 0) }
		})},
		"layer missing":               {rootfs.BlobMissing, 1, set(func(i *image) { i.files = func(f map[string][]byte) { delete(f, blobOf(f, len(stored))) } })},
		"another layer":               {rootfs.DiffIDMismatch, 1, set(func(i *image) { i.diffIDs = []string{digest(other)} })},
		"diff ID of the stored layer": {rootfs.DiffIDMismatch, 1, set(func(i *image) { i.diffIDs = []string{digest(stored)} })},
		"no diff ID":                  {rootfs.LayerCount, 0, set(func(i *image) { i.diffIDs = []string{} })},
		"diff ID of another kind":     {rootfs.UnsupportedDigest, 1, set(func(i *image) { i.diffIDs = []string{"md5:00"} })},
		"digest climbs":               {rootfs.UnsupportedDigest, 0, set(func(i *image) { i.manifest = func(m map[string]any) { firstLayer(m)["digest"] = "sha256:../../x" } })},
		"digest in upper case": {rootfs.UnsupportedDigest, 0, set(func(i *image) {
			i.manifest = func(m map[string]any) { firstLayer(m)["digest"] = "sha256:" + strings.Repeat("AB", 32) }
		})},
		"wrong size": {rootfs.DigestMismatch, 1, set(func(i *image) { i.manifest = func(m map[string]any) { firstLayer(m)["size"] = 1 } })},
		"encrypted":  {rootfs.UnsupportedCompression, 1, set(func(i *image) { i.layerType = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted" })},
		"xz": {rootfs.UnsupportedCompression, 1, set(func(i *image) {
			i.compress = func(_ testing.TB, d []byte) []byte { return append([]byte("\xfd7zXZ\x00"), d...) }
		})},
		"bzip2": {rootfs.UnsupportedCompression, 1, set(func(i *image) {
			i.compress = func(_ testing.TB, d []byte) []byte { return append([]byte("BZh9"), d...) }
		})},
		"truncated gzip": {rootfs.MalformedLayer, 1, set(func(i *image) {
			i.compress = func(tb testing.TB, d []byte) []byte { z := gzipped(tb, d); return z[:len(z)-9] }
		})},
		"no tar archive":  {rootfs.MalformedLayer, 1, simple(bytes.Repeat([]byte("x"), 2048))},
		"index and image": {rootfs.MalformedImage, 0, set(func(i *image) { i.manifest = func(m map[string]any) { m["manifests"] = []any{} } })},
		"another media type": {rootfs.MalformedImage, 0, set(func(i *image) {
			i.manifest = func(m map[string]any) { m["mediaType"] = "application/vnd.oci.image.index.v1+json" }
		})},
		"key in another case": {rootfs.MalformedImage, 0, set(func(i *image) { i.config = map[string]any{"cmd": []string{"a"}} })},
		"Cmd is text":         {rootfs.MalformedImage, 0, set(func(i *image) { i.config = map[string]any{"Cmd": "a"} })},
		"architecture":        {rootfs.UnsupportedArchitecture, 0, set(func(i *image) { i.arch = "riscv64" })},
		"operating system":    {rootfs.UnsupportedArchitecture, 0, set(func(i *image) { i.os = "windows" })},
		"Entrypoint is empty": {rootfs.EmptyCommand, 0, set(func(i *image) { i.config = map[string]any{"Entrypoint": []string{}} })},
		"manifest missing": {rootfs.BlobMissing, 0, set(func(i *image) {
			i.files = func(f map[string][]byte) {
				maps.DeleteFunc(f, func(n string, _ []byte) bool { return strings.HasPrefix(n, "blobs/") })
			}
		})},
		"layout of another version": {rootfs.MalformedImage, 0, set(func(i *image) {
			i.files = func(f map[string][]byte) { f["oci-layout"] = []byte(`{"imageLayoutVersion":"2.0.0"}`) }
		})},
		"index twice in one": {rootfs.MalformedImage, 0, set(func(i *image) {
			i.files = func(f map[string][]byte) { f["index.json"] = append(f["index.json"], "{}"...) }
		})},
		"no images":    {rootfs.NotAnImage, 0, set(func(i *image) { i.index = func(m map[string]any) { m["manifests"] = []any{} } })},
		"neither form": {rootfs.NotAnImage, 0, set(func(i *image) { i.files = func(f map[string][]byte) { delete(f, "index.json") } })},
		"forms disagree": {rootfs.ManifestsDisagree, 0, set(func(i *image) {
			i.files = func(f map[string][]byte) { maps.Copy(f, docker(t, []string{"a:1"}, simple(other))) }
		})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := open(t, c.image.layout(t), rootfs.Config{})
			assert.Nil(t, set)
			var of *rootfs.Error
			require.ErrorAs(t, err, &of)
			require.Equal(t, c.reason, of.Reason, err)
			assert.Equal(t, c.layer, of.Layer)
			if of.Image != "" && of.Reason != rootfs.ManifestsDisagree {
				assert.Contains(t, err.Error(), "image sha256:")
			}
		})
	}
}

func TestArchivesThatAreRefused(t *testing.T) {
	t.Parallel()
	good := simple(tarOf(t, base()...)).layout(t)
	for name, c := range map[string]struct {
		data   []byte
		reason rootfs.Reason
	}{
		"empty":              {nil, rootfs.NotAnImage},
		"text":               {bytes.Repeat([]byte("no archive "), 100), rootfs.NotAnImage},
		"xz":                 {append([]byte("\xfd7zXZ\x00"), good...), rootfs.UnsupportedCompression},
		"truncated":          {good[:700], rootfs.NotAnImage},
		"two index.json":     {append(bytes.Clone(good[:len(good)-1024]), tarOf(t, item{name: "index.json", data: "{}"})...), rootfs.MalformedImage},
		"a link in a circle": {tarOf(t, item{name: "manifest.json", kind: '2', link: "manifest.json"}), rootfs.MalformedImage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := open(t, c.data, rootfs.Config{})
			require.ErrorIs(t, err, c.reason)
		})
	}
}

// docker save, up to version 24, stored a layer that images share once, and a
// link in its other places.
func TestLayersThatAreLinks(t *testing.T) {
	t.Parallel()
	layer := tarOf(t, base()...)
	files := docker(t, []string{"a:1"}, simple(layer))
	delete(files, "0-0/layer.tar")
	items := []item{{name: "shared/layer.tar", data: string(layer)}, {name: "0-0/layer.tar", kind: '2', link: "../shared/layer.tar"}}
	for name, data := range files {
		items = append(items, item{name: name, data: string(data)})
	}
	set, err := open(t, tarOf(t, items...), rootfs.Config{})
	require.NoError(t, err)
	assert.Contains(t, entriesOf(t, set), "bin/app")
}

func TestOneImageOfSeveral(t *testing.T) {
	t.Parallel()
	named := func(name, arch, file string) image {
		i := simple(tarOf(t, with(item{name: file})...))
		i.arch, i.annotations = arch, map[string]string{"io.containerd.image.name": name}
		return i
	}
	a, b, arm := named("docker.io/library/app:1", "amd64", "a"), named("registry.test/app:2", "amd64", "b"), named("registry.test/app:2", "arm64", "arm")
	attestation := named("registry.test/app:2", "unknown", "att")
	layout := archive(t, layoutFiles(t, a, b, arm, attestation))
	saved := archive(t, docker(t, []string{"app:1", "registry.test/app:2", "registry.test/app:2"}, a, b, arm))
	armID := digest(arm.configJSON(t))
	for name, c := range map[string]struct {
		config rootfs.Config
		reason rootfs.Reason
		file   string
	}{
		"none named":         {rootfs.Config{}, rootfs.ImageAmbiguous, ""},
		"short name":         {rootfs.Config{Image: "app:1"}, "", "a"},
		"full name":          {rootfs.Config{Image: "docker.io/library/app:1"}, "", "a"},
		"two platforms":      {rootfs.Config{Image: "registry.test/app:2"}, rootfs.ImageAmbiguous, ""},
		"name and platform":  {rootfs.Config{Image: "registry.test/app:2", Platform: "linux/arm64"}, "", "arm"},
		"platform":           {rootfs.Config{Platform: "linux/arm64"}, "", "arm"},
		"two of a platform":  {rootfs.Config{Platform: "linux/amd64"}, rootfs.ImageAmbiguous, ""},
		"ID":                 {rootfs.Config{Image: armID}, "", "arm"},
		"no such name":       {rootfs.Config{Image: "app"}, rootfs.ImageMissing, ""},
		"no such platform":   {rootfs.Config{Platform: "linux/s390x"}, rootfs.PlatformMissing, ""},
		"platform of others": {rootfs.Config{Image: "app:1", Platform: "linux/arm64"}, rootfs.PlatformMissing, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, data := range [][]byte{layout, saved} {
				set, err := open(t, data, c.config)
				if c.reason != "" {
					require.ErrorIs(t, err, c.reason)
					// The error lists what there is.
					assert.Contains(t, err.Error(), " for linux/amd64 (sha256:")
					continue
				}
				require.NoError(t, err)
				assert.Contains(t, entriesOf(t, set), c.file)
			}
		})
	}
}

func TestAnImageOfAnotherNameIsNotTaken(t *testing.T) {
	t.Parallel()
	data := archive(t, docker(t, []string{"app:1"}, simple(tarOf(t, base()...))))
	_, err := open(t, data, rootfs.Config{Image: "app:2"})
	require.ErrorIs(t, err, rootfs.ImageMissing)
	_, err = open(t, data, rootfs.Config{Platform: "linux/arm64"})
	require.ErrorIs(t, err, rootfs.PlatformMissing)
}

func TestBootFiles(t *testing.T) {
	t.Parallel()
	data := simple(tarOf(t, base()...)).layout(t)
	for _, boot := range []rootfs.Boot{{}, {Init: []byte("i")}, {NSM: []byte("n")}} {
		_, err := rootfs.Ramdisks(bytes.NewReader(data), int64(len(data)), boot)
		require.ErrorIs(t, err, rootfs.InvalidBoot)
	}
	set, err := open(t, data, rootfs.Config{})
	require.NoError(t, err)
	assert.Nil(t, set.Boot)
	_, err = set.Measure(strings.NewReader("kernel"), "cmdline")
	require.ErrorIs(t, err, rootfs.InvalidBoot)
	_, err = set.Boot.ReadAt(make([]byte, 1), 0)
	assert.Error(t, err)
	_, err = set.Boot.WriteTo(io.Discard)
	assert.Error(t, err)
}

// Reads that fail are told as such, wherever they do.
func TestReadersThatFail(t *testing.T) {
	t.Parallel()
	i := simple(tarOf(t, base()...))
	i.compress = plain
	data := i.layout(t)
	for n := 0; n < 40; n++ {
		r := &failing{bytes.NewReader(data), n}
		set, err := rootfs.Open(r, int64(len(data)), rootfs.Config{})
		if err == nil {
			_, err = set.MeasureApplication()
			require.NoError(t, set.Close())
		}
		if r.left >= 0 {
			require.NoError(t, err)
			return
		}
		require.ErrorIs(t, err, errPulled)
	}
	t.Fatal("never read to the end")
}

var errPulled = errors.New("cable pulled")

type failing struct {
	*bytes.Reader
	left int
}

func (f *failing) ReadAt(p []byte, offset int64) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errPulled
	}
	return f.Reader.ReadAt(p, offset)
}
