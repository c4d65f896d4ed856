package recipient

import "fmt"

// Kind says in one word why an envelope was not opened or a secret not sealed.
// It is an error itself, so that errors.Is(err, recipient.WrongRecipient) works
// on whatever this package returns. The strings are stable.
type Kind string

const (
	// MalformedEnvelope: the bytes are not an envelope of the structure in the
	// package documentation.
	MalformedEnvelope Kind = "malformed-envelope"
	// UnsupportedAlgorithm: the envelope names another algorithm, or other
	// parameters, than the ones it may have.
	UnsupportedAlgorithm Kind = "unsupported-algorithm"
	// WrongRecipient: the envelope is addressed to another key.
	WrongRecipient Kind = "wrong-recipient"
	// DecryptionFailed: everything that depends on what the private key reveals,
	// without a word about which part of it.
	DecryptionFailed Kind = "decryption-failed"
	// TooLarge: the envelope or the plaintext is over its limit.
	TooLarge Kind = "too-large"
	// InvalidKey: the key, the caller's or the one in the document, is absent, of
	// another type, outside the accepted sizes or inconsistent.
	InvalidKey Kind = "invalid-key"
	// UnverifiedResult: what was given to seal to did not come out of a verifier.
	UnverifiedResult Kind = "unverified-result"
	// ResultExpired: a certificate under the document has expired since the
	// document was verified.
	ResultExpired Kind = "result-expired"
	// DebugMode: the enclave runs in debug mode.
	DebugMode Kind = "debug-mode"
)

// Error implements the error interface with the stable string itself.
func (k Kind) Error() string { return string(k) }

// Error is the only type of error that this package returns. It unwraps to its
// Kind and never holds a secret.
type Error struct {
	Kind   Kind
	Offset int // of the offending byte in the envelope, or -1
	Detail string
}

func (e *Error) Error() string {
	text := string(e.Kind) + ": " + e.Detail
	if e.Offset >= 0 {
		text += fmt.Sprintf(" (at byte %d)", e.Offset)
	}
	return text
}

// Unwrap returns the Kind.
func (e *Error) Unwrap() error { return e.Kind }

func errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Offset: -1, Detail: fmt.Sprintf(format, args...)}
}

// decryptionFailed is the same for every cause. Whoever can tell a wrong
// content key from wrong padding can decrypt by asking (Vaudenay 2002, Manger
// 2001).
func decryptionFailed() *Error {
	return errorf(DecryptionFailed, "the envelope was altered or was not made for this key")
}
