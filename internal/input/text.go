package input

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/nitroattest/nitroattest/internal/jsonplace"
)

// textOf returns data as UTF-8 without a byte order mark, and whether it is text
// at all. UTF-16, as PowerShell writes it, is told by its mark.
func textOf(data []byte) ([]byte, bool, error) {
	for mark, order := range map[string]func(low, high byte) uint16{
		"\xff\xfe": func(a, b byte) uint16 { return uint16(b)<<8 | uint16(a) },
		"\xfe\xff": func(a, b byte) uint16 { return uint16(a)<<8 | uint16(b) },
	} {
		if rest, ok := bytes.CutPrefix(data, []byte(mark)); ok {
			text, err := fromUTF16(rest, order)
			return text, err == nil, err
		}
	}
	text := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // the mark that Windows puts before UTF-8
	content := bytes.TrimSpace(text)
	if len(content) == 0 {
		return nil, true, nil
	}
	if bytes.HasPrefix(content, []byte("\xef\xbf\xbd")) {
		return nil, false, errors.New("found bytes that were lost when something read them as text (U+FFFD at the beginning), expected the document as a file of bytes or in base64")
	}
	if first := content[0]; first < ' ' || first > '~' {
		return nil, false, nil // as a CBOR array or tag begins
	}
	at := firstNoText(content)
	switch {
	case at < 0:
		return text, true, nil
	case bytes.IndexByte([]byte(`{["`), content[0]) >= 0 && content[at] >= utf8.RuneSelf:
		line, column := jsonplace.Position(content, at)
		return nil, false, fmt.Errorf("found JSON with the byte 0x%02x at line %d, column %d, which is not UTF-8, expected an attestation document", content[at], line, column)
	}
	return nil, false, nil
}

// firstNoText returns the offset of the first byte that text has not, or -1.
func firstNoText(data []byte) int {
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 || r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f' || r == 0x7f {
			return at
		}
		at += size
	}
	return -1
}

func fromUTF16(data []byte, order func(a, b byte) uint16) ([]byte, error) {
	if len(data)%2 != 0 {
		return nil, errors.New("found UTF-16 with an odd number of bytes, expected an attestation document")
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order(data[2*i], data[2*i+1])
	}
	// Half of a surrogate pair becomes U+FFFD, which no form has outside of a
	// string in JSON that nobody looks at.
	return []byte(string(utf16.Decode(units))), nil
}

// jsonBehindBanner returns where JSON begins behind lines of something else: at
// the first line that starts with a brace or bracket.
func jsonBehindBanner(text []byte) (int, bool) {
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
