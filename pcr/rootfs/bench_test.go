//go:build unix

package rootfs_test

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	klauspost "github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr/rootfs"
	"github.com/nitroattest/nitroattest/pcr/rootfs/internal/zstd"
)

// The environment of BenchmarkMeasure, which .ci/bench sets for the image of the
// project's target, 1 GiB of 50,000 files.
const (
	benchMiB     = "ROOTFS_BENCH_MIB"
	benchFiles   = "ROOTFS_BENCH_FILES"
	benchCommand = "ROOTFS_BENCH_COMMAND" // the command nitroattest: measured, too
	benchRole    = "ROOTFS_BENCH_ROLE"    // makes this program one of the roles
)

// roles are what a process of its own does with the stored layer of an image, or
// the image. Its processor time and memory are the kernel's figures.
var roles = map[string]func(unpack unpacker, layer, image string) error{
	// The project's reference: unpack and hash once with SHA-384.
	"floor": func(unpack unpacker, layer, _ string) error { return pass(unpack, layer, false) },
	// The same, and the two digests that OCI gives a layer.
	"demanded": func(unpack unpacker, layer, _ string) error { return pass(unpack, layer, true) },
	"measure": func(_ unpacker, _, image string) error {
		set, err := rootfs.OpenDir(os.DirFS(image), rootfs.Config{})
		if err != nil {
			return err
		}
		defer set.Close()
		_, err = set.MeasureApplication()
		return err
	},
}

type unpacker func(io.Reader) (io.Reader, error)

var benchForms = []struct {
	name     string
	compress func(io.Writer) (io.WriteCloser, error)
	unpack   unpacker
}{
	{"gzip", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
		func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	{"zstd", func(w io.Writer) (io.WriteCloser, error) { return klauspost.NewWriter(w) },
		func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r), nil }},
	{"none", func(w io.Writer) (io.WriteCloser, error) { return unclosed{w}, nil },
		func(r io.Reader) (io.Reader, error) { return r, nil }},
}

type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

// pass reads a stored layer in the pieces in which this package reads it.
func pass(unpack unpacker, layer string, digests bool) error {
	file, err := os.Open(layer)
	if err != nil {
		return err
	}
	defer file.Close()
	var in io.Reader = file
	var out io.Writer = sha512.New384()
	if digests {
		in, out = io.TeeReader(in, sha256.New()), io.MultiWriter(sha256.New(), out)
	}
	unpacked, err := unpack(bufio.NewReaderSize(in, 256<<10))
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{unpacked}, make([]byte, 256<<10))
	return err
}

func TestMain(m *testing.M) {
	role := os.Getenv(benchRole)
	if role == "" {
		os.Exit(m.Run())
	}
	for _, form := range benchForms {
		if form.name == os.Args[1] {
			if err := roles[role](form.unpack, os.Args[2], os.Args[3]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	}
}

// BenchmarkMeasure is what PCR2 of an image costs in multiples of unpacking its
// layer and hashing that once with SHA-384, and of what no program can leave out
// that checks the layer: SHA-256 of it as it is stored and unpacked. All by
// processor time, in processes that take turns; the medians of the rounds.
func BenchmarkMeasure(b *testing.B) {
	number := func(name string, otherwise int) int {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.Atoi(text)
			require.NoError(b, err)
			return n
		}
		return otherwise
	}
	size, files := number(benchMiB, 64)<<20, number(benchFiles, 3000)
	dir := b.TempDir()
	layer := filepath.Join(dir, "layer.tar")
	writeLayer(b, layer, size, files)
	for _, form := range benchForms {
		b.Run(form.name, func(b *testing.B) {
			image := filepath.Join(b.TempDir(), "image")
			stored := writeImage(b, image, layer, form.compress)
			self, err := os.Executable()
			require.NoError(b, err)
			role := func(name string) *exec.Cmd {
				cmd := exec.Command(self, form.name, stored, image)
				cmd.Env = append(os.Environ(), benchRole+"="+name)
				return cmd
			}
			var ofFloor, ofDemanded, command []float64
			var seconds, resident, commandResident float64
			for b.Loop() {
				floor, _ := cost(b, role("floor"))
				demanded, _ := cost(b, role("demanded"))
				ours, most := cost(b, role("measure"))
				ofFloor, ofDemanded = append(ofFloor, ours/floor), append(ofDemanded, ours/demanded)
				seconds, resident = seconds+ours, max(resident, most)
				if name := os.Getenv(benchCommand); name != "" {
					whole, most := cost(b, exec.Command(name, "measure", "--oci", image))
					command, commandResident = append(command, whole/floor), max(commandResident, most)
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(ofFloor), "cpu/floor")
			b.ReportMetric(median(ofDemanded), "cpu/demanded")
			b.ReportMetric(seconds/float64(b.N), "cpu-s")
			b.ReportMetric(resident, "MiB-resident")
			if command != nil {
				b.ReportMetric(median(command), "command-cpu/floor")
				b.ReportMetric(commandResident, "command-MiB-resident")
			}
		})
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// cost runs a process and returns its processor time in seconds and the most
// memory that was resident, in MiB.
func cost(b *testing.B, cmd *exec.Cmd) (seconds, resident float64) {
	out, err := cmd.CombinedOutput()
	require.NoError(b, err, string(out))
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), float64(usage.Maxrss) / 1024
}

// writeLayer writes an archive of files like those of programs: text, code, and
// what does not compress, most of them small. They come in the order in which
// tar programs list directories.
func writeLayer(b *testing.B, name string, size, files int) {
	file, err := os.Create(name)
	require.NoError(b, err)
	defer file.Close()
	source := rand.NewChaCha8([32]byte{2})
	random := rand.New(source)
	words := make([]string, 20000)
	for i := range words {
		words[i] = strconv.FormatUint(random.Uint64N(1<<uint(8+random.IntN(40))), 36)
	}
	pick := func() string { return words[min(len(words)-1, int(random.ExpFloat64()*random.ExpFloat64()*900))] }
	content := func(data []byte) {
		kind := random.IntN(10)
		for at := 0; at < len(data); {
			switch {
			case kind < 5: // text
				at += copy(data[at:], pick())
				at += copy(data[at:], " ")
			case kind < 8: // code: pieces that come again, and numbers
				at += copy(data[at:], pick())
				number := data[at:min(at+2, len(data))]
				_, _ = source.Read(number)
				at += len(number)
				at += copy(data[at:], "\x00\x00\x48\x8b")
			default:
				_, _ = source.Read(data[at:])
				at = len(data)
			}
		}
	}
	w := tar.NewWriter(file)
	const perDirectory = 100
	for i := range files {
		if i%perDirectory == 0 {
			require.NoError(b, w.WriteHeader(&tar.Header{Name: fmt.Sprintf("d%05d/", i/perDirectory), Mode: 0o755, ModTime: time.Unix(usualTime, 0), Typeflag: tar.TypeDir}))
		}
		data := make([]byte, int(random.ExpFloat64()*float64(size)/float64(files)))
		content(data)
		require.NoError(b, w.WriteHeader(&tar.Header{Name: fmt.Sprintf("d%05d/f%03d", i/perDirectory, i%perDirectory), Mode: 0o755, Size: int64(len(data)), ModTime: time.Unix(usualTime, 0), Typeflag: tar.TypeReg}))
		_, err := w.Write(data)
		require.NoError(b, err)
	}
	require.NoError(b, w.Close())
}

// writeImage writes an OCI image layout with one layer and returns the file of
// the layer.
func writeImage(b *testing.B, dir, layer string, compress func(io.Writer) (io.WriteCloser, error)) (stored string) {
	blobs := filepath.Join(dir, "blobs", "sha256")
	require.NoError(b, os.MkdirAll(blobs, 0o755))
	in, err := os.Open(layer)
	require.NoError(b, err)
	defer in.Close()
	out, err := os.Create(filepath.Join(blobs, "layer"))
	require.NoError(b, err)
	defer out.Close()
	plain, packed := sha256.New(), sha256.New()
	w, err := compress(io.MultiWriter(out, packed))
	require.NoError(b, err)
	_, err = io.Copy(io.MultiWriter(w, plain), in)
	require.NoError(b, err)
	require.NoError(b, w.Close())
	info, err := out.Stat()
	require.NoError(b, err)
	name := func(h hash.Hash) string { return fmt.Sprintf("sha256:%x", h.Sum(nil)) }
	stored = filepath.Join(blobs, name(packed)[len("sha256:"):])
	require.NoError(b, os.Rename(out.Name(), stored))

	i := simple()
	i.diffIDs = []string{name(plain)}
	i.manifest = func(m map[string]any) {
		m["layers"] = []any{map[string]any{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": name(packed), "size": info.Size()}}
	}
	for file, data := range layoutFiles(b, i) {
		require.NoError(b, os.WriteFile(filepath.Join(dir, file), data, 0o644))
	}
	return stored
}
