package pcr

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds on JSON. The deepest form read, an AWS KMS key policy, needs five
// levels; a policy of 1 MiB cannot hold a fifth of these values that mean
// something, and without the bound "[0,0,...]" would cost 100 times its size.
const (
	maxJSONDepth  = 32
	maxJSONValues = 50_000
)

// parser reads JSON (RFC 8259). Package encoding/json keeps the last of repeated
// keys without a word, matches names in any case and takes lone surrogates for
// something else; a policy must do none of that. Its errors name no place in
// lines, and their words change from one version of Go to the next.
type parser struct {
	document *document
	at       int // offset of what is read next
	values   int
}

// document is the text that nodes come from.
type document struct {
	text   []byte
	placed bool // whether lines and columns of the text mean anything to the user
}

// position returns line and column of an offset, from 1, or zeros.
func (d *document) position(offset int) (line, column int) {
	if d == nil || !d.placed {
		return 0, 0
	}
	before := d.text[:min(offset, len(d.text))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return 1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(before[start:])
}

// parseJSON reads one JSON value from an offset on, with nothing after it.
func parseJSON(d *document, from int) (node, error) {
	p := &parser{document: d, at: from}
	p.space()
	n, err := p.value(nil, 0)
	if err != nil {
		return node{}, err
	}
	if p.space(); p.at < len(d.text) {
		return node{}, p.expected("the end after the JSON value")
	}
	return n, nil
}

func (p *parser) fail(offset int, format string, args ...any) error {
	line, column := p.document.position(offset)
	return &Error{Reason: MalformedPolicy, Line: line, Column: column, Detail: fmt.Sprintf(format, args...)}
}

// expected is the error for what is read next.
func (p *parser) expected(what string) error {
	found := "the end of the text"
	if p.at < len(p.document.text) {
		r, size := utf8.DecodeRune(p.document.text[p.at:])
		found = strconv.QuoteRune(r)
		if r == utf8.RuneError && size == 1 {
			found = fmt.Sprintf("the byte 0x%02x, which is not UTF-8", p.document.text[p.at])
		}
	}
	return p.fail(p.at, "found %s, expected %s", found, what)
}

func (p *parser) space() {
	for p.at < len(p.document.text) && strings.IndexByte(" \t\r\n", p.document.text[p.at]) >= 0 {
		p.at++
	}
}

// peek returns the next byte, or 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.document.text) {
		return p.document.text[p.at]
	}
	return 0
}

func (p *parser) value(at *place, depth int) (node, error) {
	n := node{document: p.document, at: at, offset: p.at}
	if p.values++; p.values > maxJSONValues {
		return node{}, p.fail(p.at, "found more than %d values", maxJSONValues)
	}
	c := p.peek()
	if (c == '{' || c == '[') && depth == maxJSONDepth {
		return node{}, n.fail(MalformedPolicy, "nested more than %d levels deep", maxJSONDepth)
	}
	var err error
	switch {
	case c == '{':
		n.value, err = p.object(at, depth)
	case c == '[':
		n.value, err = p.array(at, depth)
	case c == '"':
		n.value, err = p.text()
	case c == '-' || c >= '0' && c <= '9':
		n.value, err = p.number()
	default:
		n.value, err = p.word()
	}
	return n, err
}

func (p *parser) word() (any, error) {
	rest := p.document.text[p.at:]
	for _, word := range []struct {
		text  string
		value any
	}{{"null", nil}, {"true", true}, {"false", false}} {
		if bytes.HasPrefix(rest, []byte(word.text)) {
			p.at += len(word.text)
			return word.value, nil
		}
	}
	return nil, p.expected("a JSON value")
}

func (p *parser) array(at *place, depth int) ([]node, error) {
	elements := []node{}
	p.at++
	if p.space(); p.peek() == ']' {
		p.at++
		return elements, nil
	}
	for {
		p.space()
		element, err := p.value(&place{outer: at, element: true, index: len(elements)}, depth+1)
		if err != nil {
			return nil, err
		}
		elements = append(elements, element)
		p.space()
		switch p.peek() {
		case ',':
			p.at++
		case ']':
			p.at++
			return elements, nil
		default:
			return nil, p.expected("',' or ']'")
		}
	}
}

func (p *parser) object(at *place, depth int) ([]member, error) {
	members := []member{}
	p.at++
	if p.space(); p.peek() == '}' {
		p.at++
		return members, nil
	}
	seen := map[string]bool{}
	for {
		p.space()
		if p.peek() != '"' {
			return nil, p.expected("a key in quotes")
		}
		start := p.at
		name, err := p.text()
		if err != nil {
			return nil, err
		}
		inner := &place{outer: at, name: name}
		if seen[name] {
			return nil, node{document: p.document, at: inner, offset: start}.fail(MalformedPolicy, "the key is given twice")
		}
		seen[name] = true
		if p.space(); p.peek() != ':' {
			return nil, p.expected("':'")
		}
		p.at++
		p.space()
		value, err := p.value(inner, depth+1)
		if err != nil {
			return nil, err
		}
		members = append(members, member{name, value})
		p.space()
		switch p.peek() {
		case ',':
			p.at++
		case '}':
			p.at++
			return members, nil
		default:
			return nil, p.expected("',' or '}'")
		}
	}
}

// number is a number as it is written; no form needs its value beyond a time.
type number string

func (p *parser) number() (number, error) {
	start := p.at
	digits := func() error {
		if c := p.peek(); c < '0' || c > '9' {
			return p.expected("a digit")
		}
		for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
			p.at++
		}
		return nil
	}
	if p.peek() == '-' {
		p.at++
	}
	if p.peek() == '0' {
		p.at++
	} else if err := digits(); err != nil {
		return "", err
	}
	if p.peek() == '.' {
		p.at++
		if err := digits(); err != nil {
			return "", err
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.at++
		if c := p.peek(); c == '+' || c == '-' {
			p.at++
		}
		if err := digits(); err != nil {
			return "", err
		}
	}
	return number(p.document.text[start:p.at]), nil
}

// text reads a string from its opening quote to its closing one.
func (p *parser) text() (string, error) {
	p.at++
	var out []byte
	for {
		// Most text is ASCII without an escape, and taken in one piece.
		from := p.at
		for p.at < len(p.document.text) && standsForItself(p.document.text[p.at]) {
			p.at++
		}
		plain := p.document.text[from:p.at]
		if out == nil && p.at < len(p.document.text) && p.document.text[p.at] == '"' {
			p.at++
			return string(plain), nil
		}
		out = append(out, plain...)
		if p.at >= len(p.document.text) {
			return "", p.expected("'\"' at the end of the string")
		}
		switch c := p.document.text[p.at]; {
		case c == '"':
			p.at++
			return string(out), nil
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		case c < ' ':
			return "", p.expected("no control character in a string")
		default:
			r, size := utf8.DecodeRune(p.document.text[p.at:])
			if r == utf8.RuneError && size == 1 {
				return "", p.expected("UTF-8")
			}
			out = append(out, p.document.text[p.at:p.at+size]...)
			p.at += size
		}
	}
}

// standsForItself reports whether a byte of a string is a whole character and no escape.
func standsForItself(c byte) bool { return c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' }

// escape reads a backslash and what follows.
func (p *parser) escape() (rune, error) {
	start := p.at
	p.at++
	c := p.peek()
	if i := strings.IndexByte(`"\/bfnrt`, c); c != 0 && i >= 0 {
		p.at++
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return 0, p.expected("an escape sequence of JSON")
	}
	r, err := p.hex4()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if bytes.HasPrefix(p.document.text[p.at:], []byte(`\u`)) {
		p.at++
		low, err := p.hex4()
		if err != nil {
			return 0, err
		}
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, nil
		}
	}
	return 0, p.fail(start, "found half of a surrogate pair, expected a character")
}

// hex4 reads the u and four hex digits after it.
func (p *parser) hex4() (rune, error) {
	p.at++
	var r rune
	for range 4 {
		digit, err := strconv.ParseUint(string(p.peek()), 16, 8)
		if err != nil {
			return 0, p.expected("a hex digit")
		}
		r = r<<4 | rune(digit)
		p.at++
	}
	return r, nil
}
