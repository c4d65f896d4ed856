package attestation

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/pcr"
)

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
	if !r.begin(&expect, &v.config) {
		return r
	}
	parsed, failed, refused := parse(evidence, v.config.Limits)
	if refused != nil {
		if parsed != nil {
			r.Unverified = &parsed.unverified
		}
		r.stop(failed, refused)
		return r
	}
	v.judge(r, parsed, &parsed.unverified, expect) // nobody else has it
	return r
}

func (v *Verifier) appraiseParsed(evidence *Evidence, expect Expect) *Report {
	r := newReport(v.config.Revocations != nil)
	if !r.begin(&expect, &v.config) {
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
		checkExchange(r, expect.PCRs)
		checkBinding(r, expect)
		r.conclude(evidence)
	}
}

// authenticate makes the checks from CheckKind to CheckSignature and reports
// whether all of them passed.
func (v *Verifier) authenticate(r *Report, parsed *Evidence) bool {
	document := &r.Unverified.Document
	if document.Kind != v.config.Kind {
		return r.stop(checkKind, &Error{Reason: WrongDocumentKind, Detail: fmt.Sprintf("found a document of kind %s, expected %s", document.Kind, v.config.Kind)})
	}
	if refused := checkModuleID(document.Kind, document.ModuleID, v.config.InsecureAnyModuleID); refused != nil {
		return r.stop(checkKind, refused)
	}
	if !document.HasKnownModuleID() {
		r.skip(checkKind, "module_id has a form that no recorded document has, which InsecureAnyModuleID lets pass")
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
		refused := &Error{Reason: reason, Err: err}
		if parsed.unverified.Unsigned {
			refused.unsigned(signatureSize)
		}
		return r.stop(failed, refused)
	}
	if refused := parsed.envelope.verify(chain[0], v.config.Signatures); refused != nil {
		if parsed.unverified.Unsigned {
			refused.unsigned(signatureSize)
		}
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

// checkFreshness makes CheckNonce, CheckAge and CheckTimestamp.
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

// checkPolicy makes CheckDebug and CheckMeasurements.
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
	image, err := v.images.Match(r.Document.PCRs)
	if err != nil {
		errors.As(err, &r.Mismatch)
		r.fail(checkMeasurements, &Error{Reason: MeasurementMismatch, Err: err})
		return
	}
	r.Matched = &image
	r.pass(checkMeasurements)
}

// checkExchange makes CheckExchangeRegisters. All registers are compared, and
// one that the document lacks is a mismatch.
func checkExchange(r *Report, want pcr.Bank) {
	if r.Matched != nil {
		for _, register := range r.Matched.Exchange {
			if _, ok := want[register]; !ok {
				r.fail(checkExchangeRegisters, &Error{Reason: RegisterMismatch, Detail: fmt.Sprintf("PCR%d: the image %q needs an expectation of its value in every exchange, and there is none", register, r.Matched.Name)})
				return
			}
		}
	}
	if want == nil {
		r.skip(checkExchangeRegisters, "none expected")
		return
	}
	var differing []string
	for _, register := range want.Registers() {
		c := pcr.Comparison{Register: register, Want: want[register]}
		if got, ok := r.Document.PCRs[register]; ok {
			c.Got = &got
		}
		r.Registers = append(r.Registers, c)
		if !c.Equal() {
			found := "nothing"
			if c.Got != nil {
				found = c.Got.String()
			}
			differing = append(differing, fmt.Sprintf("PCR%d: found %s, expected %s", register, found, c.Want))
		}
	}
	if differing != nil {
		r.fail(checkExchangeRegisters, &Error{Reason: RegisterMismatch, Detail: strings.Join(differing, "; ")})
		return
	}
	r.pass(checkExchangeRegisters)
}

// checkBinding makes CheckUserData and CheckPublicKey.
func checkBinding(r *Report, expect Expect) {
	for _, binding := range []struct {
		check     checkID
		name      string
		want, got []byte
		null      bool
		reason    Reason
	}{
		{checkUserData, "user_data", expect.UserData, r.Document.UserData, expect.NoUserData, UserDataMismatch},
		{checkPublicKey, "public_key", expect.PublicKey, r.Document.PublicKey, expect.NoPublicKey, PublicKeyMismatch},
	} {
		switch {
		case binding.null && binding.got == nil:
			r.pass(binding.check)
		case binding.null: // want is nil, which describeBytes calls null
			r.fail(binding.check, &Error{Reason: binding.reason, Detail: describeBytes(binding.name, nil, binding.got)})
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
	return fmt.Sprintf("%s: found %s, expected %s", name, describe(got), describe(want))
}

func describe(value []byte) string {
	switch {
	case value == nil:
		return "null"
	case len(value) == 0:
		return "an empty value"
	}
	return excerpt(value)
}
