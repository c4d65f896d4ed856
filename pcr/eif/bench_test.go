package eif_test

import (
	"crypto/sha512"
	"io"
	"sync"
	"testing"

	"github.com/nitroattest/nitroattest/pcr/eif"
)

const benchmarkSize = 1 << 30

var benchmarkImage = sync.OnceValue(func() *sparse { return sparseImage(benchmarkSize) })

// BenchmarkMeasure measures an image of 1 GiB, nearly all of it the second
// ramdisk: every byte goes into PCR0, into PCR2 and into the checksum.
func BenchmarkMeasure(b *testing.B) {
	image := benchmarkImage()
	b.SetBytes(benchmarkSize)
	for b.Loop() {
		if _, err := eif.Measure(image, image.size); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSHA384Pass hashes the same bytes once, for comparison.
func BenchmarkSHA384Pass(b *testing.B) {
	image := benchmarkImage()
	b.SetBytes(benchmarkSize)
	for b.Loop() {
		if _, err := sha384Pass(image); err != nil {
			b.Fatal(err)
		}
	}
}

// sha384Pass reads an image once, as Measure does, and hashes it.
func sha384Pass(image *sparse) ([]byte, error) {
	h := sha512.New384()
	_, err := io.CopyBuffer(h, struct{ io.Reader }{io.NewSectionReader(image, 0, image.size)}, make([]byte, 256<<10))
	return h.Sum(nil), err
}
