package api

import (
	"encoding/json"
	"errors"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/input"
	"github.com/nitroattest/nitroattest/internal/settings"
)

// reportJSON is what Appraise returns: the report of package attestation, what
// to do about a refusal, and who vouches for the policy, if it is signed.
type reportJSON struct {
	attestation.ReportJSON
	Hint    string            `json:"hint"`
	Voucher *settings.Voucher `json:"policy"`
}

// Appraise returns the report on one document in JSON. What is no document in
// any form is refused in the report too, with an empty reason and a detail. The
// error is about the settings alone.
func (l *Library) Appraise(document, text []byte) ([]byte, error) {
	p, err := l.prepare(text)
	if err != nil {
		return nil, err
	}
	out := reportJSON{Voucher: p.asked.Origin.Voucher}
	if report, err := p.appraise(document); err != nil {
		out.ReportJSON = (&attestation.Report{}).JSON()
		out.Detail = err.Error()
	} else {
		out.ReportJSON = report.JSON()
		out.Hint = hint(report)
	}
	return json.Marshal(out)
}

func (p *prepared) appraise(document []byte) (*attestation.Report, error) {
	evidence, err := decode(document)
	if err != nil {
		return nil, err
	}
	return p.verifier.Appraise(evidence, p.expect), nil
}

func decode(document []byte) ([]byte, error) {
	if len(document) > input.MaxSize {
		return nil, errors.New("found more than 1 MiB, expected an attestation document, which has some thousand bytes")
	}
	return input.Decode(document)
}

func hint(r *attestation.Report) string {
	var refused *attestation.Error
	if _, err := r.Result(); errors.As(err, &refused) {
		// kind helps only where the document is whole and of the other kind.
		if u := r.Unverified; refused.Reason == attestation.WrongDocumentKind && (u == nil || !u.Document.HasKnownModuleID()) {
			return ""
		}
		return hints[refused.Reason]
	}
	return ""
}

// hints say what to do about a refusal, in the names of the settings.
var hints = map[attestation.Reason]string{
	attestation.MalformedEvidence:      "a document is a COSE_Sign1 as the Nitro Security Module returns it: raw, base64, hex, or JSON with it inside",
	attestation.WrongDocumentKind:      "documents of enclaves and of NitroTPM instances come from the same root; kind says which one you asked for",
	attestation.UntrustedRoot:          "only AWS's commercial root is trusted by itself; partition names that of another partition, roots are some of your own",
	attestation.CertificateExpired:     "the leaf certificate of a document lasts three hours; recorded appraises a document of the past as of its own timestamp",
	attestation.CertificateNotYetValid: "is the clock of this machine right? recorded appraises a document of the past as of its own timestamp",
	attestation.DebugMode:              "an enclave in debug mode keeps no secret from its parent instance; insecure_allow_debug accepts it all the same, for development",
	attestation.Stale:                  "ask the enclave for a new document, or allow more with max_age",
	attestation.NonceMismatch:          "the document is the answer to another challenge, or a replay",
	attestation.TimestampOutOfRange:    "is the clock of this machine right?",
}
