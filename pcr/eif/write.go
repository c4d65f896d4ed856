package eif

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Write writes the image file that s describes to w: version 4, with the
// sections in the order kernel, command line, metadata, ramdisks, signature,
// and no gaps. It streams, so the parts may be of any size; each is read two
// times, or three when the image is signed.
//
// The output is determined by s, byte for byte, and is what AWS's eif_build
// writes for the same parts. Nothing in it comes from the clock or the
// machine: what Metadata says of either is the caller's to choose. That holds
// for signed images too when the key is an *[ecdsa.PrivateKey], whose
// signatures are made deterministic (RFC 6979).
//
// An error is a *[SpecError] where the fault lies in s, else what w or the
// signing key returned. After an error, what w has got is not an image file.
func Write(w io.Writer, s Spec) error {
	pieces, err := s.pieces()
	if err != nil {
		return err
	}
	if s.Signing != nil {
		signature, err := s.Signing.sign(pieces)
		if err != nil {
			return err
		}
		pieces = append(pieces, signature)
	}
	h := s.header(pieces)
	sum := crc32.NewIEEE()
	sum.Write(h.marshal()[:crcOffset])
	again := crc32.NewIEEE()
	again.Write(h.marshal()[:crcOffset])
	if err := writeSections(sum, pieces); err != nil {
		return err
	}
	h.CRC = sum.Sum32()

	if _, err := w.Write(h.marshal()); err != nil {
		return fmt.Errorf("enclave image: %w", err)
	}
	if err := writeSections(io.MultiWriter(w, again), pieces); err != nil {
		return err
	}
	if again.Sum32() != h.CRC {
		return errors.New("enclave image: a part changed while it was written")
	}
	return nil
}

func (h *header) marshal() []byte {
	// Append fails only for types without a fixed size, which header is not.
	out, _ := binary.Append(make([]byte, 0, headerSize), binary.BigEndian, h)
	return out
}

func writeSections(w io.Writer, pieces []piece) error {
	for _, p := range pieces {
		head := make([]byte, 0, sectionHeaderSize)
		head = binary.BigEndian.AppendUint16(head, uint16(p.kind))
		head = binary.BigEndian.AppendUint16(head, 0)
		head = binary.BigEndian.AppendUint64(head, uint64(p.size))
		if _, err := w.Write(head); err != nil {
			return fmt.Errorf("enclave image: %w", err)
		}
		if err := p.copyTo(w); err != nil {
			return err
		}
	}
	return nil
}

// copyTo copies exactly the size that the content has said.
func (p *piece) copyTo(w io.Writer) error {
	n, err := io.Copy(w, io.NewSectionReader(p.content, 0, p.size))
	if err == nil && n != p.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("enclave image: %s: copied %d of %d bytes: %w", p.field, n, p.size, err)
	}
	return nil
}

// marshal returns the metadata as AWS's builder writes them: the fields in
// order, without spaces, and without the escapes that Go has for HTML.
func (m Metadata) marshal() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
