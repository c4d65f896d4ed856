package input_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/internal/input"
)

const recorded = "../../testdata/evidence/nautilus-weather-7e9164.cbor"

func document(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(recorded)
	require.NoError(t, err)
	return data
}

func TestReadFile(t *testing.T) {
	fromFile, err := input.ReadFile(recorded, nil)
	require.NoError(t, err)
	assert.Equal(t, document(t), fromFile)

	fromStdin, err := input.ReadFile("-", bytes.NewReader(document(t)))
	require.NoError(t, err)
	assert.Equal(t, document(t), fromStdin)
}

// The errors leave out the name of the file, which the command puts first.
func TestReadFileSaysWhyItCannot(t *testing.T) {
	dir := t.TempDir()
	_, err := input.ReadFile(filepath.Join(dir, "none"), nil)
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.EqualError(t, err, "open: no such file or directory")

	_, err = input.ReadFile(dir, nil)
	assert.EqualError(t, err, "found a directory, expected a file; - reads standard input")

	broken := errors.New("reset by peer")
	_, err = input.ReadFile("-", iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
	assert.EqualError(t, err, "reset by peer")
}

// endless never ends; reading has to. It counts the bytes it gave.
type endless int

func (e *endless) Read(p []byte) (int, error) {
	*e += endless(len(p))
	return len(p), nil
}

func TestReadFileBoundsItsInput(t *testing.T) {
	const message = "found more than 1048576 bytes, expected an attestation document, which has some thousand"
	var stdin endless
	_, err := input.ReadFile("-", &stdin)
	assert.EqualError(t, err, message)
	assert.EqualValues(t, input.MaxSize+1, stdin)

	data := bytes.Repeat([]byte{0x84}, input.MaxSize)
	got, err := input.ReadFile("-", bytes.NewReader(data))
	require.NoError(t, err)
	assert.Equal(t, data, got)
	_, err = input.ReadFile("-", bytes.NewReader(append(data, 0x84)))
	assert.EqualError(t, err, message)
}

func TestWithoutPathLeavesOtherErrorsAlone(t *testing.T) {
	err := errors.New("other")
	assert.Same(t, err, input.WithoutPath(err))
}

func TestDecodeRefusesWhatIsInNoneOfTheForms(t *testing.T) {
	const noName = "found JSON without a document under any of the names attestation_document, attestation_doc, attestationDocument, attestationDoc, attestation, document, doc, evidence"
	const noText = "found text that is neither hex, base64 nor JSON, expected an attestation document"
	const nothing = "found nothing, expected an attestation document"
	for name, c := range map[string]struct{ text, message string }{
		"nothing":                {"", nothing},
		"space":                  {" \r\n\t", nothing},
		"byte order mark":        {"\xef\xbb\xbf", nothing},
		"byte order mark, space": {"\xef\xbb\xbf \n", nothing},
		"empty JSON string":      {`""`, nothing},
		"empty member":           {`{"doc": ""}`, nothing},
		"HTML":                   {"<!DOCTYPE html><p>not found</p>", "found HTML or XML, expected an attestation document"},
		"HTML after space":       {"\n <html>", "found HTML or XML, expected an attestation document"},
		"HTML in JSON":           {`{"doc": "<html>"}`, "found HTML or XML, expected an attestation document"},
		"prose":                  {"hello, world", noText},
		"PEM":                    {"-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n", "found PEM, expected an attestation document"},
		"base64 of odd length":   {"hEShA", noText},
		"base64 with a dot":      {"hESh.ATg", noText},
		"odd hex":                {"8444a", "found 5 hex digits, expected an even number"},
		"odd hex after 0x":       {"0x844", "found 3 hex digits, expected an even number"},
		"JSON cut off":           {`{"doc": "hESh"`, "found JSON that ends too early, at line 1, column 15"},
		"JSON with more":         {`{"doc": "hESh"} {}`, "found more after the JSON value, at line 1, column 17, expected its end"},
		"JSON with junk":         {`"hESh"]`, "found more after the JSON value, at line 1, column 7, expected its end"},
		"JSON without a name":    {`{"data": "hESh"}`, noName},
		"JSON with no text":      {`{"doc": 1, "evidence": null, "attestation": ["hESh"]}`, noName},
		"JSON array of text":     {`["hESh"]`, noName},
		"JSON empty":             {`{}`, noName},
		"JSON with two":          {`{"doc": "hESh", "inner": [{"evidence": "hESh"}]}`, "found 2 documents in one JSON value, at doc (line 1, column 9) and inner[0].evidence (line 1, column 40), expected one"},
		"JSON with one twice":    {`{"document": "hESh", "document": "hESi"}`, "found 2 documents in one JSON value, at document (line 1, column 14) and document (line 1, column 34), expected one"},
		"not a byte":             {`[132, 68, 300]`, "[2] (in the array at line 1, column 1): found 300, expected a byte, 0 to 255"},
		"not a byte by name":     {`{"doc": [132, -1]}`, "doc[1] (in the array at line 1, column 9): found -1, expected a byte, 0 to 255"},
		"half a byte":            {`{"doc": [132, 1.5]}`, "doc[1] (in the array at line 1, column 9): found 1.5, expected a byte, 0 to 255"},
		"array of nothing":       {`{"doc": []}`, noName},
		"array of a mix":         {`{"doc": [132, "68"]}`, noName},
		"Buffer of no type":      {`{"data": [132, 68]}`, noName},
		"Buffer of another type": {`{"type": "buffer", "data": [132, 68]}`, noName},
		"Buffer with more":       {`{"type": "Buffer", "data": [132, 68], "x": 1}`, noName},
		"Buffer of text":         {`{"type": "Buffer", "data": "hESh"}`, noName},
		"indexes with a gap":     {`{"0": 132, "2": 68}`, noName},
		"indexes and more":       {`{"0": 132, "1": 68, "length": 2}`, noName},
		"banner, then broken":    {"Built.\n{\"doc\": }", "found JSON that breaks at line 2, column 9"},
		"banner without JSON":    {"Built.\nDone {}.", noText},
		"data URL of nothing":    {"data:,", nothing},
		"data URL cut off":       {"data:application/cbor;base64", "found a data URL without a comma, expected data:MEDIA;base64,CONTENT"},
		"data URL not base64":    {"data:;base64,%%%", "found a data URL with a broken percent sign"},
		"data URL broken":        {"data:;base64,h?", "found a data URL whose content is not base64"},
		"UTF-16 of odd length":   {"\xff\xfeh\x00E", "found UTF-16 with an odd number of bytes, expected an attestation document"},
		"UTF-16, half a pair":    {"\xff\xfe\x00\xd8{\x00", "found half of a surrogate pair in UTF-16, expected an attestation document"},
		"UTF-16 of nothing":      {"\xff\xfe", nothing},
		"bytes lost as text":     {"\xef\xbf\xbdD\xef\xbf\xbd", "found bytes that were lost when something read them as text (U+FFFD at the beginning), expected the document as a file of bytes or in base64"},
		"a ZIP archive":          {"PK\x03\x04\x00", "found 5 bytes that are neither text nor a document: they begin with 50 4b 03 04, a document with 84 or d2"},
		"text with a NUL":        {"hESh\x00", "found 5 bytes that are neither text nor a document: they begin with 68 45 53 68, a document with 84 or d2"},
		"error of the NSM":       {"\xa1\x65Error\x6fInvalidArgument", "found the error \"InvalidArgument\" of the Nitro Security Module, expected an attestation document"},
		"two NSM responses":      {"\xa2\x6bAttestation\xa1\x68document\x41\x84\x6bAttestation\xa1\x68document\x41\x85", "found a CBOR map that is not the Nitro Security Module's \"{\\\"Attestation\\\": {\\\"document\\\": ...}}\", expected an attestation document"},
		"other CBOR map":         {"\xa1\x61a\x01", "found a CBOR map that is not the Nitro Security Module's \"{\\\"Attestation\\\": {\\\"document\\\": ...}}\", expected an attestation document"},
		"JSON too deep":          {`{"doc": ` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, "found JSON that is nested more than 64 levels deep"},
		"JSON not UTF-8":         {"{\"doc\": \"hESh\", \"x\": \"\xff\"}", "found JSON with the byte 0xff at line 1, column 23, which is not UTF-8, expected an attestation document"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := input.Decode([]byte(c.text))
			assert.EqualError(t, err, c.message)
			assert.Nil(t, got)
		})
	}
}

func TestDecodeBoundsLayers(t *testing.T) {
	layers := func(n int) []byte {
		text := document(t)
		for range n {
			text = []byte(base64.StdEncoding.EncodeToString(text))
		}
		return text
	}
	got, err := input.Decode(layers(4))
	require.NoError(t, err)
	assert.Equal(t, document(t), got)
	_, err = input.Decode(layers(5))
	assert.EqualError(t, err, "found more than 4 forms within each other")
}

// Each of the files is the recorded document in another form that it was met in.
func TestDecodeReadsWhatPeopleHave(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("../../testdata/evidence/occ-page-779b22.cbor")
	require.NoError(t, err)
	for _, name := range []string{"array.json", "buffer.json", "dataurl.txt", "nsmresp.cbor"} {
		got, err := input.ReadFile("../../testdata/inputs/"+name, nil)
		require.NoError(t, err, name)
		assert.Equal(t, want, got, name)
	}
	utf16 := func(text string, big bool) string {
		out := []byte("\xff\xfe")
		if big {
			out = []byte("\xfe\xff")
		}
		for _, r := range text { // all of it is ASCII
			if big {
				out = append(out, 0, byte(r))
			} else {
				out = append(out, byte(r), 0)
			}
		}
		return string(out)
	}
	b64 := base64.StdEncoding.EncodeToString(want)
	numbers := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(want)), ","), "[]")
	indexed := &strings.Builder{}
	for i, b := range want {
		fmt.Fprintf(indexed, `,"%d":%d`, i, b)
	}
	for name, text := range map[string]string{
		"UTF-16":                    utf16(b64, false),
		"UTF-16, big endian":        utf16("{\"doc\": \""+b64+"\"}\r\n", true),
		"array by name":             `{"attestation": [` + numbers + `]}`,
		"array by name, spaced":     "{\"document\":\r\n [ " + strings.ReplaceAll(numbers, ",", " ,\n") + " ]\r\n}",
		"Buffer by name":            `{"doc": {"data": [` + numbers + `], "type": "Buffer"}}`,
		"Uint8Array":                `{` + indexed.String()[1:] + `}`,
		"Uint8Array by name":        `{"x": 1, "doc": {` + indexed.String()[1:] + `}}`,
		"NSM response as JSON":      `{"Attestation": {"document": [` + numbers + `]}}`,
		"NSM response in base64":    base64.StdEncoding.EncodeToString([]byte("\xa1\x6bAttestation\xa1\x68document\x59" + string([]byte{byte(len(want) >> 8), byte(len(want))}) + string(want))),
		"CBOR byte string":          "\x59" + string([]byte{byte(len(want) >> 8), byte(len(want))}) + string(want),
		"banner":                    "Start building the Enclave Image...\r\nDone.\r\n{\"doc\": \"" + b64 + "\"}\r\n",
		"data URL, percent-encoded": "DATA:;base64," + strings.ReplaceAll(strings.ReplaceAll(b64, "+", "%2B"), "=", "%3d"),
		"data URL of text":          "data:text/plain," + strings.ReplaceAll(b64, "+", "%2B"),
		"data URL in JSON":          `{"evidence": "data:application/cbor;base64,` + b64 + `"}`,
	} {
		got, err := input.Decode([]byte(text))
		if assert.NoError(t, err, name) {
			assert.Equal(t, want, got, name)
		}
	}
}

// In JSON Lines each line is a document of its own, and what is wrong with one
// is no matter of the others.
func TestReadDocuments(t *testing.T) {
	t.Parallel()
	read := func(text string) []input.Document {
		return input.ReadDocuments("-", strings.NewReader(text))
	}
	for _, text := range []string{
		"{\"doc\": \"hESh\"}\n\n{\"doc\": 1}\r\n\"hESi\"\n",
		"\xef\xbb\xbf{\"doc\": \"hESh\"}\r\n\r\n{\"doc\": 1}\n\"hESi\"",
	} {
		got := read(text)
		require.Len(t, got, 3)
		assert.Equal(t, input.Document{Name: "-:1", Evidence: []byte{0x84, 0x44, 0xa1}}, got[0])
		assert.Equal(t, "-:3", got[1].Name)
		assert.ErrorContains(t, got[1].Err, "found JSON without a document")
		assert.Nil(t, got[1].Evidence)
		assert.Equal(t, input.Document{Name: "-:4", Evidence: []byte{0x84, 0x44, 0xa2}}, got[2])
	}
	for name, text := range map[string]string{
		"one line":       "{\"doc\": \"hESh\"}\n",
		"over two lines": "{\"doc\":\n \"hESh\"}\n",
		"base64":         "hE\nSh\n",
		"raw":            "\x84\x44\xa1\n\n",
	} {
		got := read(text)
		require.Len(t, got, 1, name)
		assert.Equal(t, "-", got[0].Name, name)
		assert.NoError(t, got[0].Err, name)
	}
	// A file of lines may be larger than a document.
	line := `{"doc": "` + strings.Repeat("hESh", 1000) + "\"}\n"
	assert.Len(t, read(strings.Repeat(line, 1000)), 1000)
	for name, text := range map[string]string{
		"one document that is too large": `{"doc": "` + strings.Repeat("hESh", input.MaxSize/4) + `"}`,
		"lines that are too large":       strings.Repeat(line, 1+input.MaxLinesSize/len(line)),
	} {
		got := read(text)
		require.Len(t, got, 1, name)
		assert.ErrorContains(t, got[0].Err, "found more than ", name)
	}
	got := read(line + `{"doc": "` + strings.Repeat("hESh", input.MaxSize/4) + `"}`)
	require.Len(t, got, 2)
	assert.NoError(t, got[0].Err)
	assert.ErrorContains(t, got[1].Err, "found more than 1048576 bytes")
}

// What is no file could hang its reader, or never end.
func TestOnlyRegularFilesAreOpened(t *testing.T) {
	t.Parallel()
	target, err := filepath.Abs(recorded)
	require.NoError(t, err)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(target, link); err == nil { // not everywhere may everybody
		got, err := input.ReadFile(link, nil)
		require.NoError(t, err)
		assert.Equal(t, document(t), got)
	}
	for name, want := range map[string]string{
		t.TempDir(): "found a directory, expected a file; - reads standard input",
		os.DevNull:  "found a device, expected a file; - reads standard input",
	} {
		file, err := input.Open(name)
		assert.Nil(t, file)
		var other *input.NotRegularError
		require.ErrorAs(t, err, &other, name)
		assert.EqualError(t, err, want)
	}
}

// Raw bytes come back as they are, whitespace at their end included.
func TestDecodeLeavesRawBytesAlone(t *testing.T) {
	for _, raw := range []string{"\x84\x44\xa1\x01\x38\x22", "\xd2\x84\x44", "\x84\x44\xa1 \n", "\x00\x00"} {
		got, err := input.Decode([]byte(raw))
		require.NoError(t, err)
		assert.Equal(t, []byte(raw), got)
	}
}

func TestDecodeFindsNamesInAnyCaseAndDepth(t *testing.T) {
	for _, text := range []string{
		`{"attestation_document": "hESh"}`, `{"attestation_doc": "hESh"}`, `{"attestationDocument": "hESh"}`, `{"attestationDoc": "hESh"}`,
		`{"attestation": "hESh"}`, `{"document": "hESh"}`, `{"doc": "hESh"}`, `{"evidence": "hESh"}`, `{"Evidence": "hESh"}`, `{"ATTESTATIONDOC": "0x8444a1"}`,
		`{"attestation": {"doc": "hESh", "data": "other"}}`, `[[{"a": {"b": [null, 1, {"doc": "hESh"}]}}]]`, strings.Repeat("[", 50) + `{"doc": "hESh"}` + strings.Repeat("]", 50),
	} {
		got, err := input.Decode([]byte(text))
		require.NoError(t, err, text)
		assert.Equal(t, []byte{0x84, 0x44, 0xa1}, got)
	}
}
