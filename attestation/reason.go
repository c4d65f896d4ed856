package attestation

// Reason is why a document was refused: one of a small, stable set of strings
// that logs, metrics and other programs can rely on. It implements error, so
// that errors.Is(err, attestation.NonceMismatch) works on what [Verifier.Verify]
// returns.
type Reason string

// The reasons, in the order in which the checks behind them run, except that
// those of freshness come before those of policy. The first check that
// refuses a document gives it its one reason.
const (
	// The document is not authentic, or it cannot be told.

	MalformedEvidence      Reason = "malformed-evidence"        // not a COSE_Sign1 in the CBOR that AWS emits
	UnsupportedAlgorithm   Reason = "unsupported-algorithm"     // the protected header is not exactly {1: -35}, ES384
	InvalidField           Reason = "invalid-field"             // a field is missing, of another type or out of bounds
	WrongDocumentKind      Reason = "wrong-document-kind"       // of an enclave where NitroTPM was asked for, or the reverse
	UntrustedRoot          Reason = "untrusted-root"            // the bundle does not begin with a pinned root
	InvalidChain           Reason = "invalid-chain"             // the certificates do not form the chain that AWS issues
	CertificateExpired     Reason = "certificate-expired"       // the verification time is after a notAfter
	CertificateNotYetValid Reason = "certificate-not-yet-valid" // the verification time is before a notBefore
	CertificateRevoked     Reason = "certificate-revoked"       // a certificate is revoked, or its status is unknown and must not be
	BadSignature           Reason = "bad-signature"             // the leaf did not sign these bytes

	// The document is authentic and refused all the same.

	DebugMode           Reason = "debug-mode"             // the parent instance can read the enclave's console
	MeasurementMismatch Reason = "measurement-mismatch"   // the registers match no image of the policy
	RegisterMismatch    Reason = "register-mismatch"      // a register is not what this exchange expected
	NonceMismatch       Reason = "nonce-mismatch"         // not the answer to this challenge
	Stale               Reason = "stale"                  // older than the age limit
	TimestampOutOfRange Reason = "timestamp-out-of-range" // in the future, or outside the validity of the leaf
	UserDataMismatch    Reason = "user-data-mismatch"     // user_data is not what was expected
	PublicKeyMismatch   Reason = "public-key-mismatch"    // public_key is not what was expected
)

// Reasons returns every Reason, in the order of the constants.
func Reasons() []Reason {
	return []Reason{
		MalformedEvidence, UnsupportedAlgorithm, InvalidField, WrongDocumentKind, UntrustedRoot, InvalidChain,
		CertificateExpired, CertificateNotYetValid, CertificateRevoked, BadSignature,
		DebugMode, MeasurementMismatch, RegisterMismatch, NonceMismatch, Stale, TimestampOutOfRange,
		UserDataMismatch, PublicKeyMismatch,
	}
}

// Error returns the reason itself, "bad-signature" for example.
func (r Reason) Error() string { return string(r) }

// Authentic reports whether a document with this reason was signed by a genuine
// Nitro hypervisor and refused for what it says: by freshness, policy or
// binding.
func (r Reason) Authentic() bool {
	switch r {
	case DebugMode, MeasurementMismatch, RegisterMismatch, NonceMismatch, Stale, TimestampOutOfRange,
		UserDataMismatch, PublicKeyMismatch:
		return true
	}
	return false
}

// Error is why a document was refused. Mistakes in a Config or an Expect are
// not of this type: they say nothing about the document.
type Error struct {
	Reason Reason
	Detail string // what was found and what was expected
	Err    error  // the cause: a *certs.Error or *pcr.MismatchError, for example, or nil
}

func (e *Error) Error() string { return string(e.Reason) + ": " + e.detail() }

// detail is what there is to say beside the reason.
func (e *Error) detail() string {
	switch {
	case e.Err == nil:
		return e.Detail
	case e.Detail == "":
		return e.Err.Error()
	default:
		return e.Detail + ": " + e.Err.Error()
	}
}

// Unwrap makes errors.Is match the reason and errors.As reach the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Reason}
	}
	return []error{e.Reason, e.Err}
}
