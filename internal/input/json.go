package input

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/nitroattest/nitroattest/internal/form"
	"github.com/nitroattest/nitroattest/internal/jsonplace"
)

// names are the keys under which services send documents.
var names = []string{"attestation_document", "attestation_doc", "attestationDocument", "attestationDoc",
	"attestation", "document", "doc", "evidence"}

// maxJSONDepth bounds nesting, and with it the stack.
const maxJSONDepth = 64

// fromJSON finds the document in the JSON that begins at an offset of text: a
// string or bytes by themselves, or the only ones under one of the usual names,
// however deep. A name that is repeated counts twice, so that no reader can mean
// the other one.
func fromJSON(text []byte, start int) ([]byte, error) {
	text = blank(text, start)
	var raw json.RawMessage
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&raw); err != nil {
		return nil, jsonplace.Explain(text, err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	w := walker{text: text, decoder: d}
	whole, err := w.value(nil, true)
	if err != nil {
		return nil, err
	}
	end := int(d.InputOffset())
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		end += len(text[end:]) - len(bytes.TrimLeft(text[end:], " \t\r\n"))
		return nil, fmt.Errorf("found more after the JSON value, at %s, expected its end", w.position(end))
	}
	if whole.found() {
		return whole.content, nil
	}
	switch len(w.candidates) {
	case 0:
		if w.broken != nil {
			return nil, w.broken
		}
		return nil, fmt.Errorf("found JSON without a document under any of the names %s", strings.Join(names, ", "))
	case 1:
		return w.candidates[0].content, nil
	}
	places := make([]string, 0, shownPlaces)
	for _, c := range w.candidates[:shownPlaces] {
		places = append(places, c.place)
	}
	return nil, fmt.Errorf("found %d documents in one JSON value, at %s, expected one", len(w.candidates), strings.Join(places, " and "))
}

// shownPlaces is of how many documents in one value an error says where they are.
const shownPlaces = 2

// candidate is what may be a document: text or bytes.
type candidate struct {
	content []byte // nil: the value is neither
	isBytes bool   // it was an array of numbers, or an object that stands for one
	place   string
}

func (c candidate) found() bool { return c.content != nil }

// walker reads one JSON value token by token.
type walker struct {
	text       []byte
	decoder    *json.Decoder
	depth      int
	candidates []candidate // under the usual names
	broken     error       // what looked like bytes and was none
}

// blank makes spaces of what stands before an offset, and leaves everything
// after it in its line and column.
func blank(text []byte, before int) []byte {
	if before == 0 {
		return text
	}
	out := bytes.Clone(text)
	for i, b := range out[:before] {
		if b != '\n' {
			out[i] = ' '
		}
	}
	return out
}

// position says where an offset of the text is.
func (w *walker) position(offset int) string {
	line, column := jsonplace.Position(w.text, offset)
	return fmt.Sprintf("line %d, column %d", line, column)
}

// step is one key or index on the way to a value, from the inside out.
type step struct {
	outer *step
	name  string
	index int // of an element, where name is empty
	named bool
}

func (s *step) String() string {
	switch {
	case s == nil:
		return ""
	case !s.named:
		return fmt.Sprintf("%s[%d]", s.outer, s.index)
	}
	name := s.name
	if !form.Only(name, form.Letters+form.Digits+"_-") {
		name = strconv.Quote(name)
	}
	if s.outer == nil {
		return name
	}
	return s.outer.String() + "." + name
}

// value reads a value. Text and bytes count as a document if they are wanted:
// the name is one of the usual ones, or they are all there is.
func (w *walker) value(at *step, wanted bool) (candidate, error) {
	offset := int(w.decoder.InputOffset())
	offset += len(w.text[offset:]) - len(bytes.TrimLeft(w.text[offset:], " \t\r\n,:"))
	token, err := w.decoder.Token()
	if err != nil {
		return candidate{}, err
	}
	var c candidate
	switch token := token.(type) {
	case string:
		c.content = []byte(token)
	case json.Delim:
		if w.depth++; w.depth > maxJSONDepth {
			return candidate{}, fmt.Errorf("found JSON that is nested more than %d levels deep", maxJSONDepth)
		}
		if token == '[' {
			c, err = w.array(at, wanted, offset)
		} else {
			c, err = w.object(at)
		}
		w.depth--
		if err != nil {
			return candidate{}, err
		}
	}
	if wanted && at != nil && c.found() {
		if len(w.candidates) < shownPlaces {
			c.place = fmt.Sprintf("%s (%s)", at, w.position(offset))
		}
		w.candidates = append(w.candidates, c)
	}
	return c, nil
}

// array returns the bytes of an array of numbers.
func (w *walker) array(at *step, wanted bool, offset int) (candidate, error) {
	content := []byte{}
	isBytes := true
	for i := 0; w.decoder.More(); i++ {
		inner := &step{outer: at, index: i}
		if !isBytes || !w.nextIsNumber() {
			isBytes = false
			if _, err := w.value(inner, false); err != nil {
				return candidate{}, err
			}
			continue
		}
		token, err := w.decoder.Token()
		if err != nil {
			return candidate{}, err
		}
		digits, _ := token.(json.Number)
		b, err := strconv.ParseUint(digits.String(), 10, 8)
		if err != nil {
			isBytes = false
			if wanted && w.broken == nil {
				w.broken = fmt.Errorf("%s (in the array at %s): found %s, expected a byte, 0 to 255", inner, w.position(offset), digits)
			}
			continue
		}
		content = append(content, byte(b))
	}
	_, err := w.decoder.Token()
	if !isBytes || len(content) == 0 {
		return candidate{}, err
	}
	return candidate{content: content, isBytes: true}, err
}

// nextIsNumber looks at the text ahead.
func (w *walker) nextIsNumber() bool {
	rest := bytes.TrimLeft(w.text[w.decoder.InputOffset():], " \t\r\n,")
	return len(rest) > 0 && (rest[0] == '-' || rest[0] >= '0' && rest[0] <= '9')
}

// object returns the bytes of what JavaScript makes of a Buffer,
// {"type": "Buffer", "data": [...]}, and of a Uint8Array, {"0": 132, "1": ...}.
func (w *walker) object(at *step) (candidate, error) {
	var data candidate
	isBuffer, isIndexed, members := false, true, 0
	var indexed []byte
	for ; w.decoder.More(); members++ {
		token, err := w.decoder.Token()
		if err != nil {
			return candidate{}, err
		}
		name, _ := token.(string) // the decoder lets nothing else through here
		if isIndexed && name == strconv.Itoa(members) && w.nextIsByteMember() {
			token, err := w.decoder.Token()
			if err != nil {
				return candidate{}, err
			}
			digits, _ := token.(json.Number)
			b, err := strconv.ParseUint(digits.String(), 10, 8)
			if isIndexed = err == nil; isIndexed {
				indexed = append(indexed, byte(b))
			}
			continue
		}
		isIndexed = false
		value, err := w.value(&step{outer: at, name: name, named: true}, isDocumentName(name))
		if err != nil {
			return candidate{}, err
		}
		switch name {
		case "type":
			isBuffer = !value.isBytes && string(value.content) == "Buffer"
		case "data":
			data = value
		}
	}
	_, err := w.decoder.Token()
	switch {
	case isBuffer && members == 2 && data.isBytes:
		return data, err
	case isIndexed && len(indexed) > 0:
		return candidate{content: indexed, isBytes: true}, err
	}
	return candidate{}, err
}

// nextIsByteMember looks at the text ahead, behind a name.
func (w *walker) nextIsByteMember() bool {
	rest := bytes.TrimLeft(w.text[w.decoder.InputOffset():], " \t\r\n:")
	return len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9'
}

func isDocumentName(name string) bool {
	for _, known := range names {
		if strings.EqualFold(name, known) {
			return true
		}
	}
	return false
}
