package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nitroattest/nitroattest/attestation"
)

// encodings are the forms in which cmdEncode writes a document.
var encodings = map[string]func(string) string{
	"base64":    func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"unpadded":  func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
	"url":       func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"wrapped":   wrapped,
	"hex":       func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX":       func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"0x":        func(s string) string { return "0x" + hex.EncodeToString([]byte(s)) },
	"bom":       func(s string) string { return "\xef\xbb\xbf" + s },
	"quoted":    func(s string) string { return strconv.Quote(s) },
	"data-url":  func(s string) string { return "data:application/octet-stream;base64," + s },
	"utf-16":    utf16LE,
	"end-lines": func(s string) string { return "\r\n" + s + "\r\n" },
}

// utf16LE is text with a byte order mark, as PowerShell writes it.
func utf16LE(s string) string {
	out := []byte("\xff\xfe")
	for _, unit := range utf16.Encode([]rune(s)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return string(out)
}

// cmdLines writes files with one line each one after the other:
//
//	lines log.jsonl a.json b.json
func cmdLines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: lines out in...")
	}
	var out strings.Builder
	for _, name := range args[1:] {
		out.WriteString(strings.TrimRight(ts.ReadFile(name), "\n") + "\n")
	}
	write(ts, args[0], []byte(out.String()))
}

// wrapped is base64 in lines of 64 characters, as openssl base64 prints it.
func wrapped(s string) string {
	text := base64.StdEncoding.EncodeToString([]byte(s))
	return regexp.MustCompile(`.{1,64}`).ReplaceAllString(text, "$0\n")
}

// cmdEncode writes a file in other forms, the first of them innermost. A form
// of {...} is JSON around it, with the text of the file in place of $DOC:
//
//	encode doc.cbor doc.json base64 {"attestation":"$DOC"}
func cmdEncode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: encode in out form...")
	}
	text := ts.ReadFile(args[0])
	for _, form := range args[2:] {
		encode, ok := encodings[form]
		switch {
		case ok:
			text = encode(text)
		case json.Valid([]byte(form)):
			text = strings.ReplaceAll(form, "$DOC", text)
		default:
			ts.Fatalf("unknown form %q", form)
		}
	}
	write(ts, args[1], []byte(text))
}

func write(ts *testscript.TestScript, name string, data []byte) {
	ts.Check(os.WriteFile(ts.MkAbs(name), data, 0o666))
}

// cmdFlip changes one bit of one byte, counted from the end when negative:
//
//	flip doc.cbor changed.cbor -1
func cmdFlip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: flip in out offset")
	}
	data := []byte(ts.ReadFile(args[0]))
	offset, err := strconv.Atoi(args[2])
	ts.Check(err)
	if offset < 0 {
		offset += len(data)
	}
	data[offset] ^= 1
	write(ts, args[1], data)
}

// cmdZeros writes a file of zero bytes:
//
//	zeros big 2000000
func cmdZeros(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: zeros out size")
	}
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	write(ts, args[0], make([]byte, size))
}

// cmdAddField puts a field with the value null and the given name, a quoted Go
// string of less than 24 bytes, at the front of a payload that is a map of
// indefinite length. The signature does not hold any more:
//
//	add-field doc.cbor changed.cbor '"name"'
func cmdAddField(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: add-field in out name")
	}
	const head = "\x84\x44\xa1\x01\x38\x22\xa0\x59" // up to the length of the payload, two bytes
	data := []byte(ts.ReadFile(args[0]))
	start := len(head) + 2
	if !bytes.HasPrefix(data, []byte(head)) || data[start] != 0xbf {
		ts.Fatalf("%s: not a document with a payload of indefinite length", args[0])
	}
	name, err := strconv.Unquote(args[2])
	ts.Check(err)
	field := append([]byte{0x60 + byte(len(name))}, name...)
	field = append(field, 0xf6)
	out := []byte(head)
	out = binary.BigEndian.AppendUint16(out, binary.BigEndian.Uint16(data[len(head):])+uint16(len(field)))
	out = append(append(append(out, 0xbf), field...), data[start+1:]...)
	write(ts, args[1], out)
}

// cmdLeafPEM writes the leaf certificate of a document as PEM:
//
//	leaf-pem doc.cbor leaf.pem
func cmdLeafPEM(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: leaf-pem in out")
	}
	u, err := attestation.ParseUnverified([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	write(ts, args[1], pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: u.Certificate}))
}

// cmdDecodePEM writes what is in the first block of a PEM file:
//
//	decode-pem cert.pem cert.der
func cmdDecodePEM(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: decode-pem in out")
	}
	block, _ := pem.Decode([]byte(ts.ReadFile(args[0])))
	if block == nil {
		ts.Fatalf("%s: not PEM", args[0])
	}
	write(ts, args[1], block.Bytes)
}

// cmdJoin writes several files as one:
//
//	join both.pem key.pem cert.pem
func cmdJoin(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: join out in...")
	}
	var data []byte
	for _, name := range args[1:] {
		data = append(data, ts.ReadFile(name)...)
	}
	write(ts, args[0], data)
}
