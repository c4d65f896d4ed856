package rootfs

import (
	"bufio"
	"compress/gzip"
	"io"

	"github.com/nitroattest/nitroattest/pcr/rootfs/internal/zstd"
)

const readBuffer = 256 << 10

// newFill reads in large pieces, for what is below to hash them at once.
func newFill(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, readBuffer) }

// decompress returns what is in r, which may be compressed or not.
func decompress(r io.Reader) (plain io.Reader, compressed bool, err error) {
	in := newFill(r)
	head, err := in.Peek(6)
	if err != nil && err != io.EOF {
		return nil, false, err
	}
	switch compressionOf(head) {
	case compressionGzip:
		plain, err = gzip.NewReader(in)
		return plain, true, err
	case compressionZstd:
		return zstd.NewReader(in), true, nil
	case compressionOther:
		return nil, false, errCompression
	default:
		return in, false, nil
	}
}
