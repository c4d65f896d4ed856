package certs

import "fmt"

// Reason is why a chain or a revocation list was refused: one of a small,
// stable set of strings. It implements error, so that
// errors.Is(err, certs.Expired) works on what [Verifier.Verify] and the methods
// of [Revocations] return.
type Reason string

// The reasons to refuse a chain, in the order in which they are looked for;
// those from Encoding to Expired in one certificate after the other, the leaf
// first.
const (
	BundleLength       Reason = "bundle-length"       // not 1 to 8 certificates of 1 to 1024 bytes
	PinnedRoot         Reason = "pinned-root"         // the first certificate is not a pinned root, byte for byte
	Encoding           Reason = "encoding"            // not the strict DER of an X.509 certificate
	Version            Reason = "version"             // not version 3
	SignatureAlgorithm Reason = "signature-algorithm" // not ecdsa-with-SHA384, inside and outside
	PublicKey          Reason = "public-key"          // not an uncompressed point on P-384
	Extension          Reason = "extension"           // an extension that would have to be evaluated and is not
	NotYetValid        Reason = "not-yet-valid"       // before notBefore
	Expired            Reason = "expired"             // after notAfter
	BasicConstraints   Reason = "basic-constraints"   // not CA:TRUE in the bundle, or CA:TRUE in the leaf
	KeyUsage           Reason = "key-usage"           // no certificate signing in the bundle, or no digital signature in the leaf
	IssuerName         Reason = "issuer-name"         // the issuer is not the subject of the certificate before
	Repeated           Reason = "repeated"            // a certificate occurs twice
	PathLength         Reason = "path-length"         // more authorities below a certificate than it allows
	LeafName           Reason = "leaf-name"           // the leaf is not named after the module
	Signature          Reason = "signature"           // not signed by the certificate before
	Revoked            Reason = "revoked"             // on a revocation list or the deny list
	RevocationUnknown  Reason = "revocation-unknown"  // no current revocation list there, when one is asked for
)

// The reasons to refuse a revocation list. Whichever it is, the lists that were
// there before stay.
const (
	MalformedList   Reason = "malformed-list"   // not a revocation list of RFC 5280 in DER, or PEM blocks of them
	UnsupportedList Reason = "unsupported-list" // a delta, an indirect list, one for some reasons only, or another that cannot be evaluated
	LargeList       Reason = "large-list"       // beyond RevocationConfig.MaxListSize
	OlderList       Reason = "older-list"       // older than one that the same issuer signed
	ForeignList     Reason = "foreign-list"     // not signed by the issuer that was named
)

// Error returns the reason itself, "path-length" for example.
func (r Reason) Error() string { return string(r) }

// Error says which certificate of a chain was refused, and why. Mistakes in a
// configuration are not of this type: they say nothing about a chain.
type Error struct {
	Reason   Reason
	Position int    // 0 is the root, len(bundle) the leaf
	Subject  string // as RFC 2253 text, empty when the certificate could not be parsed
	Detail   string // what was found and what was expected
	Err      error  // the cause, or nil
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: certificate %d", e.Reason, e.Position)
	if e.Subject != "" {
		text += fmt.Sprintf(" (%q)", e.Subject)
	}
	return withCause(text+": "+e.Detail, e.Err)
}

// Unwrap makes errors.Is match the reason and errors.As reach the cause.
func (e *Error) Unwrap() []error { return reasonAndCause(e.Reason, e.Err) }

func withCause(text string, cause error) string {
	if cause == nil {
		return text
	}
	return text + ": " + cause.Error()
}

func reasonAndCause(reason Reason, cause error) []error {
	if cause == nil {
		return []error{reason}
	}
	return []error{reason, cause}
}

// ListError says which revocation list was refused, and why.
type ListError struct {
	Reason Reason
	List   int    // its place among the arguments of SetCRLs, from 0
	Detail string // what was found and what was expected
	Err    error  // the cause, or nil
}

func (e *ListError) Error() string {
	return withCause(fmt.Sprintf("%s: list %d: %s", e.Reason, e.List, e.Detail), e.Err)
}

// Unwrap makes errors.Is match the reason and errors.As reach the cause.
func (e *ListError) Unwrap() []error { return reasonAndCause(e.Reason, e.Err) }

func malformed(format string, args ...any) *ListError {
	return &ListError{Reason: MalformedList, Detail: fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) *ListError {
	return &ListError{Reason: UnsupportedList, Detail: fmt.Sprintf(format, args...)}
}
