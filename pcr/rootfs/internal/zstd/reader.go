package zstd

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxWindow is how far back in their output compressed data may refer: what
// the zstd command takes without further flags.
const MaxWindow = 128 << 20

// ErrCorrupt is in the chain of errors about data that are not Zstandard.
var ErrCorrupt = errors.New("corrupt Zstandard data")

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

const (
	frameMagic     = 0xFD2FB528
	skippableMagic = 0x184D2A50 // the last hex digit is free
	maxBlock       = 128 << 10
)

// Reader decompresses the frames of a stream, one after another.
type Reader struct {
	in  *bufio.Reader
	err error

	history []byte // output, of which the last bytes, from unread on, were not read yet
	unread  int

	inFrame  bool
	last     bool // the block before was the last of the frame
	checksum bool
	window   int
	size     int64 // of the frame's content; -1: not stated
	produced int64

	block    []byte // as it is stored
	literals []byte
	huffman  huffmanTable
	tables   [3]sequenceTable
	offsets  [3]int // the last three, the newest first
}

// NewReader returns a Reader of the frames in r.
func NewReader(r io.Reader) *Reader {
	in, ok := r.(*bufio.Reader)
	if !ok {
		in = bufio.NewReader(r)
	}
	return &Reader{in: in}
}

// Read implements [io.Reader].
func (r *Reader) Read(p []byte) (int, error) {
	for r.unread == len(r.history) {
		if r.err != nil {
			return 0, r.err
		}
		if len(p) == 0 {
			return 0, nil
		}
		r.err = r.next()
	}
	n := copy(p, r.history[r.unread:])
	r.unread += n
	return n, nil
}

// next decodes a block, or begins or ends a frame. io.EOF is returned between
// frames only.
func (r *Reader) next() error {
	switch {
	case !r.inFrame:
		return r.beginFrame()
	case r.last:
		return r.endFrame()
	default:
		return r.nextBlock()
	}
}

func (r *Reader) take(n int) ([]byte, error) {
	if cap(r.block) < n {
		r.block = make([]byte, max(n, 1<<10))
	}
	data := r.block[:n]
	if _, err := io.ReadFull(r.in, data); err != nil {
		return nil, truncated(err)
	}
	return data, nil
}

// truncated makes an error of an end where there should be none.
func truncated(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// beginFrame reads a frame header (RFC 8878, section 3.1.1.1), or passes over a
// skippable frame.
func (r *Reader) beginFrame() error {
	if _, err := r.in.Peek(1); err != nil {
		return err // io.EOF: the stream ends well
	}
	start, err := r.take(4)
	if err != nil {
		return err
	}
	magic := binary.LittleEndian.Uint32(start)
	if magic&^0xf == skippableMagic {
		size, err := r.take(4)
		if err != nil {
			return err
		}
		_, err = io.CopyN(io.Discard, r.in, int64(binary.LittleEndian.Uint32(size)))
		return truncated(err)
	}
	if magic != frameMagic {
		return corrupt("found %#08x where a frame begins", magic)
	}
	head, err := r.take(1)
	if err != nil {
		return err
	}
	descriptor := head[0]
	if descriptor&0x08 != 0 {
		return corrupt("found a reserved bit in a frame header")
	}
	single := descriptor&0x20 != 0
	r.checksum = descriptor&0x04 != 0
	if err := r.readSizes(single, int(descriptor&3), int(descriptor>>6)); err != nil {
		return err
	}
	r.inFrame, r.last, r.produced = true, false, 0
	r.history, r.unread = r.history[:0], 0
	r.huffman.bits = 0
	r.tables = [3]sequenceTable{}
	r.offsets = [3]int{1, 4, 8}
	return nil
}

func (r *Reader) readSizes(single bool, dictionary, size int) error {
	window := uint64(0)
	if !single {
		b, err := r.take(1)
		if err != nil {
			return err
		}
		base := uint64(1) << (10 + b[0]>>3)
		window = base + base/8*uint64(b[0]&7)
	}
	if n := [4]int{0, 1, 2, 4}[dictionary]; n > 0 {
		id, err := r.take(n)
		if err != nil {
			return err
		}
		for _, b := range id {
			if b != 0 {
				return corrupt("found a dictionary, which is not supported")
			}
		}
	}
	r.size = -1
	n := [4]int{0, 2, 4, 8}[size]
	if n == 0 && single {
		n = 1
	}
	if n > 0 {
		b, err := r.take(n)
		if err != nil {
			return err
		}
		content := littleEndian(b)
		if n == 2 {
			content += 256
		}
		if content > 1<<62 {
			return corrupt("found a content size of %d", content)
		}
		r.size = int64(content)
		if single {
			window = content
		}
	}
	if window > MaxWindow {
		return corrupt("found a window of %d bytes, expected at most %d", window, MaxWindow)
	}
	r.window = int(window)
	return nil
}

func littleEndian(b []byte) (n uint64) {
	for i, c := range b {
		n |= uint64(c) << (8 * i)
	}
	return n
}

func (r *Reader) endFrame() error {
	if r.size >= 0 && r.produced != r.size {
		return corrupt("found %d bytes in a frame, expected %d", r.produced, r.size)
	}
	r.inFrame = false
	if r.checksum {
		_, err := r.take(4)
		return err
	}
	return nil
}

// nextBlock decodes one block (section 3.1.1.2).
func (r *Reader) nextBlock() error {
	b, err := r.take(3)
	if err != nil {
		return err
	}
	head := int(littleEndian(b))
	kind, size := head>>1&3, head>>3
	most := min(maxBlock, r.window)
	if size > most {
		return corrupt("found a block of %d bytes, expected at most %d", size, most)
	}
	r.last = head&1 != 0
	r.slide()
	before := len(r.history)
	switch kind {
	case 0: // raw
		data, err := r.take(size)
		if err != nil {
			return err
		}
		r.history = append(r.history, data...)
	case 1: // one byte, repeated
		data, err := r.take(1)
		if err != nil {
			return err
		}
		for range size {
			r.history = append(r.history, data[0])
		}
	case 2:
		data, err := r.take(size)
		if err != nil {
			return err
		}
		if err := r.compressed(data, before+most); err != nil {
			r.history = r.history[:before]
			return err
		}
	default:
		return corrupt("found a block of a reserved type")
	}
	r.produced += int64(len(r.history) - before)
	if r.size >= 0 && r.produced > r.size {
		r.history = r.history[:before]
		return corrupt("found more than the %d bytes that the frame states", r.size)
	}
	return nil
}

const slack = 1 << 20 // least room for output beside the window

// slide makes room for a block and keeps the window before it. All of the
// history has been read.
func (r *Reader) slide() {
	if len(r.history) > r.window+max(slack, r.window) {
		kept := copy(r.history, r.history[len(r.history)-r.window:])
		r.history = r.history[:kept]
	}
	r.unread = len(r.history)
}
