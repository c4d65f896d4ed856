// Package input turns files as people have them into the bytes of attestation
// documents.
//
// Documents travel as raw bytes, as base64 on one line or many and in either
// alphabet, as hex with or without 0x, as base64 of base64, in a data URL, as
// what the Nitro Security Module answers, and inside JSON: under one of a few
// names as text, or as an array of numbers, as Node's Buffer and Uint8Array
// become. Text may have a byte order mark, be UTF-16, have line ends of any kind,
// and have a line or more of a build tool before its JSON. In JSON Lines each
// line has a document of its own. Raw bytes cannot be mistaken for text: the first
// byte of a COSE_Sign1 is above 0x7f.
//
// Decoding is no check. It refuses what is in none of these forms; whether the
// bytes are a document is for package attestation to say. No form is guessed
// where two would fit: what would have to be chosen is refused.
//
// Files are regular files. A pipe or a device under a name could hang its reader
// or never end, so that one is only read as "-", standard input.
package input

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/nitroattest/nitroattest/internal/savedtext"
)

// MaxSize bounds a document in any form. The largest document there can be is
// 256 KiB, which twice in base64 is under half of it.
const MaxSize = 1 << 20

// maxLayers bounds how often a form is found within a form: JSON of base64 of
// base64 is three.
const maxLayers = 4

var errNothing = errors.New("found nothing, expected an attestation document")

// ReadFile reads and decodes a file with one document, or standard input when
// name is "-".
func ReadFile(name string, stdin io.Reader) ([]byte, error) {
	data, err := Read(name, stdin, MaxSize)
	var large *TooLargeError
	if errors.As(err, &large) {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, err
	}
	return Decode(data)
}

var errTooLarge = fmt.Errorf("found more than %d bytes, expected an attestation document, which has some thousand", MaxSize)

// Decode returns the bytes of one document in any of the forms.
func Decode(data []byte) ([]byte, error) {
	return decode(data, maxLayers)
}

func decode(data []byte, layers int) ([]byte, error) {
	text, ok, err := textOf(data)
	if err != nil {
		return nil, err
	}
	if !ok {
		return fromBytes(data)
	}
	if text = bytes.TrimSpace(text); len(text) == 0 {
		return nil, errNothing
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

// unwrap takes one layer of text off.
func unwrap(text []byte) ([]byte, error) {
	switch text[0] {
	case '{', '[', '"':
		return fromJSON(text, 0)
	case '<':
		return nil, errors.New("found HTML or XML, expected an attestation document")
	}
	if bytes.HasPrefix(text, []byte("-----BEGIN")) {
		return nil, errors.New("found PEM, expected an attestation document")
	}
	if content, ok, err := FromDataURL(text); ok {
		return content, err
	}
	dense := bytes.Join(bytes.Fields(text), nil)
	if digits := bytes.TrimPrefix(bytes.TrimPrefix(dense, []byte("0x")), []byte("0X")); isHex(digits) {
		return hexBytes(digits)
	}
	if decoded, err := fromBase64(dense); err == nil {
		return decoded, nil
	}
	if start, ok := savedtext.JSONStart(text); ok {
		return fromJSON(text, start)
	}
	return nil, errors.New("found text that is neither hex, base64 nor JSON, expected an attestation document")
}
