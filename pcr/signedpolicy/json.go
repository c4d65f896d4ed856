package signedpolicy

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// value is a JSON value as it stands in the text it came from, which is known
// to be valid JSON as a whole, and the path to it, for errors.
//
// Package encoding/json keeps the last of repeated keys without a word and
// matches keys in any case. Two readers of one signed text must not see two
// policies in it, so objects are taken apart here. Nothing is copied but the
// strings that are asked for.
type value struct {
	raw  []byte
	path string
}

// parseJSON takes one JSON value in UTF-8 with nothing after it.
func parseJSON(data []byte) (value, error) {
	if !utf8.Valid(data) {
		return value{}, errors.New("found bytes that are not UTF-8, expected JSON")
	}
	if json.Valid(data) {
		return value{raw: data[skipSpace(data, 0):]}, nil
	}
	var syntax *json.SyntaxError
	if err := json.Unmarshal(data, &struct{}{}); errors.As(err, &syntax) {
		return value{}, fmt.Errorf("offset %d: found no JSON, expected one value", syntax.Offset)
	}
	return value{}, errors.New("found no JSON, expected one value")
}

func (v value) errorf(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if v.path == "" {
		return err
	}
	return fmt.Errorf("%s: %w", v.path, err)
}

// field is a key of an object and what reads its value.
type field struct {
	name     string
	optional bool
	read     func(value) error
}

// object reads an object that has exactly the given keys, each of them once.
func (v value) object(fields ...field) error {
	seen := make([]bool, len(fields))
	err := v.members(func(name string, member value) error {
		for i, f := range fields {
			if f.name != name {
				continue
			}
			if seen[i] {
				return member.errorf("the key is given twice")
			}
			seen[i] = true
			return f.read(member)
		}
		return member.errorf("unknown key")
	})
	if err != nil {
		return err
	}
	for i, f := range fields {
		if !seen[i] && !f.optional {
			return value{path: v.member(f.name)}.errorf("missing")
		}
	}
	return nil
}

// members calls f for each member of an object, in its order.
func (v value) members(f func(name string, member value) error) error {
	if v.raw[0] != '{' {
		return v.errorf("found %s, expected an object", v.kind())
	}
	for i := skipSpace(v.raw, 1); v.raw[i] != '}'; {
		end := endOfString(v.raw, i)
		var name string
		if err := json.Unmarshal(v.raw[i:end], &name); err != nil {
			return v.errorf("%w", err)
		}
		colon := skipSpace(v.raw, end)
		i = skipSpace(v.raw, colon+1)
		end = endOfValue(v.raw, i)
		if err := f(name, value{v.raw[i:end], v.member(name)}); err != nil {
			return err
		}
		i = nextPart(v.raw, end)
	}
	return nil
}

// elements calls f for each element of an array of at most limit elements.
func (v value) elements(limit int, f func(element value) error) error {
	if v.raw[0] != '[' {
		return v.errorf("found %s, expected an array", v.kind())
	}
	count := 0
	for i := skipSpace(v.raw, 1); v.raw[i] != ']'; {
		if count == limit {
			return v.errorf("found more than %d elements, expected at most that", limit)
		}
		end := endOfValue(v.raw, i)
		if err := f(value{v.raw[i:end], fmt.Sprintf("%s[%d]", v.path, count)}); err != nil {
			return err
		}
		count++
		i = nextPart(v.raw, end)
	}
	return nil
}

// member is the path of a member. A name that is no plain word is quoted and
// cut, so that an error stays short and printable.
func (v value) member(name string) string {
	cut := ""
	if len(name) > 64 {
		name, cut = name[:64], "..."
	}
	if name == "" || strings.ContainsFunc(name, func(c rune) bool { return c < '!' || c > '~' || c == '.' || c == '"' }) {
		name = strconv.QuoteToASCII(name)
	}
	name += cut
	if v.path == "" {
		return name
	}
	return v.path + "." + name
}

func (v value) text() (string, error) {
	if v.raw[0] != '"' {
		return "", v.errorf("found %s, expected a string", v.kind())
	}
	if inner := v.raw[1 : len(v.raw)-1]; plain(inner) {
		return string(inner), nil
	}
	var s string
	if err := json.Unmarshal(v.raw, &s); err != nil {
		return "", v.errorf("%w", err)
	}
	return s, nil
}

// plain reports whether a string stands for itself.
func plain(s []byte) bool {
	for _, c := range s {
		if c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func (v value) kind() string {
	switch v.raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

// The functions below go through text that json.Valid has seen, so that they
// need to look neither for errors nor for its end.

func skipSpace(text []byte, i int) int {
	for text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r' {
		i++
	}
	return i
}

// endOfString takes the index of a string's first quote.
func endOfString(text []byte, i int) int {
	for i++; text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i + 1
}

func endOfValue(text []byte, i int) int {
	depth := 0
	for {
		switch text[i] {
		case '"':
			i = endOfString(text, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		default:
			i++
			if depth == 0 {
				return endOfLiteral(text, i)
			}
			continue
		}
		if depth == 0 {
			return i
		}
	}
}

// endOfLiteral ends a number, true, false or null.
func endOfLiteral(text []byte, i int) int {
	for i < len(text) {
		switch text[i] {
		case ',', '}', ']', ' ', '\t', '\n', '\r':
			return i
		}
		i++
	}
	return i
}

// nextPart goes from the end of an element to the next one, or to the bracket
// that closes the whole.
func nextPart(text []byte, end int) int {
	i := skipSpace(text, end)
	if text[i] == ',' {
		i = skipSpace(text, i+1)
	}
	return i
}
