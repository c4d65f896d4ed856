package service

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"time"
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
	context, err := contextBytes(request.Context)
	if err != nil {
		return err
	}
	nonce, err := s.config.Issuer.Issue(context)
	if err != nil {
		return err
	}
	s.metrics.challenges.Inc()
	// Bytes 1 to 8 of a nonce are its expiry, see package challenge.
	expires := time.UnixMilli(int64(binary.BigEndian.Uint64(nonce[1:9]))).UTC()
	return writeJSON(w, http.StatusCreated, challengeResponse{nonce.String(), expires})
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
