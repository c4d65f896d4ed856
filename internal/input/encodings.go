package input

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

func isHex(text []byte) bool {
	for _, b := range text {
		if (b < '0' || b > '9') && (b < 'a' || b > 'f') && (b < 'A' || b > 'F') {
			return false
		}
	}
	return len(text) > 0
}

func hexBytes(digits []byte) ([]byte, error) {
	decoded := make([]byte, len(digits)/2)
	if _, err := hex.Decode(decoded, digits); err != nil {
		return nil, fmt.Errorf("found %d hex digits, expected an even number", len(digits))
	}
	return decoded, nil
}

// fromBase64 takes both alphabets, with and without padding.
func fromBase64(text []byte) ([]byte, error) {
	text = bytes.TrimRight(text, "=")
	text = bytes.ReplaceAll(text, []byte("-"), []byte("+"))
	text = bytes.ReplaceAll(text, []byte("_"), []byte("/"))
	decoded := make([]byte, base64.RawStdEncoding.DecodedLen(len(text)))
	n, err := base64.RawStdEncoding.Decode(decoded, text)
	return decoded[:n], err
}

// FromDataURL returns the content of a data URL (RFC 2397), and whether text is
// one.
func FromDataURL(text []byte) ([]byte, bool, error) {
	const scheme = "data:"
	text = bytes.TrimSpace(text)
	if len(text) < len(scheme) || !strings.EqualFold(string(text[:len(scheme)]), scheme) {
		return nil, false, nil
	}
	media, content, ok := bytes.Cut(text[len(scheme):], []byte(","))
	if !ok {
		return nil, true, errors.New("found a data URL without a comma, expected data:MEDIA;base64,CONTENT")
	}
	// What is not base64 is percent-encoded, and base64 may be as well.
	plain, err := url.PathUnescape(string(content))
	if err != nil {
		return nil, true, errors.New("found a data URL with a broken percent sign")
	}
	if !strings.HasSuffix(strings.ToLower(string(media)), ";base64") {
		return []byte(plain), true, nil
	}
	decoded, err := fromBase64(bytes.Join(bytes.Fields([]byte(plain)), nil))
	if err != nil {
		return nil, true, errors.New("found a data URL whose content is not base64")
	}
	return decoded, true, nil
}
