// Package input turns a file as people have it into the bytes of an
// attestation document.
//
// Documents travel as raw bytes, as base64 on one line or many and in either
// alphabet, as hex with or without 0x, as base64 of base64, and inside JSON
// under one of a few names. Raw bytes cannot be mistaken for text: the first
// byte of a COSE_Sign1 is above 0x7f.
//
// Decoding is no check. It refuses what is in none of these forms; whether the
// bytes are a document is for package attestation to say.
package input

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxSize bounds a file. The largest document there can be is 256 KiB, which
// twice in base64 is under half of it.
const MaxSize = 1 << 20

// maxLayers bounds how often a form is found within a form: JSON of base64 of
// base64 is three.
const maxLayers = 4

// ReadFile reads and decodes a file, or standard input when name is "-".
func ReadFile(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		return read(stdin)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, WithoutPath(err)
	}
	defer file.Close()
	return read(file)
}

// WithoutPath drops the name of a file from an error to which its caller adds
// it, as in "policy.json: open: no such file or directory".
func WithoutPath(err error) error {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return fmt.Errorf("%s: %w", pathError.Op, pathError.Err)
	}
	return err
}

// usualSize holds nearly every file there is, so that it is read in one piece.
const usualSize = 8 << 10

func read(r io.Reader) ([]byte, error) {
	var file bytes.Buffer
	file.Grow(usualSize)
	if _, err := file.ReadFrom(io.LimitReader(r, MaxSize+1)); err != nil {
		return nil, WithoutPath(err)
	}
	if file.Len() > MaxSize {
		return nil, fmt.Errorf("found more than %d bytes, expected an attestation document, which has some thousand", MaxSize)
	}
	return Decode(file.Bytes())
}

// Decode returns the bytes of a document in any of the forms.
func Decode(data []byte) ([]byte, error) {
	return decode(data, maxLayers)
}

func decode(data []byte, layers int) ([]byte, error) {
	text := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // the mark that Windows puts before UTF-8
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil, errors.New("found nothing, expected an attestation document")
	}
	if !isText(text) {
		return data, nil
	}
	if layers == 0 {
		return nil, fmt.Errorf("found more than %d forms within each other", maxLayers)
	}
	inner, err := unwrap(text)
	if err != nil {
		return nil, err
	}
	return decode(inner, layers-1)
}

// isText looks at the beginning only, which is enough to tell the head of a
// CBOR array or tag from printable text.
func isText(data []byte) bool {
	first := data[0]
	return first >= ' ' && first <= '~'
}

// unwrap takes one layer of text off.
func unwrap(text []byte) ([]byte, error) {
	switch text[0] {
	case '{', '[', '"':
		return fromJSON(text)
	case '<':
		return nil, errors.New("found HTML or XML, expected an attestation document")
	}
	if bytes.HasPrefix(text, []byte("-----BEGIN")) {
		return nil, errors.New("found PEM, expected an attestation document")
	}
	text = withoutSpace(text)
	if digits := bytes.TrimPrefix(bytes.TrimPrefix(text, []byte("0x")), []byte("0X")); isHex(digits) {
		return hexBytes(digits)
	}
	decoded, err := fromBase64(text)
	if err != nil {
		return nil, errors.New("found text that is neither hex, base64 nor JSON, expected an attestation document")
	}
	return decoded, nil
}

func withoutSpace(text []byte) []byte {
	return bytes.Join(bytes.Fields(text), nil)
}

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
