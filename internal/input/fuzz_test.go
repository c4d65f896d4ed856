package input_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/internal/input"
)

// forms are ways to write a document down.
var forms = map[string]func([]byte) string{
	"raw":            func(b []byte) string { return string(b) },
	"base64":         base64.StdEncoding.EncodeToString,
	"unpadded":       base64.RawStdEncoding.EncodeToString,
	"url-safe":       base64.URLEncoding.EncodeToString,
	"url unpadded":   base64.RawURLEncoding.EncodeToString,
	"wrapped":        func(b []byte) string { return wrap(base64.StdEncoding.EncodeToString(b), "\n") },
	"wrapped by DOS": func(b []byte) string { return wrap(base64.StdEncoding.EncodeToString(b), "\r\n") },
	"hex":            hex.EncodeToString,
	"HEX":            func(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) },
	"0x":             func(b []byte) string { return "0x" + hex.EncodeToString(b) },
	"0X":             func(b []byte) string { return "0X" + hex.EncodeToString(b) },
	"wrapped hex":    func(b []byte) string { return wrap(hex.EncodeToString(b), "\n") },
	"base64 twice":   func(b []byte) string { return twice(base64.StdEncoding, b) },
	"url twice":      func(b []byte) string { return twice(base64.RawURLEncoding, b) },
	"byte order mark": func(b []byte) string {
		return "\xef\xbb\xbf" + base64.StdEncoding.EncodeToString(b) + "\n"
	},
	"JSON string": func(b []byte) string { return fmt.Sprintf(" %q\n", base64.StdEncoding.EncodeToString(b)) },
	"JSON object": func(b []byte) string { return fmt.Sprintf(`{"evidence": %q}`, hex.EncodeToString(b)) },
	"JSON bytes": func(b []byte) string {
		text, _ := json.Marshal(map[string]any{"result": map[string]any{"attestation": b, "id": 1}})
		return string(text)
	},
	"JSON array": numbers,
	"Buffer":     func(b []byte) string { return fmt.Sprintf(`{"type":"Buffer","data":%s}`, numbers(b)) },
	"Buffer by name": func(b []byte) string {
		return fmt.Sprintf(`{"x": [1], "doc": {"type":"Buffer","data":%s}}`, numbers(b))
	},
	"data URL": func(b []byte) string { return "data:application/cbor;base64," + base64.StdEncoding.EncodeToString(b) },
	"UTF-16": func(b []byte) string {
		return "\xff\xfe" + strings.ReplaceAll(regexp.MustCompile(`.`).ReplaceAllString(hex.EncodeToString(b), "${0}_"), "_", "\x00")
	},
	"banner": func(b []byte) string {
		return fmt.Sprintf("Start building...\n{\"doc\": %q}", base64.StdEncoding.EncodeToString(b))
	},
	"NSM response": func(b []byte) string {
		text, _ := cbor.Marshal(map[string]any{"Attestation": map[string]any{"document": b}})
		return string(text)
	},
	"JSON of base64 twice": func(b []byte) string { return fmt.Sprintf(`{"doc": %q}`, twice(base64.StdEncoding, b)) },
}

// numbers is what JSON.stringify makes of an array of bytes.
func numbers(b []byte) string { return strings.ReplaceAll(fmt.Sprint(b), " ", ",") }

func wrap(text, end string) string {
	return regexp.MustCompile(`.{1,76}`).ReplaceAllString(text, "${0}"+end)
}

func twice(e *base64.Encoding, b []byte) string {
	return e.EncodeToString([]byte(e.EncodeToString(b)))
}

func TestDecodeReadsEveryForm(t *testing.T) {
	want := document(t)
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			got, err := input.Decode([]byte(form(want)))
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
}

// Decoding ends, makes nothing much larger, and finds in every form what
// begins like a document.
func FuzzDecode(f *testing.F) {
	for _, form := range forms {
		f.Add([]byte(form(document(f)[:64])))
	}
	for _, text := range []string{"<html>", "0x8", `{"doc": "hESh", "evidence": "hESh"}`, "\"\xff\xff\"", `["\u00ff"]`, `"\u0084D"`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		decoded, err := input.Decode(data)
		if err != nil {
			require.Nil(t, decoded)
			require.NotEmpty(t, err.Error())
		}
		require.LessOrEqual(t, len(decoded), 2*len(data)) // UTF-16 is shorter than UTF-8
		for _, document := range input.ReadDocuments("-", bytes.NewReader(data)) {
			require.Equal(t, document.Err != nil, document.Evidence == nil)
		}

		// The head of every document keeps its base64 from looking like hex.
		raw := append([]byte("\x84\x44\xa1\x01\x38\x22"), data...)
		for name, form := range forms {
			got, err := input.Decode([]byte(form(raw)))
			require.NoError(t, err, name)
			require.Equal(t, raw, got, name)
		}
	})
}
