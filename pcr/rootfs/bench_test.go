package rootfs_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr/rootfs"
	"github.com/nitroattest/nitroattest/pcr/rootfs/internal/zstd"
)

// Size of the image of BenchmarkMeasure, by the environment:
// ROOTFS_BENCH_MIB=1024 ROOTFS_BENCH_FILES=50000 is that of the project's
// target.
func benchSize(b *testing.B) (size, files int) {
	number := func(name string, otherwise int) int {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.Atoi(text)
			require.NoError(b, err)
			return n
		}
		return otherwise
	}
	return number("ROOTFS_BENCH_MIB", 64) << 20, number("ROOTFS_BENCH_FILES", 3000)
}

// bigLayer is an archive of files like those of programs: text, code that does
// not compress well, and zeros. They come in the order in which tar programs
// list directories.
func bigLayer(b *testing.B, size, files int) []byte {
	b.Helper()
	random := rand.New(rand.NewChaCha8([32]byte{2}))
	words := make([]string, 4000)
	for i := range words {
		words[i] = strconv.FormatUint(random.Uint64N(1<<uint(8+random.IntN(40))), 36)
	}
	pool := make([]byte, 0, 16<<20)
	for len(pool) < cap(pool)-4096 {
		switch random.IntN(4) {
		case 0:
			for range 300 {
				pool = strconv.AppendUint(pool, random.Uint64(), 36)
			}
			continue
		case 1:
			pool = append(pool, make([]byte, 200)...)
		}
		for range 500 {
			pool = append(pool, words[int(random.ExpFloat64()*300)%len(words)]...)
			pool = append(pool, ' ')
			if len(pool) > cap(pool)-64 {
				break
			}
		}
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	add := func(name string, data []byte) {
		h := &tar.Header{Name: name, Mode: 0o755, Size: int64(len(data)), ModTime: time.Unix(usualTime, 0), Typeflag: tar.TypeReg}
		if data == nil {
			h.Typeflag = tar.TypeDir
		}
		require.NoError(b, w.WriteHeader(h))
		_, err := w.Write(data)
		require.NoError(b, err)
	}
	add("usr/", nil)
	const perDirectory = 100
	for i := range files {
		if i%perDirectory == 0 {
			add(fmt.Sprintf("usr/d%05d/", i/perDirectory), nil)
		}
		n := size / files
		at := random.IntN(len(pool) - n%len(pool))
		add(fmt.Sprintf("usr/d%05d/f%03d", i/perDirectory, i%perDirectory), pool[at:min(at+n, len(pool))])
	}
	require.NoError(b, w.Close())
	return out.Bytes()
}

// processorTime is that of the whole program so far.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// What PCR2 of an image costs, in multiples of unpacking its layer and hashing
// that once with SHA-384: the processor time of both, in the same run.
func BenchmarkMeasure(b *testing.B) {
	size, files := benchSize(b)
	layer := bigLayer(b, size, files)
	for _, c := range []struct {
		name     string
		compress func(testing.TB, []byte) []byte
		unpack   func(io.Reader) (io.Reader, error)
	}{
		{"gzip", gzipped, func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
		{"zstd", zstandard, func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r), nil }},
		{"none", plain, func(r io.Reader) (io.Reader, error) { return r, nil }},
	} {
		b.Run(c.name, func(b *testing.B) {
			i := simple(layer)
			i.compress = c.compress
			image := i.layout(b)
			stored := c.compress(b, layer)
			b.SetBytes(int64(len(layer)))
			var ours, floor time.Duration
			for b.Loop() {
				start := processorTime(b)
				set, err := rootfs.Open(bytes.NewReader(image), int64(len(image)), rootfs.Config{TempDir: b.TempDir()})
				require.NoError(b, err)
				_, err = set.MeasureApplication()
				require.NoError(b, err)
				require.NoError(b, set.Close())
				middle := processorTime(b)
				r, err := c.unpack(bytes.NewReader(stored))
				require.NoError(b, err)
				_, err = io.CopyBuffer(sha512.New384(), struct{ io.Reader }{r}, make([]byte, 256<<10))
				require.NoError(b, err)
				ours += middle - start
				floor += processorTime(b) - middle
			}
			b.ReportMetric(float64(ours)/float64(floor), "times-the-floor")
			b.ReportMetric(ours.Seconds()/float64(b.N), "cpu-s/op")
			b.ReportMetric(float64(len(layer))/float64(len(stored)), "compressed-by")
		})
	}
}
