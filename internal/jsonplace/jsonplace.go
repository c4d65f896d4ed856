// Package jsonplace says where JSON breaks, in words that stay the same
// whichever version of Go reads it. Those of encoding/json do not.
package jsonplace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Explain returns what is wrong with text, of which package json or a decoder
// of it said err. Errors that are not about the form of JSON come back as they
// are.
func Explain(text []byte, err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return endsEarly(text)
	case errors.As(err, &syntax):
		// The offset is that of the byte after the offending one.
		at := min(max(int(syntax.Offset)-1, 0), len(text))
		if int(syntax.Offset) >= len(text) && isBeginning(text) {
			return endsEarly(text)
		}
		line, column := Position(text, at)
		return fmt.Errorf("found JSON that breaks at line %d, column %d", line, column)
	}
	return err
}

func endsEarly(text []byte) error {
	line, column := Position(text, len(bytes.TrimRight(text, " \t\r\n")))
	return fmt.Errorf("found JSON that ends too early, at line %d, column %d", line, column)
}

// isBeginning reports whether more text could make JSON of what is there: a
// decoder that is given a little more then complains about that, and not before.
func isBeginning(text []byte) bool {
	err := json.Unmarshal(append(bytes.Clone(text), 0), new(any))
	var syntax *json.SyntaxError
	return errors.As(err, &syntax) && int(syntax.Offset) > len(text)
}

// Position returns the line and the column of a byte, both from 1. Columns count
// characters.
func Position(text []byte, offset int) (line, column int) {
	before := text[:min(max(offset, 0), len(text))]
	line = 1 + bytes.Count(before, []byte("\n"))
	return line, 1 + len(bytes.Runes(before[bytes.LastIndexByte(before, '\n')+1:]))
}
