package rootfs_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	klauspost "github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// item is an entry of a layer.
type item struct {
	name string
	kind byte // zero: a directory if the name ends in /, else a file
	mode int64
	data string
	link string
	time int64 // zero: usual
	edit func(*tar.Header)
	uid  int
	gid  int
}

const usualTime = 1600000000

func tarOf(tb testing.TB, items ...item) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, i := range items {
		h := &tar.Header{Name: i.name, Typeflag: i.kind, Mode: i.mode, Linkname: i.link, Size: int64(len(i.data)), Uid: i.uid, Gid: i.gid, Format: tar.FormatPAX, ModTime: time.Unix(usualTime, 0)}
		if i.time != 0 {
			h.ModTime = time.Unix(i.time, 0)
		}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
			if i.name[len(i.name)-1] == '/' {
				h.Typeflag = tar.TypeDir
			}
		}
		if h.Mode == 0 {
			h.Mode = 0o644
			if h.Typeflag == tar.TypeDir {
				h.Mode = 0o755
			}
		}
		if i.edit != nil {
			i.edit(h)
		}
		require.NoError(tb, w.WriteHeader(h))
		_, err := w.Write([]byte(i.data))
		require.NoError(tb, err)
	}
	require.NoError(tb, w.Close())
	return out.Bytes()
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func gzipped(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(data)
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return out.Bytes()
}

func zstandard(tb testing.TB, data []byte) []byte {
	tb.Helper()
	w, err := klauspost.NewWriter(nil)
	require.NoError(tb, err)
	return w.EncodeAll(data, nil)
}

func plain(_ testing.TB, data []byte) []byte { return data }

// image is what an archive is made of. Its methods can be told to lie.
type image struct {
	layers      [][]byte // tar archives
	compress    func(testing.TB, []byte) []byte
	config      map[string]any // members of config; nil: a Cmd and an Env
	arch, os    string
	diffIDs     []string // nil: the true ones
	manifest    func(m map[string]any)
	index       func(m map[string]any)
	files       func(files map[string][]byte)
	layerType   string
	annotations map[string]string
}

func simple(layers ...[]byte) image { return image{layers: layers} }

func (i image) configJSON(tb testing.TB) []byte {
	tb.Helper()
	config := i.config
	if config == nil {
		config = map[string]any{"Cmd": []string{"/bin/app"}, "Env": []string{"PATH=/bin"}}
	}
	ids := i.diffIDs
	if ids == nil {
		ids = []string{}
		for _, l := range i.layers {
			ids = append(ids, digest(l))
		}
	}
	arch, os := i.arch, i.os
	if arch == "" {
		arch = "amd64"
	}
	if os == "" {
		os = "linux"
	}
	return toJSON(tb, map[string]any{"architecture": arch, "os": os, "config": config, "rootfs": map[string]any{"type": "layers", "diff_ids": ids}})
}

func toJSON(tb testing.TB, value any) []byte {
	tb.Helper()
	data, err := json.Marshal(value)
	require.NoError(tb, err)
	return data
}

func put(files map[string][]byte, data []byte) (d string) {
	d = digest(data)
	files["blobs/sha256/"+d[len("sha256:"):]] = data
	return d
}

// descriptor puts the image in files and returns what an index says of it.
func (i image) descriptor(tb testing.TB, files map[string][]byte) map[string]any {
	tb.Helper()
	compress, layerType := i.compress, i.layerType
	if compress == nil {
		compress = gzipped
	}
	if layerType == "" {
		layerType = "application/vnd.oci.image.layer.v1.tar+gzip"
	}
	config := i.configJSON(tb)
	layers := []any{}
	for _, l := range i.layers {
		stored := compress(tb, l)
		layers = append(layers, map[string]any{"mediaType": layerType, "digest": put(files, stored), "size": len(stored)})
	}
	m := map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": map[string]any{"mediaType": "application/vnd.oci.image.config.v1+json", "digest": put(files, config), "size": len(config)},
		"layers": layers,
	}
	if i.manifest != nil {
		i.manifest(m)
	}
	manifest := toJSON(tb, m)
	arch := i.arch
	if arch == "" {
		arch = "amd64"
	}
	return map[string]any{
		"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": put(files, manifest), "size": len(manifest),
		"platform":    map[string]any{"architecture": arch, "os": "linux"},
		"annotations": i.annotations,
	}
}

// layoutFiles returns the files of an OCI image layout.
func layoutFiles(tb testing.TB, images ...image) map[string][]byte {
	tb.Helper()
	files := map[string][]byte{"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)}
	manifests := []any{}
	for _, i := range images {
		manifests = append(manifests, i.descriptor(tb, files))
	}
	index := map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}
	for _, i := range images {
		if i.index != nil {
			i.index(index)
		}
	}
	files["index.json"] = toJSON(tb, index)
	for _, i := range images {
		if i.files != nil {
			i.files(files)
		}
	}
	return files
}

func archive(tb testing.TB, files map[string][]byte) []byte {
	tb.Helper()
	var items []item
	for name, data := range files {
		items = append(items, item{name: name, data: string(data)})
	}
	return tarOf(tb, items...)
}

func (i image) layout(tb testing.TB) []byte { tb.Helper(); return archive(tb, layoutFiles(tb, i)) }

// docker returns what docker save wrote up to version 24.
func docker(tb testing.TB, tags []string, images ...image) map[string][]byte {
	tb.Helper()
	files := map[string][]byte{}
	list := []any{}
	for n, i := range images {
		config := i.configJSON(tb)
		name := digest(config)[len("sha256:"):] + ".json"
		files[name] = config
		layers := []string{}
		for k, l := range i.layers {
			layer := fmt.Sprintf("%d-%d/layer.tar", n, k)
			files[layer] = l
			layers = append(layers, layer)
		}
		list = append(list, map[string]any{"Config": name, "RepoTags": []string{tags[n]}, "Layers": layers})
	}
	files["manifest.json"] = toJSON(tb, list)
	return files
}

// base is a layer that most images begin with.
func base() []item {
	return []item{{name: "bin/"}, {name: "bin/app", mode: 0o755, data: "program"}}
}
