package rootfs_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/eif"
	"github.com/nitroattest/nitroattest/pcr/rootfs"
)

const vectors = "../../testdata/rootfs"

// vector is a case of index.json, see the README beside it.
type vector struct {
	Name         string
	Architecture string
	Docker       string `json:"docker_archive"`
	OCI          string `json:"oci_layout"`
	ConfigDigest string `json:"config_digest"`
	Expect       struct {
		Ramdisk          string `json:"customer_ramdisk"`
		PCR0, PCR1, PCR2 pcr.Value
		Error            json.RawMessage
		NotReproducible  map[string]json.RawMessage `json:"not_reproducible"`
	}
}

type vectorIndex struct {
	Common struct {
		CommandLine map[string]string `json:"cmdline"`
		SHA384      string
	}
	AWS map[string]struct { // by architecture
		Init   string `json:"init_sha384"`
		NSM    string `json:"nsm_ko_sha384"`
		SHA384 string
		Size   int64
	} `json:"bootstrap_with_aws_blobs"`
	Cases []vector
}

func readIndex(tb testing.TB) vectorIndex {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(vectors, "index.json"))
	require.NoError(tb, err)
	var index vectorIndex
	require.NoError(tb, json.Unmarshal(data, &index))
	require.Len(tb, index.Cases, 46)
	return index
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(vectors, name))
	require.NoError(tb, err)
	return data
}

func unpack(tb testing.TB, name string) []byte {
	tb.Helper()
	in, err := gzip.NewReader(bytes.NewReader(readFile(tb, name)))
	require.NoError(tb, err)
	data, err := io.ReadAll(in)
	require.NoError(tb, err)
	return data
}

func bootOf(tb testing.TB) rootfs.Boot {
	tb.Helper()
	return rootfs.Boot{Init: readFile(tb, "common/init"), NSM: readFile(tb, "common/nsm.ko")}
}

func open(tb testing.TB, data []byte, c rootfs.Config) (*rootfs.Set, error) {
	tb.Helper()
	c.TempDir = tb.TempDir()
	set, err := rootfs.Open(bytes.NewReader(data), int64(len(data)), c)
	if set != nil {
		tb.Cleanup(func() { assert.NoError(tb, set.Close()) })
	}
	return set, err
}

func readAll(tb testing.TB, r *rootfs.Ramdisk) []byte {
	tb.Helper()
	data, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	require.NoError(tb, err)
	var whole bytes.Buffer
	n, err := r.WriteTo(&whole)
	require.NoError(tb, err)
	require.Equal(tb, r.Size(), n)
	require.True(tb, bytes.Equal(data, whole.Bytes()))
	return data
}

// forms are the ways in which an image comes.
var forms = map[string]func(tb testing.TB, v *vector) []byte{
	"docker save":            func(tb testing.TB, v *vector) []byte { return unpack(tb, v.Docker) },
	"layout":                 func(tb testing.TB, v *vector) []byte { return unpack(tb, v.OCI) },
	"docker save compressed": func(tb testing.TB, v *vector) []byte { return readFile(tb, v.Docker) },
	"layout compressed":      func(tb testing.TB, v *vector) []byte { return readFile(tb, v.OCI) },
}

func TestRamdisksEqualThoseOfAWSBuilder(t *testing.T) {
	t.Parallel()
	index := readIndex(t)
	exact := 0
	for _, v := range index.Cases {
		if v.Expect.Ramdisk == "" {
			continue
		}
		exact++
		for form, read := range forms {
			t.Run(v.Name+"/"+form, func(t *testing.T) {
				t.Parallel()
				data := read(t, &v)
				set, err := rootfs.Ramdisks(bytes.NewReader(data), int64(len(data)), bootOf(t))
				require.NoError(t, err)
				defer func() { assert.NoError(t, set.Close()) }()
				require.Equal(t, hex.EncodeToString(unpack(t, v.Expect.Ramdisk)), hex.EncodeToString(readAll(t, set.Application)))
				assert.Equal(t, hex.EncodeToString(unpack(t, "common/bootstrap.img.gz")), hex.EncodeToString(readAll(t, set.Boot)))
				assert.Equal(t, v.ConfigDigest, set.ImageID)
				assert.Equal(t, map[string]eif.Architecture{"amd64": eif.X8664, "arm64": eif.AArch64}[v.Architecture], set.Architecture)

				bank, err := set.Measure(bytes.NewReader(readFile(t, "common/kernel")), index.Common.CommandLine[v.Architecture])
				require.NoError(t, err)
				assert.Equal(t, pcr.Bank{0: v.Expect.PCR0, 1: v.Expect.PCR1, 2: v.Expect.PCR2}, bank)
				application, err := set.MeasureApplication()
				require.NoError(t, err)
				assert.Equal(t, v.Expect.PCR2, application)
			})
		}
	}
	assert.Equal(t, 32, exact)
}

// Reasons of the cases without a ramdisk.
var refused = map[string]rootfs.Reason{
	"hardlink-cross":      rootfs.HardLinkTarget,
	"neither":             rootfs.NoCommand,
	"hz-noconfig":         rootfs.NoCommand,
	"hz-wh-same2":         rootfs.WhiteoutOfEntry,
	"hz-workdir-file":     rootfs.WorkingDirInvalid,
	"typed":               rootfs.UnsupportedType,
	"arch-other":          rootfs.UnsupportedArchitecture,
	"hz-mtimes-symlink":   rootfs.LinkTime,
	"cmd-empty":           rootfs.EmptyCommand,
	"dup-entries":         rootfs.DuplicatePath,
	"hz-uppernoparent":    rootfs.MissingParent,
	"hz-workdir":          rootfs.WorkingDirMissing,
	"hz-whupper":          rootfs.MissingParent,
	"hz-hardlink-symmeta": rootfs.LinkedLinkTime,
}

func TestImagesWithoutARamdiskAreRefused(t *testing.T) {
	t.Parallel()
	count := 0
	for _, v := range readIndex(t).Cases {
		if v.Expect.Ramdisk != "" {
			continue
		}
		count++
		for form, read := range forms {
			t.Run(v.Name+"/"+form, func(t *testing.T) {
				t.Parallel()
				set, err := open(t, read(t, &v), rootfs.Config{})
				assert.Nil(t, set)
				want, ok := refused[v.Name]
				require.True(t, ok)
				require.ErrorIs(t, err, want)
				assert.True(t, strings.HasPrefix(err.Error(), string(want)+": "), err.Error())
				assert.Equal(t, v.Expect.NotReproducible != nil, want.Irreproducible())
				var of *rootfs.Error
				require.ErrorAs(t, err, &of)
				assert.Equal(t, "vec/"+v.Name+":latest", strings.TrimPrefix(of.Image, "docker.io/"))
			})
		}
	}
	assert.Equal(t, len(refused), count)
}

// What one engine makes, where engines differ: Docker 29, with the graph driver
// where it takes the image.
func TestIrreproducibleImagesAreThoseOfDocker29(t *testing.T) {
	t.Parallel()
	const graph, store = "dockerd 29.7.2, overlay2 graph driver", "dockerd 29.7.2, containerd image store, overlayfs"
	engines := map[string]string{"hz-mtimes-symlink": graph, "cmd-empty": graph, "dup-entries": store, "hz-hardlink-symmeta": graph}
	clock := map[string]bool{"hz-uppernoparent": true, "hz-workdir": true, "hz-whupper": true}
	for _, v := range readIndex(t).Cases {
		engine, ok := engines[v.Name]
		if !ok && !clock[v.Name] {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			set, err := open(t, unpack(t, v.OCI), rootfs.Config{InsecureAllowIrreproducible: true})
			require.NoError(t, err)
			require.NotEmpty(t, set.Warnings)
			assert.Equal(t, refused[v.Name], set.Warnings[0].Reason)
			sum := sha512.Sum384(readAll(t, set.Application))
			if ok {
				var want string
				require.NoError(t, json.Unmarshal(v.Expect.NotReproducible[engine], &want))
				assert.Equal(t, want, hex.EncodeToString(sum[:]))
			}
		})
	}
}

// With AWS's own init and nsm.ko, which are not in this repository, the boot
// ramdisk is the one that AWS's builder makes of them.
func TestBootRamdiskOfAWSFiles(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("NITRO_CLI_BLOBS")
	if dir == "" {
		dir = "/usr/share/nitro_enclaves/blobs" // where nitro-cli installs them
	}
	var boot rootfs.Boot
	var err error
	if boot.Init, err = os.ReadFile(filepath.Join(dir, "init")); err != nil {
		t.Skipf("SKIPPED: no files of AWS's: %v; NITRO_CLI_BLOBS names their folder", err)
	}
	boot.NSM, err = os.ReadFile(filepath.Join(dir, "nsm.ko"))
	require.NoError(t, err)
	init, nsm := sha512.Sum384(boot.Init), sha512.Sum384(boot.NSM)
	for _, known := range readIndex(t).AWS {
		if known.Init != hex.EncodeToString(init[:]) || known.NSM != hex.EncodeToString(nsm[:]) {
			continue
		}
		set, err := open(t, simple(tarOf(t, base()...)).layout(t), rootfs.Config{Boot: boot})
		require.NoError(t, err)
		sum := sha512.Sum384(readAll(t, set.Boot))
		assert.Equal(t, known.SHA384, hex.EncodeToString(sum[:]))
		assert.EqualValues(t, known.Size, set.Boot.Size())
		return
	}
	t.Skipf("SKIPPED: %s has files of another version of nitro-cli than 1.5.0", dir)
}
