package recipient

import "fmt"

// Reason says in one word why an envelope was not opened or a secret not sealed.
// It is an error itself, so that errors.Is(err, recipient.WrongRecipient) works
// on whatever this package returns. The strings are stable.
type Reason string

const (
	// MalformedEnvelope: the bytes are not an envelope of the structure in the
	// package documentation.
	MalformedEnvelope Reason = "malformed-envelope"
	// UnsupportedAlgorithm: the envelope names another algorithm, or other
	// parameters, than the ones it may have.
	UnsupportedAlgorithm Reason = "unsupported-algorithm"
	// UnsupportedForm: the bytes are a CMS message as RFC 5652 has it, but not one
	// of the forms in the package documentation.
	UnsupportedForm Reason = "unsupported-form"
	// WrongRecipient: the envelope is addressed to another key.
	WrongRecipient Reason = "wrong-recipient"
	// DecryptionFailed: everything that depends on what the private key reveals,
	// without a word about which part of it.
	DecryptionFailed Reason = "decryption-failed"
	// TooLarge: the envelope or the plaintext is over its limit.
	TooLarge Reason = "too-large"
	// InvalidKey: the key, the caller's or the one in the document, is absent, of
	// another type, outside the accepted sizes or inconsistent.
	InvalidKey Reason = "invalid-key"
	// UnverifiedResult: what was given to seal to did not come out of a verifier,
	// or was altered since.
	UnverifiedResult Reason = "unverified-result"
	// ResultExpired: a certificate under the document has expired since the
	// document was verified.
	ResultExpired Reason = "result-expired"
	// DebugMode: the enclave runs in debug mode.
	DebugMode Reason = "debug-mode"
	// AnyImage: the verifier accepts whatever code runs in the enclave.
	AnyImage Reason = "any-image"
	// UnknownModule: the ID of what attested has a form that nobody has seen.
	UnknownModule Reason = "unknown-module"
	// RecordedResult: the verifier went by the document's own time, and cannot tell
	// a recorded document from a fresh one.
	RecordedResult Reason = "recorded-result"
	// FreshnessUnstated: the exchange neither had a nonce nor an age limit.
	FreshnessUnstated Reason = "freshness-unstated"
	// NotCommitted: the document does not commit to the key beside it.
	NotCommitted Reason = "key-not-committed"
	// Downgrade: a post-quantum key is called for, by the document or the caller,
	// and the key to seal to is a classical one.
	Downgrade Reason = "downgrade"
)

// Error implements the error interface with the stable string itself.
func (r Reason) Error() string { return string(r) }

// Error is the only type of error that this package returns. It unwraps to its
// Reason and never holds a secret.
type Error struct {
	Reason Reason
	Offset int // of the offending byte in the envelope, or -1
	Detail string
	Err    error // the cause, or nil
}

func (e *Error) Error() string {
	text := string(e.Reason) + ": " + e.Detail
	if e.Offset >= 0 {
		text += fmt.Sprintf(" (at byte %d)", e.Offset)
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

func errorf(reason Reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Offset: -1, Detail: fmt.Sprintf(format, args...)}
}

// decryptionFailed is the same for every cause. Whoever can tell a wrong
// content key from wrong padding can decrypt by asking (Vaudenay 2002, Manger
// 2001).
func decryptionFailed() *Error {
	return errorf(DecryptionFailed, "the envelope was altered or was not made for this key")
}
