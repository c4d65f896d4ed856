package input_test

import (
	"bytes"
	"encoding/base64"
	"errors"
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
	assert.EqualError(t, err, "read: is a directory")

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
	const noName = "found JSON without a string under any of the names attestation_document, attestation_doc, attestationDocument, attestationDoc, attestation, document, doc, evidence"
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
		"JSON with more":         {`{"doc": "hESh"} {}`, "found more after the JSON value, expected its end"},
		"JSON with junk":         {`"hESh"]`, "found more after the JSON value, expected its end"},
		"JSON without a name":    {`{"data": "hESh"}`, noName},
		"JSON with no text":      {`{"doc": 1, "evidence": null, "attestation": ["hESh"]}`, noName},
		"JSON array of text":     {`["hESh"]`, noName},
		"JSON empty":             {`{}`, noName},
		"JSON with two":          {`{"doc": "hESh", "inner": [{"evidence": "hESh"}]}`, "found 2 documents in one JSON value, expected one"},
		"JSON with one twice":    {`{"document": "hESh", "document": "hESi"}`, "found 2 documents in one JSON value, expected one"},
		"JSON too deep":          {`{"doc": ` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, "found JSON that is nested more than 64 levels deep"},
		"JSON not UTF-8":         {"{\"doc\": \"hESh\", \"x\": \"\xff\"}", "found JSON with bytes that are not UTF-8, expected an attestation document"},
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
