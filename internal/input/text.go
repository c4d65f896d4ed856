package input

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/nitroattest/nitroattest/internal/jsonplace"
	"github.com/nitroattest/nitroattest/internal/savedtext"
)

// textOf returns data as UTF-8 without a byte order mark, and whether it is text
// at all.
func textOf(data []byte) ([]byte, bool, error) {
	text, err := savedtext.Decode(data)
	if err != nil {
		return nil, false, fmt.Errorf("%w, expected an attestation document", err)
	}
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
