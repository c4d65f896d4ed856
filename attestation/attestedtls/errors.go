package attestedtls

import "fmt"

// Kind says in one word why there is no attested connection. It is an error
// itself, so that errors.Is(err, attestedtls.NotBound) works on whatever this
// package returns, also through an [http.Client]. The strings are stable.
type Kind string

const (
	// Handshake: there was no TLS connection to begin with.
	Handshake Kind = "handshake"
	// NoDocument: the server did not answer with a document, or not in time.
	NoDocument Kind = "no-document"
	// TooLarge: the answer is over the limit.
	TooLarge Kind = "too-large"
	// Refused: the verifier refused the document; errors.Is and errors.As reach
	// its attestation.Reason and *attestation.Error.
	Refused Kind = "refused"
	// NotBound: the document is good, but does not name the certificate of this
	// connection.
	NotBound Kind = "not-bound"
	// Expired: a certificate under the document has expired since.
	Expired Kind = "expired"
	// NotTLS: the request is not for an https URL.
	NotTLS Kind = "not-tls"
)

// Error implements the error interface with the stable string itself.
func (k Kind) Error() string { return string(k) }

// Error is why there is no attested connection, or no longer one.
type Error struct {
	Kind   Kind
	Detail string
	Err    error // the cause, or nil
}

func (e *Error) Error() string {
	text := "attestedtls: " + string(e.Kind) + ": " + e.Detail
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap makes errors.Is match the kind and errors.As reach the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

func errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}
