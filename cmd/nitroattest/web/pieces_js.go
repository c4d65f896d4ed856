//go:build js && wasm && !noreport

package main

import (
	"errors"
	"io"
	"syscall/js"
)

// pieceSize is how much of a file is asked for at a time.
const pieceSize = 1 << 20

// pieces is an io.ReaderAt of a JavaScript function read(offset, length, done,
// failed), which calls done with a Uint8Array at some time. One piece is kept.
type pieces struct {
	read   js.Value
	offset int64
	piece  []byte
}

// ReadAt implements io.ReaderAt for one goroutine.
func (p *pieces) ReadAt(b []byte, offset int64) (int, error) {
	n := 0
	for n < len(b) {
		at := offset + int64(n) - p.offset
		if at < 0 || at >= int64(len(p.piece)) {
			if err := p.load(offset + int64(n)); err != nil {
				return n, err
			}
			continue
		}
		n += copy(b[n:], p.piece[at:])
	}
	return n, nil
}

func (p *pieces) load(offset int64) error {
	got := make(chan error, 1)
	done := js.FuncOf(func(_ js.Value, args []js.Value) any {
		length := args[0].Length()
		if length > pieceSize {
			got <- errors.New("more was read than was asked for")
			return nil
		}
		p.piece = append(p.piece[:0], make([]byte, length)...)
		js.CopyBytesToGo(p.piece, args[0])
		got <- nil
		return nil
	})
	defer done.Release()
	failed := js.FuncOf(func(_ js.Value, args []js.Value) any {
		got <- errors.New(args[0].String())
		return nil
	})
	defer failed.Release()
	p.read.Invoke(float64(offset), pieceSize, done, failed)
	if err := <-got; err != nil {
		p.piece = p.piece[:0]
		return err
	}
	if p.offset = offset; len(p.piece) == 0 {
		return io.EOF
	}
	return nil
}
