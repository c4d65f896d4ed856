package attestation

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/pcr"
)

// Result is what is known about a document that passed every check.
type Result struct {
	Document Document
	// Image is the reference image that matched. It is zero when the verifier
	// has InsecureAnyImage.
	Image pcr.Image
	// Chain holds the certificates, leaf first, root last. They are shared and
	// must not be modified.
	Chain      []*x509.Certificate
	VerifiedAt time.Time // the verification time
	FreshUntil time.Time // earliest notAfter of the chain; the document means nothing after it
	Debug      bool      // the enclave is in debug mode, and InsecureAllowDebug let it pass

	verified bool // set by a Verifier and by nothing else
}

// Verified reports whether a Verifier made this result. Code that releases a
// secret to a Result asks, so that one put together by hand opens nothing.
func (r *Result) Verified() bool { return r != nil && r.verified }

// Verify appraises evidence, the bytes of a COSE_Sign1. It returns a Result
// only when every check passes. Otherwise the error is an [*Error] with the
// [Reason] of the first check that failed, or says which field of expect
// cannot be used.
func (v *Verifier) Verify(evidence []byte, expect Expect) (*Result, error) {
	return v.appraise(evidence, expect).Result()
}

// VerifyParsed is the second part of [Verifier.Verify], for evidence that
// [Verifier.Parse] returned. The verdict is the one of Verify on the same bytes,
// whichever Verifier parsed them: what is beyond the Limits of v is refused,
// and so are a nil Evidence and one that no Verifier made, as malformed.
func (v *Verifier) VerifyParsed(evidence *Evidence, expect Expect) (*Result, error) {
	return v.appraiseParsed(evidence, expect).Result()
}

// Appraise makes the same checks as Verify and reports on each of them. The
// ones that tell whether the document is authentic stop at the first failure;
// of an authentic one, freshness, policy and binding are all looked at.
func (v *Verifier) Appraise(evidence []byte, expect Expect) *Report {
	r := v.appraise(evidence, expect)
	r.list()
	return r
}

// AppraiseParsed is Appraise for evidence that [Verifier.Parse] returned, as
// [Verifier.VerifyParsed] is Verify.
func (v *Verifier) AppraiseParsed(evidence *Evidence, expect Expect) *Report {
	r := v.appraiseParsed(evidence, expect)
	r.list()
	return r
}

func (v *Verifier) appraise(evidence []byte, expect Expect) *Report {
	r := newReport(v.config.Revocations != nil)
	if !r.begin(expect, v.config.Recorded) {
		return r
	}
	parsed, failed, refused := parse(evidence, v.config.Limits)
	if refused != nil {
		r.stop(failed, refused)
		return r
	}
	v.judge(r, parsed, &parsed.unverified, expect) // nobody else has it
	return r
}

func (v *Verifier) appraiseParsed(evidence *Evidence, expect Expect) *Report {
	r := newReport(v.config.Revocations != nil)
	if !r.begin(expect, v.config.Recorded) {
		return r
	}
	if evidence == nil || evidence.size == 0 {
		r.stop(checkEvidence, &Error{Reason: MalformedEvidence, Detail: "found no parsed evidence, expected what Verifier.Parse returns without an error"})
		return r
	}
	if failed, refused := evidence.checkAgain(v.config.Limits); refused != nil {
		r.stop(failed, refused)
		return r
	}
	// The caller may write to what is in a report, and verify the same evidence
	// again.
	v.judge(r, evidence, evidence.unverified.clone(), expect)
	return r
}

// judge makes the checks that are left after parse. The report shows u.
func (v *Verifier) judge(r *Report, evidence *Evidence, u *Unverified, expect Expect) {
	r.Unverified = u
	if v.authenticate(r, evidence) {
		v.checkFreshness(r, expect)
		v.checkPolicy(r)
		checkBinding(r, expect)
		r.conclude()
	}
}

// authenticate makes the checks from CheckKind to CheckSignature and reports
// whether all of them passed.
func (v *Verifier) authenticate(r *Report, parsed *Evidence) bool {
	document := &r.Unverified.Document
	if document.Kind != v.config.Kind {
		return r.stop(checkKind, &Error{Reason: WrongDocumentKind, Detail: fmt.Sprintf("found a document of kind %s, expected %s", document.Kind, v.config.Kind)})
	}
	r.VerifiedAt = document.Timestamp
	if !v.config.Recorded {
		r.VerifiedAt = v.config.Now()
	}
	chain, err := v.chains.Verify(certs.Chain{
		Bundle:   parsed.unverified.CABundle,
		Leaf:     parsed.unverified.Certificate,
		ModuleID: document.ModuleID,
	}, r.VerifiedAt)
	if err != nil {
		failed, reason := classify(err)
		return r.stop(failed, &Error{Reason: reason, Err: err})
	}
	if refused := parsed.envelope.verify(chain[0], v.config.Signatures); refused != nil {
		return r.stop(checkSignature, refused)
	}
	r.passThrough(checkSignature)
	r.authenticated(document, chain)
	return true
}

// classify turns the rule that a chain broke into a check and a reason.
func classify(err error) (checkID, Reason) {
	switch {
	case errors.Is(err, certs.PinnedRoot):
		return checkRoot, UntrustedRoot
	case errors.Is(err, certs.Expired):
		return checkValidity, CertificateExpired
	case errors.Is(err, certs.NotYetValid):
		return checkValidity, CertificateNotYetValid
	case errors.Is(err, certs.Revoked), errors.Is(err, certs.RevocationUnknown):
		return checkRevocation, CertificateRevoked
	case errors.Is(err, certs.Signature):
		return checkChainSignatures, InvalidChain
	default:
		return checkChain, InvalidChain
	}
}

// checkFreshness makes check 21.
func (v *Verifier) checkFreshness(r *Report, expect Expect) {
	switch {
	case expect.Nonce == nil:
		r.skip(checkNonce, "none expected")
	case matches(expect.Nonce, r.Document.Nonce):
		r.pass(checkNonce)
	default:
		r.fail(checkNonce, &Error{Reason: NonceMismatch, Detail: describeBytes("nonce", expect.Nonce, r.Document.Nonce)})
	}

	timestamp := r.Document.Timestamp
	age := r.VerifiedAt.Sub(timestamp)
	switch {
	case v.config.Recorded:
		r.skip(checkAge, "the verification time is the document's own timestamp")
	case expect.MaxAge == 0:
		r.skip(checkAge, "no limit given")
	case age > expect.MaxAge:
		r.fail(checkAge, &Error{Reason: Stale, Detail: fmt.Sprintf("found an age of %s, expected at most %s", age.Round(time.Millisecond), expect.MaxAge)})
	default:
		r.pass(checkAge)
	}

	leaf := r.Chain[0]
	switch {
	case age < -v.config.Limits.ClockSkew:
		r.fail(checkTimestamp, &Error{Reason: TimestampOutOfRange, Detail: fmt.Sprintf("found %s, expected at most %s after the verification time, %s", timestamp.Format(jsonTime), v.config.Limits.ClockSkew, r.VerifiedAt.UTC().Format(jsonTime))})
	case timestamp.Before(leaf.NotBefore) || timestamp.After(leaf.NotAfter):
		r.fail(checkTimestamp, &Error{Reason: TimestampOutOfRange, Detail: fmt.Sprintf("found %s, expected a time within the validity of the leaf, %s to %s", timestamp.Format(jsonTime), leaf.NotBefore.Format(time.RFC3339), leaf.NotAfter.Format(time.RFC3339))})
	default:
		r.pass(checkTimestamp)
	}
}

// checkPolicy makes checks 24 to 27.
func (v *Verifier) checkPolicy(r *Report) {
	r.Debug = v.config.Kind == Enclave && r.Document.PCRs.Debug()
	switch {
	case v.config.Kind == NitroTPM:
		r.skip(checkDebug, "an instance with NitroTPM has no debug mode")
	case !r.Debug:
		r.pass(checkDebug)
	case v.config.InsecureAllowDebug:
		r.skip(checkDebug, "the enclave is in debug mode, which InsecureAllowDebug lets pass")
	default:
		r.fail(checkDebug, &Error{Reason: DebugMode, Detail: "found a zero value in register 0, 1 or 2: the enclave runs in debug mode and its parent instance can read its console"})
	}

	if v.config.InsecureAnyImage {
		r.skip(checkMeasurements, "InsecureAnyImage accepts any image")
		return
	}
	image, err := v.config.Policy.Match(r.Document.PCRs)
	if err != nil {
		errors.As(err, &r.Mismatch)
		r.fail(checkMeasurements, &Error{Reason: MeasurementMismatch, Err: err})
		return
	}
	r.Image = &image
	r.pass(checkMeasurements)
}

// checkBinding makes check 28.
func checkBinding(r *Report, expect Expect) {
	for _, binding := range []struct {
		check     checkID
		name      string
		want, got []byte
		reason    Reason
	}{
		{checkUserData, "user_data", expect.UserData, r.Document.UserData, UserDataMismatch},
		{checkPublicKey, "public_key", expect.PublicKey, r.Document.PublicKey, PublicKeyMismatch},
	} {
		switch {
		case binding.want == nil:
			r.skip(binding.check, "none expected")
		case matches(binding.want, binding.got):
			r.pass(binding.check)
		default:
			r.fail(binding.check, &Error{Reason: binding.reason, Detail: describeBytes(binding.name, binding.want, binding.got)})
		}
	}
}

// describeBytes says what was found in a field and what was expected. Neither
// is secret: the document carries the one, the caller sent the other.
func describeBytes(name string, want, got []byte) string {
	found := excerpt(got)
	switch {
	case got == nil:
		found = "null"
	case len(got) == 0:
		found = "an empty value"
	}
	expected := excerpt(want)
	if len(want) == 0 {
		expected = "an empty value"
	}
	return fmt.Sprintf("%s: found %s, expected %s", name, found, expected)
}
