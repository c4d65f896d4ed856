package input

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/nitroattest/nitroattest/internal/jsonplace"
)

// names are the keys under which services send documents.
var names = []string{"attestation_document", "attestation_doc", "attestationDocument", "attestationDoc",
	"attestation", "document", "doc", "evidence"}

// maxJSONDepth bounds nesting, and with it the stack.
const maxJSONDepth = 64

// fromJSON finds the document in JSON: a string by itself, or the only string
// under one of the usual names, however deep. A name that is repeated counts
// twice, so that no reader can mean the other one.
func fromJSON(text []byte) ([]byte, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("found JSON with bytes that are not UTF-8, expected an attestation document")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	w := walker{decoder: d}
	first, err := w.value(false)
	if err != nil {
		return nil, jsonplace.Explain(text, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("found more after the JSON value, expected its end")
	}
	if s, ok := first.(string); ok {
		return []byte(s), nil
	}
	switch len(w.found) {
	case 0:
		return nil, fmt.Errorf("found JSON without a string under any of the names %s", strings.Join(names, ", "))
	case 1:
		return []byte(w.found[0]), nil
	default:
		return nil, fmt.Errorf("found %d documents in one JSON value, expected one", len(w.found))
	}
}

// walker reads one JSON value token by token.
type walker struct {
	decoder *json.Decoder
	depth   int
	found   []string // strings under the usual names
}

// value reads a value and returns its first token. A string counts as a
// document if its name is one of the usual ones.
func (w *walker) value(named bool) (json.Token, error) {
	token, err := w.decoder.Token()
	if err != nil {
		return nil, err
	}
	if s, ok := token.(string); ok && named {
		w.found = append(w.found, s)
	}
	if token != json.Delim('{') && token != json.Delim('[') {
		return token, nil
	}
	if w.depth++; w.depth > maxJSONDepth {
		return nil, fmt.Errorf("found JSON that is nested more than %d levels deep", maxJSONDepth)
	}
	for w.decoder.More() {
		named := false
		if token == json.Delim('{') {
			name, err := w.decoder.Token()
			if err != nil {
				return nil, err
			}
			named = isDocumentName(name.(string)) // the decoder lets nothing else through here
		}
		if _, err := w.value(named); err != nil {
			return nil, err
		}
	}
	w.depth--
	_, err = w.decoder.Token()
	return token, err
}

func isDocumentName(name string) bool {
	for _, known := range names {
		if strings.EqualFold(name, known) {
			return true
		}
	}
	return false
}
