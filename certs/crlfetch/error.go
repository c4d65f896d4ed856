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
	Reason Reason
	URL    string // as the certificate has it
	Detail string // what was found and what was expected
	Err    error  // the cause, or nil
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: the list %q", e.Reason, e.URL)
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
