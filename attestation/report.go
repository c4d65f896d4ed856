package attestation

import (
	"crypto/x509"
	"errors"
	"time"

	"github.com/nitroattest/nitroattest/pcr"
)

// Report is the outcome of every check on one document, accepted or refused,
// for auditors. That a field is set does not mean that the document was
// accepted: only [Report.Accepted] and [Report.Result] say so. A service that
// has to decide uses [Verifier.Verify], which returns nothing of a document that
// is refused.
type Report struct {
	Checks []Check // all of them, in the order of the constants

	// Document is set when the document is authentic, even where it is refused
	// for freshness, policy or binding. Otherwise Unverified holds what could be
	// decoded, which may be forged, or nil.
	Document   *Document
	Unverified *Unverified

	Chain []*x509.Certificate // leaf first; set when the document is authentic
	Image *pcr.Image          // of the policy; nil unless the document is accepted
	// Matched is the image of the policy whose registers an authentic document
	// has, even where it is refused for something else, or nil. Mismatch is how
	// each image differs when none matched, or nil.
	Matched  *pcr.Image
	Mismatch *pcr.MismatchError
	// Registers compares those of Expect.PCRs, in ascending order, of an authentic
	// document.
	Registers  []pcr.Comparison
	Debug      bool      // the enclave is authentic and in debug mode
	VerifiedAt time.Time // zero when the document could not be decoded

	outcomes  [checkCount]outcome
	authentic bool
	err       error // the first failure, or the mistake in Expect
	freshness Freshness
	result    *Result // set when every check passed
}

var errNoAppraisal = errors.New("attestation: this Report is not of an appraisal")

// outcome is a Check before anybody asked to see it.
type outcome struct {
	status  Status
	refused *Error // of a check that failed
	skipped string // why it was
}

func newReport(revocations bool) *Report {
	r := new(Report)
	for i := range r.outcomes {
		r.outcomes[i].status = NotReached
	}
	if !revocations {
		r.skip(checkRevocation, "not asked for")
	}
	return r
}

// begin reports whether expect can be used. If not, nothing is appraised.
func (r *Report) begin(expect *Expect, config *Config) bool {
	r.err = expect.validate(config)
	r.freshness = Freshness{Nonce: expect.Nonce != nil, MaxAge: expect.MaxAge, Recorded: config.Recorded}
	return r.err == nil
}

// Accepted reports whether every check passed.
func (r *Report) Accepted() bool { return r.result != nil }

// Authentic reports whether a genuine Nitro hypervisor signed the document,
// under a root that is trusted and with certificates valid at the
// verification time.
func (r *Report) Authentic() bool { return r.authentic }

// Result returns what [Verifier.Verify] returns for the same document.
func (r *Report) Result() (*Result, error) {
	if r.result == nil && r.err == nil {
		return nil, errNoAppraisal
	}
	return r.result, r.err
}

// conclude makes the result, unless a check failed.
func (r *Report) conclude(evidence *Evidence) {
	if r.err != nil {
		return
	}
	r.Image = r.Matched
	result := Result{
		Document:   *r.Document,
		Chain:      r.Chain,
		VerifiedAt: r.VerifiedAt,
		FreshUntil: freshUntil(r.Chain),
		Debug:      r.Debug,
		Freshness:  r.freshness,
	}
	if r.Image != nil {
		result.Image = *r.Image
	}
	r.result = newResult(result, evidence)
}

// list fills Checks.
func (r *Report) list() {
	r.Checks = make([]Check, checkCount)
	for id, o := range r.outcomes {
		r.Checks[id] = Check{Name: checkNames[id], Status: o.status, Detail: o.skipped}
		if o.refused != nil {
			r.Checks[id].Reason, r.Checks[id].Detail = o.refused.Reason, o.refused.detail()
		}
	}
}

func (r *Report) pass(id checkID) { r.outcomes[id] = outcome{status: Pass} }

// passThrough passes every check up to id that has no status yet.
func (r *Report) passThrough(id checkID) {
	for i := range r.outcomes[:id+1] {
		if r.outcomes[i].status == NotReached {
			r.outcomes[i].status = Pass
		}
	}
}

func (r *Report) skip(id checkID, why string) {
	r.outcomes[id] = outcome{status: Skipped, skipped: why}
}

// fail records a failure. The first one gives the document its reason.
func (r *Report) fail(id checkID, refused *Error) {
	r.outcomes[id] = outcome{status: Fail, refused: refused}
	if r.err == nil {
		r.err = refused
	}
}

// stop records the failure of a check that tells whether the document is
// authentic. What comes before it has passed; nothing after it is looked at.
func (r *Report) stop(id checkID, refused *Error) bool {
	r.fail(id, refused)
	r.passThrough(id)
	if id == checkValidity {
		// The walk looks at the periods before it looks at the chain as a whole.
		r.outcomes[checkChain].status = NotReached
	}
	return false
}

func (r *Report) authenticated(document *Document, chain []*x509.Certificate) {
	r.authentic, r.Document, r.Unverified, r.Chain = true, document, nil, chain
}
