package eif

import (
	"io"
	"sync"
	"sync/atomic"
)

// Measure holds at most this many blocks of this size of the file.
const (
	blockSize = 256 << 10
	maxBlocks = 8
)

// sink is shown the file front to back, block by block. It must not keep or
// change data.
type sink func(offset int64, data []byte)

// block is one piece of the file on its way through the sinks.
type block struct {
	buf     []byte
	offset  int64
	data    []byte       // the part of buf that is filled
	pending atomic.Int32 // sinks that have yet to see it
}

// stream reads size bytes of r once and shows them to every sink, each in a
// goroutine of its own. It returns when all sinks have seen everything, or
// after the first read that fails.
func stream(r io.ReaderAt, size int64, sinks ...sink) error {
	length := min(blockSize, size)
	free := make(chan *block, maxBlocks)
	for i := int64(0); i < maxBlocks && i*length < size; i++ {
		free <- &block{buf: make([]byte, length)}
	}
	queues := make([]chan *block, len(sinks))
	var running sync.WaitGroup
	for i, show := range sinks {
		queue := make(chan *block, maxBlocks)
		queues[i] = queue
		running.Go(func() {
			for b := range queue {
				show(b.offset, b.data)
				if b.pending.Add(-1) == 0 {
					free <- b
				}
			}
		})
	}
	defer running.Wait()
	defer func() {
		for _, queue := range queues {
			close(queue)
		}
	}()
	for offset := int64(0); offset < size; offset += length {
		b := <-free
		b.offset, b.data = offset, b.buf[:min(length, size-offset)]
		if err := readFull(r, b.data, offset); err != nil {
			return err
		}
		b.pending.Store(int32(len(sinks)))
		for _, queue := range queues {
			queue <- b
		}
	}
	return nil
}
