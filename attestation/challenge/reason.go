package challenge

import "fmt"

// Reason is why a nonce was refused: one of a small, stable set of strings. It
// implements error, so that errors.Is(err, challenge.AlreadyRedeemed) works on
// what [Issuer.Redeem] and [Issuer.Verify] return.
type Reason string

// The reasons, in the order of the checks behind them.
const (
	// Malformed: not 57 bytes of version 1.
	Malformed Reason = "malformed-nonce"
	// Unknown: no key of this issuer made it for this context. It may be forged,
	// altered, from another service or made with a key that was removed, and may
	// have been issued for another context.
	Unknown Reason = "unknown-nonce"
	// Expired: its time has passed.
	Expired Reason = "nonce-expired"
	// ExpiryOutOfRange: it expires later than any issuer would say whose clock
	// is right. The clock of the issuer was ahead, or this one is behind.
	ExpiryOutOfRange Reason = "nonce-expiry-out-of-range"
	// AlreadyRedeemed: it was redeemed before, or the store cannot rule it out.
	AlreadyRedeemed Reason = "nonce-already-redeemed"
	// StoreUnavailable: the store did not say that this was the first time. It
	// may have recorded it all the same.
	StoreUnavailable Reason = "store-unavailable"
	// StoreFull: the store has no room, and did not record it.
	StoreFull Reason = "store-full"
)

// Error returns the reason itself, "nonce-expired" for example.
func (r Reason) Error() string { return string(r) }

// Error is why a nonce was refused. Its text is for logs: what a store says
// may name machines. Misuse of an [Issuer] is not of this type.
type Error struct {
	Reason Reason
	Detail string // what was found and what was expected
	Err    error  // what the store said, or nil
}

func (e *Error) Error() string {
	text := string(e.Reason) + ": " + e.Detail
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap makes errors.Is match the reason and what the store said.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Reason}
	}
	return []error{e.Reason, e.Err}
}

func refuse(reason Reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
