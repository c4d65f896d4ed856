package crlfetch

import "fmt"

// Reason is why a list was not updated. It implements error, so that
// errors.Is(err, crlfetch.TooLarge) works on what [Updater.Update] and
// [Updater.Refresh] return.
type Reason string

// The reasons. Whichever it is, the list that was there before stays.
const (
	NotAllowed  Reason = "not-allowed" // the URL, or one it redirects to, is not of the form or the hosts allowed
	TooMany     Reason = "too-many"    // as many lists are known as may be
	Unreachable Reason = "unreachable" // no answer in time, or none with status 200
	TooLarge    Reason = "too-large"   // beyond Config.MaxSize
	Unusable    Reason = "unusable"    // certs.Revocations.Update refuses it: not signed by the issuer, older, malformed
	NotCurrent  Reason = "not-current" // authentic, but out of date or for other certificates
)

// Error returns the reason itself, "too-large" for example.
func (r Reason) Error() string { return string(r) }

// Error says which list was not updated, and why.
type Error struct {
	URL    string // as the certificate has it
	Reason Reason
	Err    error // the cause
}

func (e *Error) Error() string {
	return fmt.Sprintf("crlfetch: %q: %s: %v", e.URL, e.Reason, e.Err)
}

// Unwrap makes errors.Is match the reason and errors.As reach the cause.
func (e *Error) Unwrap() []error { return []error{e.Reason, e.Err} }
