// Package savedtext reads text the way tools of several systems save it: with a
// byte order mark, in UTF-16 as PowerShell writes it, or with lines of a build
// tool before the JSON. Readers of documents and of policies share it.
package savedtext

import (
	"bytes"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// The two ways in which UTF-16 can be broken.
var (
	ErrOddLength     = errors.New("found UTF-16 with an odd number of bytes")
	ErrHalfSurrogate = errors.New("found half of a surrogate pair in UTF-16")
)

// The byte order marks (Unicode 16.0, section 23.8).
var (
	markUTF8         = []byte("\xef\xbb\xbf")
	markLittleEndian = []byte("\xff\xfe")
	markBigEndian    = []byte("\xfe\xff")
)

// Decode returns text without its byte order mark. A mark of UTF-16 makes it
// UTF-8; every other byte stays as it is, valid or not. The error is
// ErrOddLength or ErrHalfSurrogate.
func Decode(data []byte) ([]byte, error) {
	if text, ok := bytes.CutPrefix(data, markUTF8); ok {
		return text, nil
	}
	if units, ok := bytes.CutPrefix(data, markLittleEndian); ok {
		return fromUTF16(units, func(b []byte) rune { return rune(b[0]) | rune(b[1])<<8 })
	}
	if units, ok := bytes.CutPrefix(data, markBigEndian); ok {
		return fromUTF16(units, func(b []byte) rune { return rune(b[0])<<8 | rune(b[1]) })
	}
	return data, nil
}

// fromUTF16 refuses what unicode/utf16 would replace by U+FFFD: two texts that
// differ must not become one.
func fromUTF16(data []byte, unit func([]byte) rune) ([]byte, error) {
	if len(data)%2 != 0 {
		return nil, ErrOddLength
	}
	text := make([]byte, 0, len(data))
	for len(data) > 0 {
		r := unit(data)
		data = data[2:]
		if utf16.IsSurrogate(r) {
			if len(data) == 0 {
				return nil, ErrHalfSurrogate
			}
			if r = utf16.DecodeRune(r, unit(data)); r == utf8.RuneError {
				return nil, ErrHalfSurrogate
			}
			data = data[2:]
		}
		text = utf8.AppendRune(text, r)
	}
	return text, nil
}

// JSONStart returns where JSON begins behind lines of something else: at the
// first line that starts with a brace or bracket.
func JSONStart(text []byte) (int, bool) {
	for at := 0; at < len(text); {
		if text[at] == '{' || text[at] == '[' {
			return at, true
		}
		next := bytes.IndexByte(text[at:], '\n')
		if next < 0 {
			break
		}
		at += next + 1
	}
	return 0, false
}
