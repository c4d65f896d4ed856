// Package stream is how the parties of the examples talk: messages over a stream
// socket, which is vsock between a parent instance and its enclave, and a parent
// that passes the messages on, honestly or not.
package stream

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// MaxMessage is the size of the largest message in bytes. A Nitro Security
// Module answers with at most 12 KiB.
const MaxMessage = 64 << 10

// Send writes a message: its length in four bytes, big-endian, and the message.
func Send(w io.Writer, message []byte) error {
	if len(message) > MaxMessage {
		return fmt.Errorf("stream: found a message of %d bytes, expected at most %d", len(message), MaxMessage)
	}
	framed := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(message)), uint32(len(message)))
	_, err := w.Write(append(framed, message...))
	return err
}

// Receive reads a message. It allocates for what arrives, not for the length
// that is claimed.
func Receive(r io.Reader) ([]byte, error) {
	var header [4]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(header[:])
	if size > MaxMessage {
		return nil, fmt.Errorf("stream: found a message of %d bytes, expected at most %d", size, MaxMessage)
	}
	var message bytes.Buffer
	if _, err := io.CopyN(&message, r, int64(size)); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return message.Bytes(), nil
}
