package eif_test

import (
	"bytes"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/eif"
)

// sparse is an image file of any size that needs no memory: zeros, but for
// what lies at some offsets.
type sparse struct {
	size    int64
	patches map[int64][]byte
}

func (s *sparse) ReadAt(p []byte, offset int64) (int, error) {
	n := int(max(0, min(int64(len(p)), s.size-offset)))
	clear(p[:n])
	for at, data := range s.patches {
		if at < offset+int64(n) && at+int64(len(data)) > offset {
			if at >= offset {
				copy(p[at-offset:n], data)
			} else {
				copy(p[:n], data[offset-at:])
			}
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// sparseImage is an image of this size with a kernel of 8 bytes and two
// ramdisks of zeros, of which the second has nearly all of it.
func sparseImage(size int64) *sparse {
	const boot = 1 << 20
	small := assemble(3, kernel, cmdline, part{kind: 3}, part{kind: 3})
	header := small[:headerSize]
	first, second := int64(len(small)-2*sectionHeaderSize), int64(len(small)-sectionHeaderSize+boot)
	for i, s := range []struct{ offset, size int64 }{{first, boot}, {second, size - second - sectionHeaderSize}} {
		binary.BigEndian.PutUint64(header[offsetsAt+8*(2+i):], uint64(s.offset))
		binary.BigEndian.PutUint64(header[sizesAt+8*(2+i):], uint64(s.size))
	}
	ramdisk := func(size int64) []byte {
		return binary.BigEndian.AppendUint64([]byte{0, 3, 0, 0}, uint64(size))
	}
	image := &sparse{size: size, patches: map[int64][]byte{
		0:          header,
		headerSize: small[headerSize:first],
		first:      ramdisk(boot),
		second:     ramdisk(size - second - sectionHeaderSize),
	}}
	crc := crc32.NewIEEE()
	crc.Write(header[:crcOffset])
	if _, err := io.Copy(crc, io.NewSectionReader(image, headerSize, size-headerSize)); err != nil {
		panic(err)
	}
	binary.BigEndian.PutUint32(header[crcOffset:], crc.Sum32())
	return image
}

// expected computes the registers of a sparse image by another way.
func (s *sparse) expected() pcr.Bank {
	section := func(i int64) *io.SectionReader {
		header := s.patches[0]
		offset := binary.BigEndian.Uint64(header[offsetsAt+8*i:])
		return io.NewSectionReader(s, int64(offset)+sectionHeaderSize, int64(binary.BigEndian.Uint64(header[sizesAt+8*i:])))
	}
	bank := pcr.Bank{}
	for register, sections := range map[int][]int64{0: {0, 1, 2, 3}, 1: {0, 1, 2}, 2: {3}} {
		h := sha512.New384()
		for _, i := range sections {
			if _, err := io.Copy(h, section(i)); err != nil {
				panic(err)
			}
		}
		bank[register] = pcr.Value{}.Extend(h.Sum(nil))
	}
	return bank
}

// allocated returns how many bytes f takes from the heap in all, freed ones
// too.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

const memoryLimit = 4 << 20

func TestLargeImagesTakeConstantMemory(t *testing.T) {
	sizes := []int64{2 << 20, 2<<20 + 1, 64<<20 - 1}
	if os.Getenv("EIF_TEST_10GIB") != "" {
		sizes = append(sizes, 10<<30)
	}
	for _, size := range sizes {
		large := sparseImage(size)
		var image *eif.Image
		var err error
		bytes := allocated(func() { image, err = eif.Measure(large, size) })
		require.NoError(t, err)
		assert.Equal(t, large.expected(), image.Measurements)
		assert.Empty(t, image.Warnings)
		assert.Less(t, bytes, uint64(memoryLimit))
	}
}

// A size that is only claimed costs nothing.
func TestHostileSizesTakeNoMemory(t *testing.T) {
	for name, data := range map[string][]byte{
		"ramdisk of 2^62":  patched(t, unsigned, put64(1<<62, sizesAt+32, 8913)),
		"cmdline of 2^62":  patched(t, unsigned, put64(1<<62, sizesAt+8, 5564)),
		"metadata of 2^62": patched(t, unsigned, put64(1<<62, sizesAt+16, 5660)),
	} {
		t.Run(name, func(t *testing.T) {
			bytes := allocated(func() { requireReason(t, eif.SectionOverrun, data) })
			assert.Less(t, bytes, uint64(1<<20))
		})
	}
	t.Run("signature of 2^62 with 2^62 bytes to read", func(t *testing.T) {
		const size = 1 << 62
		header := testdata(t, "aws_signed_es384.eif")[:14648]
		binary.BigEndian.PutUint64(header[13017+4:], size-13017-sectionHeaderSize)
		image := &sparse{size: size, patches: map[int64][]byte{0: header}}
		bytes := allocated(func() {
			_, err := eif.Measure(image, size)
			require.ErrorIs(t, err, eif.SectionTooLarge)
		})
		assert.Less(t, bytes, uint64(1<<20))
	})
}

// broken fails after some bytes, in one of several ways.
type broken struct {
	data []byte
	good int64
	err  error
}

func (b *broken) ReadAt(p []byte, offset int64) (int, error) {
	if offset+int64(len(p)) <= b.good {
		return copy(p, b.data[offset:]), io.EOF // which is nothing, with a full buffer
	}
	return copy(p, b.data[min(offset, b.good):b.good]), b.err
}

func TestReadErrors(t *testing.T) {
	signed := testdata(t, "aws_signed_es384.eif")
	gap := testdata(t, "gap_64_zero_bytes.eif")
	disk := errors.New("the disk is gone")
	for name, c := range map[string]struct {
		data []byte
		good int64
		err  error
		want error
	}{
		"in the header":         {signed, 500, disk, disk},
		"in a section header":   {signed, 5565, disk, disk},
		"in the data":           {signed, 13017 + 12, disk, disk},
		"end in the header":     {signed, 500, io.EOF, io.ErrUnexpectedEOF},
		"end in the data":       {signed, 14647, io.EOF, io.ErrUnexpectedEOF},
		"short without a word":  {signed, 14647, nil, io.ErrUnexpectedEOF},
		"in a gap":              {gap, 548, disk, disk},
		"in the hidden section": {testdata(t, "trailing_ramdisk_hidden.eif"), 13029, disk, disk},
	} {
		t.Run(name, func(t *testing.T) {
			image, err := eif.Measure(&broken{c.data, c.good, c.err}, int64(len(c.data)))
			assert.Nil(t, image)
			assert.ErrorIs(t, err, eif.Unreadable)
			assert.ErrorIs(t, err, c.want)
		})
	}
	whole, err := eif.Measure(&broken{signed, int64(len(signed)), nil}, int64(len(signed)))
	require.NoError(t, err)
	assert.NotNil(t, whole)
}

// counting fails at the nth read.
type counting struct {
	io.ReaderAt
	reads, fail int
}

func (c *counting) ReadAt(p []byte, offset int64) (int, error) {
	c.reads++
	if c.reads == c.fail {
		return 0, errors.New("no more")
	}
	return c.ReaderAt.ReadAt(p, offset)
}

// Whichever read fails, Measure returns its error and leaves no goroutine
// behind, for which synctest looks.
func TestEveryReadCanFail(t *testing.T) {
	for _, name := range []string{"aws_signed_es384.eif", "gap_64_zero_bytes.eif", "trailing_ramdisk_hidden.eif"} {
		data := testdata(t, name)
		whole := &counting{ReaderAt: bytes.NewReader(data)}
		eif.Measure(whole, int64(len(data)))
		require.Greater(t, whole.reads, 5)
		for fail := 1; fail <= whole.reads; fail++ {
			synctest.Test(t, func(t *testing.T) {
				image, err := eif.Measure(&counting{ReaderAt: bytes.NewReader(data), fail: fail}, int64(len(data)))
				assert.Nil(t, image)
				assert.ErrorIs(t, err, eif.Unreadable, "%s, read %d", name, fail)
			})
		}
	}
}

// The file is read front to back, once, after reads of section headers: what a
// display of progress can count on.
func TestReadsGoFrontToBack(t *testing.T) {
	large := sparseImage(8 << 20)
	log := &reads{ReaderAt: large}
	_, err := eif.Measure(log, large.size)
	require.NoError(t, err)
	assert.EqualValues(t, large.size, log.streamed.Load())
	assert.Less(t, log.before.Load(), int64(2048))
}

type reads struct {
	io.ReaderAt
	before, streamed atomic.Int64
}

func (r *reads) ReadAt(p []byte, offset int64) (int, error) {
	switch {
	case len(p) <= headerSize && offset+int64(len(p)) < r.Size():
		r.before.Add(int64(len(p)))
	case offset == r.streamed.Load():
		r.streamed.Add(int64(len(p)))
	}
	return r.ReaderAt.ReadAt(p, offset)
}

func (r *reads) Size() int64 { return r.ReaderAt.(*sparse).size }
