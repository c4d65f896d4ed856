package certs

import "fmt"

// Rule names what a chain has to satisfy. It implements error, so that
// errors.Is(err, certs.Expired) tells why a chain was refused.
type Rule string

// The rules of the walk, in the order in which they are applied; those from
// Encoding to Expired to one certificate after the other, the leaf first. The
// numbers are those of the list of checks in package attestation.
const (
	BundleLength       Rule = "bundle-length"       // 9: 1 to 8 certificates of 1 to 1024 bytes
	PinnedRoot         Rule = "pinned-root"         // 11: the first certificate is a pinned root, byte for byte
	Encoding           Rule = "encoding"            // 13: strict DER of an X.509 certificate
	Version            Rule = "version"             // 13: version 3
	SignatureAlgorithm Rule = "signature-algorithm" // 13: ecdsa-with-SHA384, inside and outside
	PublicKey          Rule = "public-key"          // 13: an uncompressed point on P-384
	Extension          Rule = "extension"           // 16: no extension that would have to be evaluated and is not
	NotYetValid        Rule = "not-yet-valid"       // 15: at or after notBefore
	Expired            Rule = "expired"             // 15: at or before notAfter
	BasicConstraints   Rule = "basic-constraints"   // 16: CA:TRUE in the bundle, not in the leaf
	KeyUsage           Rule = "key-usage"           // 16: certificate signing in the bundle, digital signature in the leaf
	IssuerName         Rule = "issuer-name"         // 14: the issuer is the subject of the certificate before
	Repeated           Rule = "repeated"            // 12: no certificate twice
	PathLength         Rule = "path-length"         // 16: pathLenConstraint at every level
	LeafName           Rule = "leaf-name"           // 17: the leaf is named after the module
	Signature          Rule = "signature"           // 14: the signature of the certificate before
	Revoked            Rule = "revoked"             // 18: on no revocation list, when some are given
	RevocationUnknown  Rule = "revocation-unknown"  // 18: and a current list there, when that is asked for
)

// Error implements error; it returns a sentence about what was broken.
func (r Rule) Error() string {
	if text, ok := ruleText[r]; ok {
		return text
	}
	return string(r)
}

var ruleText = map[Rule]string{
	BundleLength:       "the CA bundle has the wrong size",
	PinnedRoot:         "the root is not a pinned one",
	Encoding:           "the certificate is malformed",
	Version:            "the certificate is not X.509 version 3",
	SignatureAlgorithm: "the signature algorithm is not ecdsa-with-SHA384",
	PublicKey:          "the key is not a P-384 key",
	Extension:          "an extension is not supported",
	BasicConstraints:   "the basic constraints do not fit the place in the chain",
	KeyUsage:           "the key usage does not fit the place in the chain",
	IssuerName:         "the issuer is not the certificate before",
	Repeated:           "the certificate occurs twice",
	PathLength:         "the chain is longer than a certificate allows",
	LeafName:           "the leaf is not named after the module",
	NotYetValid:        "the certificate is not yet valid",
	Expired:            "the certificate has expired",
	Signature:          "the certificate is not signed by the one before",
	Revoked:            "the certificate is revoked",
	RevocationUnknown:  "the revocation status is unknown",
}

// Error says which certificate of a chain broke which rule.
type Error struct {
	Rule     Rule
	Position int    // 0 is the root, len(bundle) the leaf
	Subject  string // as RFC 2253 text, empty when the certificate could not be parsed
	Detail   string // what was found and what was expected
	Err      error  // the cause, or nil
}

func (e *Error) Error() string {
	where := fmt.Sprintf("certificate %d", e.Position)
	if e.Subject != "" {
		where += fmt.Sprintf(" (%q)", e.Subject)
	}
	text := where + ": " + e.Rule.Error()
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap makes errors.Is match the rule and errors.As reach the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Rule}
	}
	return []error{e.Rule, e.Err}
}
