package signedpolicy

// Reason is why a signed policy was refused: one of a small, stable set of
// strings. It implements error, so that errors.Is(err, signedpolicy.Expired)
// works on what [Verifier.Verify] returns.
type Reason string

// The reasons, in the order of the checks behind them.
const (
	MalformedEnvelope  Reason = "malformed-envelope"   // not a DSSE envelope in strict JSON, or out of bounds
	WrongPayloadType   Reason = "wrong-payload-type"   // the envelope holds no in-toto statement
	TooFewSignatures   Reason = "too-few-signatures"   // fewer distinct keys signed than the threshold asks for
	MalformedStatement Reason = "malformed-statement"  // not an in-toto Statement v1 with a policy, or out of bounds
	WrongPredicateType Reason = "wrong-predicate-type" // a statement about something else
	OtherName          Reason = "other-name"           // not the policy that was asked for
	NotYetValid        Reason = "not-yet-valid"        // issued after the time of the verifier
	RolledBack         Reason = "rolled-back"          // a higher version was seen before
	StoreFailed        Reason = "store-failed"         // the highest version seen is unknown, or could not be kept
	Expired            Reason = "expired"              // its end has come
	ImageRevoked       Reason = "image-revoked"        // every image of the policy is revoked
	OtherSubject       Reason = "other-subject"        // the statement is not about this file
)

// Error returns the reason itself, "too-few-signatures" for example.
func (r Reason) Error() string { return string(r) }

// Error is why a signed policy was refused, or why a [Statement] cannot be
// signed. Mistakes in a [Config] are not of this type.
type Error struct {
	Reason Reason
	Detail string // what was found and what was expected
	Err    error  // the cause, or nil
}

func (e *Error) Error() string {
	text := string(e.Reason)
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
