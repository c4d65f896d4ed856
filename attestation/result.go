package attestation

import (
	"bytes"
	"crypto/x509"
	"maps"
	"slices"
	"time"

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
	Freshness  Freshness // what says that the document is no replay

	made *making // nil unless a Verifier made it
}

// Freshness is how an exchange stated freshness. Its zero value says that
// nothing keeps the document from being a replay: InsecureNoFreshness.
type Freshness struct {
	Nonce    bool          // the document carries the nonce of this exchange
	MaxAge   time.Duration // it was no older than this; zero: no limit was given
	Recorded bool          // it was appraised as of its own timestamp, see Config.Recorded
}

// Waived names the options by which this result went round a check: Recorded,
// InsecureAnyImage, InsecureNoFreshness (neither a nonce nor an age was asked
// for), InsecureAllowDebug (of an enclave that is in debug mode) and
// InsecureAnyModuleID (of a module ID whose form is unknown). It is empty
// for a result that a secret may be released to, and never for one that
// [Result.Verified] denies.
func (r *Result) Waived() []string {
	if !r.Verified() {
		return []string{"unverified"}
	}
	var out []string
	for _, waived := range []struct {
		name string
		is   bool
	}{
		{"Recorded", r.Freshness.Recorded},
		{"InsecureAnyImage", len(r.Image.PCRs) == 0},
		{"InsecureNoFreshness", !r.Freshness.Recorded && !r.Freshness.Nonce && r.Freshness.MaxAge == 0},
		{"InsecureAllowDebug", r.Debug},
		{"InsecureAnyModuleID", !r.Document.HasKnownModuleID()},
	} {
		if waived.is {
			out = append(out, waived.name)
		}
	}
	return out
}

// Verified reports whether a Verifier made this result, and nobody changed it
// or a copy of it since. It says nothing of what the verifier was told to go
// round, see [Result.Waived]. Code that releases a secret to a Result asks, so
// that one put together by hand opens nothing.
func (r *Result) Verified() bool { return r != nil && r.made != nil && r.equal(r.made) }

// making is what a Result was made of, which nobody else has a pointer to.
type making struct {
	evidence *Evidence
	rest     Result // but for Document
}

// newResult makes a result that knows what it is made of.
func newResult(r Result, evidence *Evidence) *Result {
	rest := r
	rest.Document, rest.Chain = Document{}, slices.Clone(r.Chain)
	rest.Image.PCRs, rest.Image.Exchange = maps.Clone(r.Image.PCRs), slices.Clone(r.Image.Exchange)
	r.made = &making{evidence, rest}
	return &r
}

// equal compares all that is exported with what it was made of. The document is
// decoded once more, from the bytes that were signed.
func (r *Result) equal(made *making) bool {
	parsed, _, refused := parsePayload(made.evidence.envelope, Limits{FieldSize: maxEvidenceSize})
	other := &made.rest
	return refused == nil && r.Document.equal(&parsed.unverified.Document) &&
		r.Image.Name == other.Image.Name && maps.Equal(r.Image.PCRs, other.Image.PCRs) &&
		slices.Equal(r.Image.Exchange, other.Image.Exchange) && r.Image.Source == other.Image.Source &&
		slices.Equal(r.Chain, other.Chain) &&
		r.VerifiedAt.Equal(other.VerifiedAt) && r.FreshUntil.Equal(other.FreshUntil) &&
		r.Debug == other.Debug && r.Freshness == other.Freshness
}

func (d *Document) equal(other *Document) bool {
	same := func(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }
	return d.Kind == other.Kind && d.ModuleID == other.ModuleID && d.Timestamp.Equal(other.Timestamp) &&
		d.Digest == other.Digest && maps.Equal(d.PCRs, other.PCRs) &&
		same(d.PublicKey, other.PublicKey) && same(d.UserData, other.UserData) && same(d.Nonce, other.Nonce) &&
		slices.Equal(d.UnknownFields, other.UnknownFields)
}

func (d Document) clone() Document {
	d.PCRs = maps.Clone(d.PCRs)
	d.PublicKey, d.UserData, d.Nonce = bytes.Clone(d.PublicKey), bytes.Clone(d.UserData), bytes.Clone(d.Nonce)
	d.UnknownFields = slices.Clone(d.UnknownFields)
	return d
}

func freshUntil(chain []*x509.Certificate) time.Time {
	until := chain[0].NotAfter
	for _, cert := range chain[1:] {
		if cert.NotAfter.Before(until) {
			until = cert.NotAfter
		}
	}
	return until
}
