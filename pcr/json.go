package pcr

import (
	"fmt"
	"strconv"

	"github.com/nitroattest/nitroattest/internal/form"
)

// node is a JSON value that knows where it stands, for errors. Objects are kept
// as they came, keys in their order.
type node struct {
	document *document
	at       *place
	offset   int // in the text of the document
	value    any // []member, []node, string, number, bool or nil
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
	if !isPlain(name) {
		name = strconv.Quote(name)
	}
	if outer == "" {
		return name
	}
	return outer + "." + name
}

func isPlain(name string) bool { return form.Only(name, form.Letters+form.Digits+":_-") }

type member struct {
	name  string
	value node
}

// fail returns an error about n.
func (n node) fail(reason Reason, format string, args ...any) *Error {
	e := &Error{Reason: reason, Detail: fmt.Sprintf(format, args...)}
	n.locate(e)
	return e
}

// locate says in an error where n stands.
func (n node) locate(e *Error) {
	e.Field = n.at.String()
	e.Line, e.Column = n.document.position(n.offset)
}

// errorf is fail for the most usual reason.
func (n node) errorf(format string, args ...any) error { return n.fail(InvalidField, format, args...) }

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
	case number:
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
