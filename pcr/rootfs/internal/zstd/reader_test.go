package zstd_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	klauspost "github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr/rootfs/internal/zstd"
)

// samples are of the kinds that take different ways through the format.
func samples() map[string][]byte {
	random := rand.NewChaCha8([32]byte{1})
	noise := make([]byte, 600<<10)
	random.Read(noise)
	var text strings.Builder
	words := rand.New(random)
	for text.Len() < 3<<20 {
		fmt.Fprintf(&text, "%d the %x of %d\n", words.IntN(1000), words.IntN(50), words.IntN(7))
	}
	skewed := make([]byte, 300<<10)
	for i := range skewed {
		skewed[i] = byte(min(words.ExpFloat64()*9, 200))
	}
	return map[string][]byte{
		"nothing": {},
		"a byte":  {7},
		"zeros":   make([]byte, 1<<20+17),
		"noise":   noise,
		"text":    []byte(text.String()),
		"skewed":  skewed,
		"short":   []byte("abcabcabcabcabcabcabcabcabcabcabcabcabd"),
		"mixed":   bytes.Join([][]byte{noise[:5000], []byte(text.String()[:200000]), make([]byte, 70000), noise[:5000], skewed}, nil),
	}
}

func TestReadsWhatTheLibraryWrites(t *testing.T) {
	t.Parallel()
	for name, data := range samples() {
		if testing.Short() { // the kinds, and not the sizes
			data = data[:min(len(data), 150<<10)]
		}
		for level := klauspost.SpeedFastest; level <= klauspost.SpeedBestCompression; level++ {
			for _, window := range []int{1 << 10, 64 << 10, 8 << 20} {
				t.Run(fmt.Sprintf("%s/%v/%d", name, level, window), func(t *testing.T) {
					t.Parallel()
					var packed bytes.Buffer
					w, err := klauspost.NewWriter(&packed, klauspost.WithEncoderLevel(level), klauspost.WithWindowSize(window), klauspost.WithEncoderConcurrency(1))
					require.NoError(t, err)
					_, err = w.Write(data)
					require.NoError(t, err)
					require.NoError(t, w.Close())
					// Two frames and a skippable one between them.
					whole := append(bytes.Clone(packed.Bytes()), 0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3)
					whole = append(whole, packed.Bytes()...)
					got, err := io.ReadAll(iotest.HalfReader(zstd.NewReader(bytes.NewReader(whole))))
					require.NoError(t, err)
					require.True(t, bytes.Equal(append(bytes.Clone(data), data...), got))
				})
			}
		}
	}
}

func TestTruncatedDataAreAnError(t *testing.T) {
	t.Parallel()
	w, err := klauspost.NewWriter(nil)
	require.NoError(t, err)
	packed := w.EncodeAll(samples()["mixed"][:40000], nil)
	for n := 1; n < len(packed); n += 97 {
		_, err := io.ReadAll(zstd.NewReader(bytes.NewReader(packed[:n])))
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF, n)
	}
	_, err = io.ReadAll(zstd.NewReader(strings.NewReader("PK\x03\x04....")))
	assert.ErrorIs(t, err, zstd.ErrCorrupt)
}

// Whatever the library reads to the end, the Reader reads alike, and what it
// reads beyond that only the checksum tells from it.
func FuzzReader(f *testing.F) {
	w, err := klauspost.NewWriter(nil, klauspost.WithEncoderCRC(false))
	require.NoError(f, err)
	for _, data := range samples() {
		f.Add(w.EncodeAll(data[:min(len(data), 2000)], nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 4 << 20
		got, err := io.ReadAll(io.LimitReader(zstd.NewReader(bytes.NewReader(data)), most))
		library, failed := klauspost.NewReader(bytes.NewReader(data), klauspost.WithDecoderConcurrency(1), klauspost.IgnoreChecksum(true), klauspost.WithDecoderMaxWindow(zstd.MaxWindow))
		require.NoError(t, failed)
		defer library.Close()
		want, failed := io.ReadAll(io.LimitReader(library, most))
		if err == nil && failed == nil {
			require.True(t, bytes.Equal(want, got))
		}
		if failed == nil && err != nil {
			t.Logf("refused where the library reads: %v", err)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	w, err := klauspost.NewWriter(nil)
	require.NoError(b, err)
	data := samples()["text"]
	packed := w.EncodeAll(data, nil)
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			_, err := io.Copy(io.Discard, zstd.NewReader(bytes.NewReader(packed)))
			require.NoError(b, err)
		}
	})
	b.Run("library", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			r, err := klauspost.NewReader(bytes.NewReader(packed), klauspost.WithDecoderConcurrency(1))
			require.NoError(b, err)
			_, err = io.Copy(io.Discard, r)
			require.NoError(b, err)
			r.Close()
		}
	})
}
