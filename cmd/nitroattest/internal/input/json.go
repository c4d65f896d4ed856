package input

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// names are the keys under which services send documents.
var names = []string{"attestation_document", "attestation_doc", "attestationDocument", "attestationDoc",
	"attestation", "document", "doc", "evidence"}

// fromJSON finds the document in JSON: a string by itself, or the only value
// under one of the usual names, however deep.
func fromJSON(text []byte) ([]byte, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("found JSON with bytes that are not UTF-8, expected an attestation document")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, fmt.Errorf("found JSON that ends or breaks: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("found more after the JSON value, expected its end")
	}
	if s, ok := value.(string); ok {
		return []byte(s), nil
	}
	var found []string
	collect(value, &found)
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("found JSON without a string under any of the names %s", strings.Join(names, ", "))
	case 1:
		return []byte(found[0]), nil
	default:
		return nil, fmt.Errorf("found %d documents in one JSON value, expected one", len(found))
	}
}

func collect(value any, found *[]string) {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			collect(element, found)
		}
	case map[string]any:
		for name, member := range v {
			if s, ok := member.(string); ok {
				if isDocumentName(name) {
					*found = append(*found, s)
				}
				continue
			}
			collect(member, found)
		}
	}
}

func isDocumentName(name string) bool {
	for _, known := range names {
		if strings.EqualFold(name, known) {
			return true
		}
	}
	return false
}
