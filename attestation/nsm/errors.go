package nsm

import "fmt"

// Reason is why a Nitro Security Module did not do as it was asked: the name
// that the module answers with (ErrorCode in src/api of
// aws/aws-nitro-enclaves-nsm-api), or Unavailable. It implements error, so that
// errors.Is(err, nsm.ReadOnlyIndex) works on what a [Device] returns.
type Reason string

// The reasons that are known. A module may answer with others.
const (
	InvalidArgument  Reason = "InvalidArgument"
	InvalidIndex     Reason = "InvalidIndex"     // there is no such register
	InvalidResponse  Reason = "InvalidResponse"  // the module did not answer the request
	ReadOnlyIndex    Reason = "ReadOnlyIndex"    // the register is locked
	InvalidOperation Reason = "InvalidOperation" // the module does not understand the request
	BufferTooSmall   Reason = "BufferTooSmall"   // the response does not fit
	InputTooLarge    Reason = "InputTooLarge"    // the request is longer than 4096 bytes
	InternalError    Reason = "InternalError"

	// Unavailable: the module could not be asked. No module answers with it.
	Unavailable Reason = "Unavailable"
)

// Error returns the reason itself, "ReadOnlyIndex" for example.
func (r Reason) Error() string { return string(r) }

// Error is the only type of error that a [Device] returns.
type Error struct {
	Reason  Reason
	Request string // "Attestation", for example
	Detail  string // what was found and what was expected, or empty
	Err     error  // the cause, or nil
}

func (e *Error) Error() string {
	text := string(e.Reason) + ": " + e.Request
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap makes errors.Is match the reason and errors.As reach the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Reason}
	}
	return []error{e.Reason, e.Err}
}

func refuse(reason Reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// during names the request in an error, which becomes an *Error if it is none:
// a transport has errors of its own.
func during(request string, err error) error {
	if known, ok := err.(*Error); ok {
		known.Request = request
		return known
	}
	return &Error{Reason: Unavailable, Request: request, Err: err}
}
