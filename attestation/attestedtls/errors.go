package attestedtls

import (
	"fmt"
	"time"
)

// Reason says in one word why there is no attested connection. It is an error
// itself, so that errors.Is(err, attestedtls.NotBound) works on whatever this
// package returns, also through an [http.Client]. The strings are stable.
type Reason string

const (
	// Handshake: there was no TLS connection to begin with.
	Handshake Reason = "handshake"
	// NoDocument: the server did not answer with a document, or not in time.
	NoDocument Reason = "no-document"
	// Busy: the server has no document to give just now (status 429 or 503). It
	// says nothing about the enclave: try again, after Error.RetryAfter.
	Busy Reason = "busy"
	// Proxy: the proxy on the way did not make a tunnel.
	Proxy Reason = "proxy"
	// TooLarge: the answer is over the limit.
	TooLarge Reason = "too-large"
	// Refused: the verifier refused the document; errors.Is and errors.As reach
	// its attestation.Reason and *attestation.Error.
	Refused Reason = "refused"
	// NotBound: the document is good, but does not name the certificate of this
	// connection.
	NotBound Reason = "not-bound"
	// Expired: a certificate under the document has expired since.
	Expired Reason = "expired"
	// Changed: Config.OnChange refused an enclave or a key that is not the one of
	// the connection before.
	Changed Reason = "changed"
	// NotTLS: the request is not for an https URL.
	NotTLS Reason = "not-tls"
)

// Error implements the error interface with the stable string itself.
func (r Reason) Error() string { return string(r) }

// Error is why there is no attested connection, or no longer one.
type Error struct {
	Reason Reason
	Detail string
	Err    error // the cause, or nil
	// RetryAfter is how long a server that is Busy asks to be left alone. Zero: it
	// does not say. At most an hour.
	RetryAfter time.Duration
}

func (e *Error) Error() string {
	text := string(e.Reason) + ": " + e.Detail
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

func errorf(reason Reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
