package service

import (
	"bytes"
	"encoding/base64"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/input"
)

// evidence is the member "document", decoded while the body is read: it is most
// of the body, and would be copied once more as a string.
type evidence struct {
	bytes []byte
	err   error // why the text is no document; what else is wrong comes first
}

var (
	jsonNull = jsontext.Value("null")

	// cborArray is how every COSE_Sign1 begins in base64, and neither hex nor
	// JSON does.
	cborArray = []byte(`"hE`)
)

// decoded returns the bytes, which may be no document at all.
func (e evidence) decoded() ([]byte, error) {
	if e.bytes == nil && e.err == nil {
		return input.Decode(nil) // absent or null
	}
	return e.bytes, e.err
}

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (e *evidence) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	if kind := from.PeekKind(); kind != '"' && kind != 'n' {
		var text string
		return json.UnmarshalDecode(from, &text) // which says what is wrong
	}
	value, err := from.ReadValue()
	if err != nil || bytes.Equal(value, jsonNull) {
		return err
	}
	e.bytes, e.err = decodeDocument(value)
	return nil
}

// decodeDocument takes any of the forms of package input. Nearly all documents
// come as plain base64, about which there is nothing to find out.
func decodeDocument(quoted jsontext.Value) ([]byte, error) {
	if bytes.HasPrefix(quoted, cborArray) {
		text := quoted[1 : len(quoted)-1]
		data := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
		if n, err := base64.StdEncoding.Decode(data, text); err == nil {
			return data[:n], nil
		}
	}
	text, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		return nil, err
	}
	return input.Decode(text)
}
