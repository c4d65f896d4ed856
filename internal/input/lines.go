package input

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxLinesSize bounds a file of JSON Lines: some thousand documents.
const MaxLinesSize = 16 << 20

// Document is one document of a file.
type Document struct {
	Name     string // of the file, with the line in JSON Lines: "log.jsonl:3"
	Evidence []byte
	Err      error // why there is no evidence
}

// ReadDocuments reads and decodes a file with one document, or in JSON Lines
// with one on each line, or standard input when name is "-". There is at least
// one Document; what is wrong with a file as a whole is the error of its only
// one.
func ReadDocuments(name string, stdin io.Reader) []Document {
	data, err := readLines(name, stdin)
	if err != nil {
		return []Document{{Name: name, Err: err}}
	}
	text, ok, err := textOf(data)
	if err != nil || !ok || !isJSONLines(text) {
		evidence, err := Decode(data)
		return []Document{{name, evidence, err}}
	}
	var documents []Document
	for i, line := range bytes.Split(text, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		d := Document{Name: fmt.Sprintf("%s:%d", name, i+1)}
		if len(line) > MaxSize {
			d.Err = errTooLarge
		} else {
			d.Evidence, d.Err = Decode(line)
		}
		documents = append(documents, d)
	}
	return documents
}

// readLines reads more than one document may have only where there are lines.
func readLines(name string, stdin io.Reader) ([]byte, error) {
	reader := stdin
	if name != "-" {
		file, err := Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		reader = file
	}
	var data bytes.Buffer
	data.Grow(usualSize)
	if _, err := data.ReadFrom(io.LimitReader(reader, MaxSize+1)); err != nil {
		return nil, WithoutPath(err)
	}
	if data.Len() <= MaxSize {
		return data.Bytes(), nil
	}
	if !isJSONLines(bytes.TrimPrefix(data.Bytes(), []byte("\xef\xbb\xbf"))) {
		return nil, errTooLarge
	}
	if _, err := data.ReadFrom(io.LimitReader(reader, MaxLinesSize-MaxSize)); err != nil {
		return nil, WithoutPath(err)
	}
	if data.Len() > MaxLinesSize {
		return nil, fmt.Errorf("found more than %d bytes of JSON Lines, expected at most that; split the file", MaxLinesSize)
	}
	return data.Bytes(), nil
}

// isJSONLines goes by the first two lines that are not blank: the first is a
// whole JSON value, and so the second is part of no other.
func isJSONLines(text []byte) bool {
	first, rest, err := firstLine(text)
	if err != nil || bytes.IndexByte([]byte(`{["`), first[0]) < 0 || !json.Valid(first) {
		return false
	}
	_, _, err = firstLine(rest)
	return err == nil
}

var errBlank = errors.New("only blank lines")

func firstLine(text []byte) (line, rest []byte, err error) {
	for len(text) > 0 {
		line, text, _ = bytes.Cut(text, []byte("\n"))
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, text, nil
		}
	}
	return nil, nil, errBlank
}
