package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/challenge"
)

type verifyRequest struct {
	Policy      string         `json:"policy"`
	Document    evidence       `json:"document"`
	Challenge   *string        `json:"challenge"`
	Context     *string        `json:"context"`
	MaxAge      *int64         `json:"max_age"`
	UserData    *string        `json:"user_data"`
	PublicKey   *string        `json:"public_key"`
	NoUserData  bool           `json:"no_user_data"`
	NoPublicKey bool           `json:"no_public_key"`
	PCRs        jsontext.Value `json:"pcrs"`
	EAR         string         `json:"ear"`
	Report      string         `json:"report"`
}

// Values of "ear".
const (
	earNever    = "never"
	earAccepted = "accepted"
	earAlways   = "always"
)

// Values of "report".
const (
	reportFull  = "full"
	reportBrief = "brief"
)

// exchange is a request that could be understood.
type exchange struct {
	policy   *loaded
	evidence []byte
	nonce    challenge.Nonce // nil: none
	context  []byte
	expect   attestation.Expect
	ear      string
	brief    bool
}

// verify answers POST /v1/verify.
func (s *Service) verify(w http.ResponseWriter, r *http.Request, e *entry) error {
	m := takeScratch(s.bodies)
	defer m.release()
	x, err := s.readExchange(w, r, m)
	if err != nil {
		return err
	}
	e.add(slog.String("policy", x.policy.name))
	v, err := s.appraise(r.Context(), x)
	if err != nil {
		return err
	}
	s.metrics.verdict(x.policy.name, v.reason)
	e.add(slog.Bool("accepted", v.accepted()), slog.String("reason", v.reason))
	if document := v.report.Document; document != nil {
		e.add(slog.String("module_id", document.ModuleID))
	}
	if err := s.audit(r, e, x, v); err != nil {
		return err
	}
	token, err := s.token(x, v)
	if err != nil {
		return err
	}
	body, err := v.json(x, token, m)
	if err != nil {
		return err
	}
	return writeBody(w, http.StatusOK, "application/json", body)
}

// appraise verifies the document and, when it passed, redeems the challenge. One
// that cannot be redeemed in any case is refused first, at the cost of a MAC.
func (s *Service) appraise(ctx context.Context, x *exchange) (*verdict, error) {
	var bound []byte
	redeeming := ctx
	if x.nonce != nil {
		var err error
		if bound, redeeming, err = s.refuseEarly(ctx, x.nonce, x.context); err != nil {
			return refuseChallenge(notAppraised(), err)
		}
	}
	report, err := s.reportWithLists(ctx, x)
	if err != nil {
		return nil, err
	}
	v := &verdict{report: report}
	if _, err := report.Result(); err != nil {
		var refused *attestation.Error
		if !errors.As(err, &refused) {
			return nil, fmt.Errorf("verifying: %w", err) // readExchange has let through what it should not
		}
		v.reason, v.detail = string(refused.Reason), strings.TrimPrefix(refused.Error(), string(refused.Reason)+": ")
		return v, nil
	}
	if x.nonce == nil {
		return v, nil
	}
	err = s.redeem(redeeming, x.nonce, bound)
	switch {
	case err == nil:
		return v, nil
	case errors.Is(err, challenge.StoreUnavailable), errors.Is(err, challenge.StoreFull):
		return nil, storeProblem(err)
	default:
		return refuseChallenge(report, err)
	}
}

// report makes the checks of package attestation. A document that does not parse
// costs less to refuse than to queue.
func (s *Service) report(ctx context.Context, x *exchange) (*attestation.Report, error) {
	parsed, err := x.policy.verifier.Parse(x.evidence)
	if err == nil {
		if err := s.gate.enter(ctx); err != nil {
			return nil, err
		}
		defer s.gate.leave()
	}
	start := time.Now()
	defer func() { s.metrics.verification.Observe(time.Since(start).Seconds()) }()
	if err != nil {
		return x.policy.verifier.Appraise(x.evidence, x.expect), nil
	}
	return x.policy.verifier.AppraiseParsed(parsed, x.expect), nil
}

func (s *Service) readExchange(w http.ResponseWriter, r *http.Request, m *scratch) (*exchange, error) {
	request := verifyRequest{Document: evidence{scratch: m}}
	read := s.readVerifyJSON
	if isCOSE(r.Header) {
		read = s.readVerifyCOSE
	}
	if err := read(w, r, m, &request); err != nil {
		return nil, err
	}
	x := &exchange{}
	var err error
	if x.policy, err = s.config.Policies.get(request.Policy, time.Now()); err != nil {
		return nil, err
	}
	if err := s.readEAR(request.EAR, x); err != nil {
		return nil, err
	}
	switch request.Report {
	case "", reportFull:
	case reportBrief:
		x.brief = true
	default:
		return nil, invalid("report", "found another value, expected %s or %s", reportFull, reportBrief)
	}
	if err := s.readFreshness(&request, x); err != nil {
		return nil, err
	}
	if err := s.readBinding(&request, x); err != nil {
		return nil, err
	}
	if x.evidence, err = request.Document.decoded(); err != nil {
		return nil, invalid("document", "%s", err)
	}
	return x, nil
}

func (s *Service) readVerifyJSON(w http.ResponseWriter, r *http.Request, m *scratch, request *verifyRequest) error {
	found, err := readJSON(w, r, m, request)
	switch {
	case err != nil:
		return err
	case !found:
		return invalid("body", "empty, expected a JSON object")
	case r.URL.RawQuery != "":
		return invalid("query", "found one, expected none with a JSON body")
	}
	return nil
}

func (s *Service) readEAR(when string, x *exchange) error {
	switch when {
	case "":
		x.ear = earNever
	case earNever, earAccepted, earAlways:
		x.ear = when
	default:
		return invalid("ear", "found another value, expected %s, %s or %s", earNever, earAccepted, earAlways)
	}
	if x.ear != earNever && s.config.Signer == nil {
		return &problem{kind: notAllowed, detail: "ear: this server has no key to sign attestation results with"}
	}
	return nil
}

func (s *Service) readFreshness(request *verifyRequest, x *exchange) error {
	if request.MaxAge != nil {
		seconds := *request.MaxAge
		if seconds < 1 || seconds > int64(MaxAgeLimit/time.Second) {
			return invalid("max_age", "found %d, expected 1 to %d seconds", seconds, int64(MaxAgeLimit/time.Second))
		}
		x.expect.MaxAge = time.Duration(seconds) * time.Second
	}
	if request.Challenge == nil {
		switch {
		case request.Context != nil:
			return invalid("context", "found it without a challenge")
		case request.MaxAge == nil && s.config.MaxAge == 0:
			return invalid("challenge", "absent, expected one of POST /v1/challenges")
		case request.MaxAge == nil:
			return invalid("challenge", "absent, and so is max_age: expected one of them")
		case s.config.MaxAge == 0:
			return &problem{kind: notAllowed, detail: "max_age: this server does not accept it in place of a challenge"}
		case x.expect.MaxAge > s.config.MaxAge:
			return &problem{kind: notAllowed, detail: fmt.Sprintf("max_age: this server accepts at most %d seconds in place of a challenge", int64(s.config.MaxAge/time.Second))}
		}
		return nil
	}
	var err error
	if x.nonce, err = challenge.ParseNonce(*request.Challenge); err != nil {
		return invalid("challenge", "expected what POST /v1/challenges gave out, 76 characters of base64url")
	}
	x.expect.Nonce = x.nonce
	x.context, err = contextBytes(request.Context)
	return err
}
