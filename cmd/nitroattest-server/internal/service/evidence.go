package service

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/nitroattest/nitroattest/internal/input"
)

// evidence is the member "document", decoded while the body is read: it is most
// of the body, and would be copied once more as a string.
type evidence struct {
	scratch *scratch
	bytes   []byte
	err     error // why the text is no document; what else is wrong comes first
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
	e.bytes, e.err = e.decode(value)
	return nil
}

// decode takes any of the forms of package input. Nearly all documents come as
// plain base64, about which there is nothing to find out.
func (e *evidence) decode(quoted jsontext.Value) ([]byte, error) {
	if bytes.HasPrefix(quoted, cborArray) {
		if data, err := e.scratch.decodeBase64(quoted[1 : len(quoted)-1]); err == nil {
			return data, nil
		}
	}
	text, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		return nil, err
	}
	return input.Decode(text)
}
