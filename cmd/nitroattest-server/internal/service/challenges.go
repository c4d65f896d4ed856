package service

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/nitroattest/nitroattest/attestation/challenge"
)

type challengeRequest struct {
	Context *string `json:"context"`
}

type challengeResponse struct {
	Challenge string    `json:"challenge"`
	ExpiresAt time.Time `json:"expires_at"`
}

// issue answers POST /v1/challenges. Nothing is stored.
func (s *Service) issue(w http.ResponseWriter, r *http.Request, _ *entry) error {
	m := takeScratch(s.bodies)
	defer m.release()
	var request challengeRequest
	if _, err := readJSON(w, r, m, &request); err != nil {
		return err
	}
	given, err := contextBytes(request.Context)
	if err != nil {
		return err
	}
	bound, _ := s.bind(r.Context(), given)
	nonce, err := s.config.Issuer.Issue(bound)
	if err != nil {
		return err
	}
	s.metrics.challenges.Inc()
	// Bytes 1 to 8 of a nonce are its expiry, see package challenge.
	expires := time.UnixMilli(int64(binary.BigEndian.Uint64(nonce[1:9]))).UTC()
	return writeJSON(w, http.StatusCreated, challengeResponse{nonce.String(), expires})
}

// bind returns the context by which the issuer knows an exchange, and one with
// which to redeem its challenge.
func (s *Service) bind(ctx context.Context, given []byte) ([]byte, context.Context) {
	if s.config.Epochs == nil {
		return given, ctx
	}
	return s.config.Epochs.Bind(ctx, given)
}

// refuseEarly refuses a challenge that cannot be redeemed in any case, at the cost
// of a MAC. One that looks foreign may be of an epoch that this replica does not
// know yet.
func (s *Service) refuseEarly(ctx context.Context, nonce challenge.Nonce, given []byte) (bound []byte, redeeming context.Context, err error) {
	bound, redeeming = s.bind(ctx, given)
	err = s.config.Issuer.RefuseEarly(nonce, bound)
	if s.config.Epochs == nil || !errors.Is(err, challenge.Unknown) {
		return bound, redeeming, err
	}
	if err := s.config.Epochs.Refresh(ctx); err != nil {
		return nil, nil, storeProblem(err) // the challenge may be a good one
	}
	bound, redeeming = s.bind(ctx, given)
	return bound, redeeming, s.config.Issuer.RefuseEarly(nonce, bound)
}

// redeem uses a challenge up.
func (s *Service) redeem(ctx context.Context, nonce challenge.Nonce, bound []byte) error {
	err := s.config.Issuer.Redeem(ctx, nonce, bound)
	if s.config.Epochs != nil && err != nil && s.config.Epochs.Ended(err) {
		if err := s.config.Epochs.Refresh(ctx); err != nil {
			return storeProblem(err) // there is no other epoch, and so no use in another challenge
		}
		// Without the cause: that is of a store that cannot tell, and this one can.
		return &challenge.Error{Reason: challenge.Unknown, Detail: "its epoch has ended"}
	}
	return err
}

func storeProblem(err error) error {
	return &problem{kind: storeUnavailable, detail: "nothing was accepted; the challenge can be tried again until it expires", err: err}
}

func writeJSON(w http.ResponseWriter, status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return writeBody(w, status, "application/json", body)
}

func writeBody(w http.ResponseWriter, status int, media string, body []byte) error {
	w.Header().Set("Content-Type", media)
	w.WriteHeader(status)
	// A client that has gone is nobody's mistake.
	_, _ = w.Write(body)
	return nil
}
