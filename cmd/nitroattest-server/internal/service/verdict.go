package service

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/challenge"
)

// verdict is what came of a document: the report, and a challenge that may have
// been refused before there was one or when it was good.
type verdict struct {
	report           *attestation.Report
	reason, detail   string // empty: accepted
	challengeRefused bool
}

const (
	detailOfChallenge   = "the document passed every check and its challenge was refused"
	detailOfUnappraised = "the challenge was refused, and so the document was not looked at"
)

// notAppraised stands for a document that nobody has looked at. It says nothing
// but that: not authentic, no check made, no field known.
func notAppraised() *attestation.Report {
	return &attestation.Report{Checks: []attestation.Check{}}
}

// refuseChallenge makes the verdict for a challenge that was refused: after the
// document passed every check, or before it was looked at. Where nobody knows what
// to think of the challenge there is none.
func refuseChallenge(report *attestation.Report, err error) (*verdict, error) {
	var unknown *problem
	if errors.As(err, &unknown) {
		return nil, unknown
	}
	var refused *challenge.Error
	if !errors.As(err, &refused) {
		return nil, fmt.Errorf("challenge: %w", err) // readExchange has let through what it should not
	}
	detail := detailOfUnappraised
	if report.Accepted() {
		detail = detailOfChallenge
	}
	return &verdict{report, string(refused.Reason), detail, true}, nil
}

func (v *verdict) accepted() bool { return v.reason == "" && v.report.Accepted() }

// Values of "challenge" in a verdict.
const (
	challengeRedeemed = "redeemed"     // used up by this document
	challengeUnused   = "not-redeemed" // the document was refused; it is as good as before
	challengeRefused  = "refused"      // for the reason of the verdict
)

// head is what every verdict begins with.
type head struct {
	Report       string          `json:"report"` // full or brief, so that programs know the rest
	Policy       string          `json:"policy"`
	PolicySHA256 string          `json:"policy_sha256"`
	SignedPolicy json.RawMessage `json:"signed_policy"` // nil: null, nobody vouches for it
	Challenge    *string         `json:"challenge"`
	EAR          *string         `json:"ear"`
}

// json puts the members of the head before those of the report, whose accepted,
// reason and detail speak for the whole.
//
// A brief verdict is written to m.
func (v *verdict) json(x *exchange, token string, m *scratch) ([]byte, error) {
	head := head{Report: reportFull, Policy: x.policy.name, PolicySHA256: x.policy.sha256, SignedPolicy: x.policy.voucherJSON}
	if x.nonce != nil {
		state := v.challengeState()
		head.Challenge = &state
	}
	if token != "" {
		head.EAR = &token
	}
	if x.brief {
		head.Report = reportBrief
		m.answer = v.brief(m.answer[:0], head)
		return m.answer, nil
	}
	first, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	report, err := v.reportJSON()
	if err != nil {
		return nil, err
	}
	return append(append(first[:len(first)-1], ','), report[1:]...), nil
}

func (v *verdict) challengeState() string {
	switch {
	case v.challengeRefused:
		return challengeRefused
	case v.accepted():
		return challengeRedeemed
	default:
		return challengeUnused
	}
}

func (v *verdict) reportJSON() ([]byte, error) {
	report, err := v.report.MarshalJSON()
	if err != nil || !v.challengeRefused {
		return report, err
	}
	// The report knows nothing of the challenge. If the document passed, the
	// exchange did not, and nothing in the answer may say that it was accepted.
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(report, &members); err != nil {
		return nil, err
	}
	members["accepted"] = json.RawMessage("false")
	members["reason"] = json.RawMessage(`"` + v.reason + `"`)
	members["detail"] = json.RawMessage(`"` + v.detail + `"`)
	return json.Marshal(members)
}
