package pcr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
)

// maxJSONDepth bounds nesting; the deepest form read, an AWS KMS key policy,
// needs five levels.
const maxJSONDepth = 32

// node is a JSON value that knows where it stands, for errors. Package
// encoding/json keeps the last of repeated keys without a word and matches
// names in any case; a policy must do neither, so objects are kept as they
// came.
type node struct {
	at    *place
	value any // []member, []node, string, json.Number, bool or nil
}

// place is where a node stands, as a list from the inside out. Its text is
// only made for an error: long keys around many values would otherwise cost
// far more memory than the input has bytes.
type place struct {
	outer   *place
	element bool
	index   int    // of an element, or
	name    string // of a member
}

// String returns "images[0].pcrs.PCR0", for example. A name that could be
// taken for something else is quoted.
func (p *place) String() string {
	if p == nil {
		return ""
	}
	outer := p.outer.String()
	if p.element {
		return fmt.Sprintf("%s[%d]", outer, p.index)
	}
	name := p.name
	if !plainName.MatchString(name) {
		name = strconv.Quote(name)
	}
	if outer == "" {
		return name
	}
	return outer + "." + name
}

var plainName = regexp.MustCompile(`^[0-9A-Za-z:_-]+$`)

type member struct {
	name  string
	value node
}

// parseJSON reads one JSON value with nothing after it.
func parseJSON(data []byte) (node, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	n, err := parseNode(d, nil, 0)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return node{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return node{}, fmt.Errorf("offset %d: found more after the JSON value, expected the end", d.InputOffset())
	}
	return n, nil
}

func parseNode(d *json.Decoder, at *place, depth int) (node, error) {
	token, err := d.Token()
	if err != nil {
		return node{}, err
	}
	n := node{at: at, value: token}
	delim, ok := token.(json.Delim)
	if !ok {
		return n, nil
	}
	if depth == maxJSONDepth {
		return node{}, n.errorf("nested more than %d levels deep", maxJSONDepth)
	}
	if delim == '[' {
		n.value, err = parseArray(d, at, depth)
	} else {
		n.value, err = parseObject(d, at, depth)
	}
	return n, err
}

func parseArray(d *json.Decoder, at *place, depth int) ([]node, error) {
	elements := []node{}
	for d.More() {
		element, err := parseNode(d, &place{outer: at, element: true, index: len(elements)}, depth+1)
		if err != nil {
			return nil, err
		}
		elements = append(elements, element)
	}
	_, err := d.Token()
	return elements, err
}

func parseObject(d *json.Decoder, at *place, depth int) ([]member, error) {
	members := []member{}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name := token.(string) // the decoder lets nothing else through here
		inner := &place{outer: at, name: name}
		if seen[name] {
			return nil, fmt.Errorf("%s: the key is given twice", inner)
		}
		seen[name] = true
		value, err := parseNode(d, inner, depth+1)
		if err != nil {
			return nil, err
		}
		members = append(members, member{name, value})
	}
	_, err := d.Token()
	return members, err
}

func (n node) errorf(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if n.at == nil {
		return err
	}
	return fmt.Errorf("%s: %w", n.at, err)
}

func (n node) object() ([]member, error) {
	if members, ok := n.value.([]member); ok {
		return members, nil
	}
	return nil, n.errorf("found %s, expected an object", n.kind())
}

func (n node) array() ([]node, error) {
	if elements, ok := n.value.([]node); ok {
		return elements, nil
	}
	return nil, n.errorf("found %s, expected an array", n.kind())
}

func (n node) text() (string, error) {
	if s, ok := n.value.(string); ok {
		return s, nil
	}
	return "", n.errorf("found %s, expected a string", n.kind())
}

func (n node) kind() string {
	switch v := n.value.(type) {
	case []member:
		return "an object"
	case []node:
		return "an array"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return strconv.FormatBool(v)
	default:
		return "null"
	}
}

// member returns the value of a key of an object, and whether it is there.
func (n node) member(name string) (node, bool) {
	members, _ := n.value.([]member)
	for _, m := range members {
		if m.name == name {
			return m.value, true
		}
	}
	return node{}, false
}
