package pcr

import (
	"fmt"
	"strings"
)

// Reason is the stable name of why a policy, or something in one, cannot be
// used. It is an error by itself: errors.Is(err, pcr.PinsNoCode) asks for it.
type Reason string

// The reasons.
const (
	Unreadable           Reason = "unreadable"            // the reader failed
	MalformedPolicy      Reason = "malformed-policy"      // text that cannot be taken apart: bad JSON, too large, too deep, a key twice
	UnknownForm          Reason = "unknown-form"          // in none of the forms that ReadPolicy knows
	InvalidField         Reason = "invalid-field"         // an unknown key, or a value of another type or length
	InvalidValue         Reason = "invalid-value"         // no register value, by itself
	InvalidRegister      Reason = "invalid-register"      // no register of this kind, or one whose value proves nothing
	WrongKind            Reason = "wrong-kind"            // an unknown kind, or another than was asked for
	EmptyPolicy          Reason = "empty-policy"          // no image, or an image without a register
	ZeroRegister         Reason = "zero-register"         // zero where zero is no measurement
	PinsNoCode           Reason = "pins-no-code"          // an image that different code could match
	DuplicateName        Reason = "duplicate-name"        // two images of one name
	RedundantImage       Reason = "redundant-image"       // an image of which another accepts everything
	InvalidExchange      Reason = "invalid-exchange"      // a register that no exchange can be asked about
	UnsupportedCondition Reason = "unsupported-condition" // a key policy that cannot be read exactly, or allows nothing
)

// Error implements error.
func (r Reason) Error() string { return string(r) }

// Error says what cannot be used, where it is, and why. Where several things
// are wrong, the error of this package is a list of them: errors.Is finds each,
// errors.As the first.
type Error struct {
	Reason Reason
	// Field is the JSON path: "images[1].pcrs.8". For a policy that was not read
	// from JSON it is the path that its JSON would have. Empty: the whole.
	Field string
	// Line and Column say where in the text it is, from 1, in characters. Zero:
	// it was not read from a text.
	Line, Column int
	Detail       string
	Err          error // what caused it, or nil
}

// Error returns "reason: field (line 1, column 2): detail: cause".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Reason))
	where := e.Field
	if e.Line > 0 {
		at := fmt.Sprintf("line %d, column %d", e.Line, e.Column)
		if where == "" {
			where = at
		} else {
			where += " (" + at + ")"
		}
	}
	for _, part := range []string{where, e.Detail} {
		if part != "" {
			b.WriteString(": " + part)
		}
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Is reports whether target is the reason.
func (e *Error) Is(target error) bool { return target == e.Reason }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// maxMistakes bounds how many mistakes are told at once.
const maxMistakes = 10

// mistakes are several errors of one policy, in the order of the text.
type mistakes []*Error

// Error tells each, up to maxMistakes.
func (m mistakes) Error() string {
	var b strings.Builder
	for i, e := range m {
		if i == maxMistakes {
			fmt.Fprintf(&b, "; and %d more", len(m)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(e.Error())
	}
	return b.String()
}

// Unwrap returns the errors.
func (m mistakes) Unwrap() []error {
	out := make([]error, len(m))
	for i, e := range m {
		out[i] = e
	}
	return out
}

// add appends an error of this package.
func (m *mistakes) add(err error) {
	switch err := err.(type) {
	case nil:
	case mistakes:
		*m = append(*m, err...)
	case *Error:
		*m = append(*m, err)
	default:
		*m = append(*m, &Error{Reason: InvalidField, Err: err})
	}
}

// err returns nil, the only mistake, or all of them.
func (m mistakes) err() error {
	switch len(m) {
	case 0:
		return nil
	case 1:
		return m[0]
	}
	return m
}
