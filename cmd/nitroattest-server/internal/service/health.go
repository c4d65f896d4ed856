package service

import (
	"context"
	"net/http"
	"time"
)

// storeTimeout limits the question whether the store answers.
const storeTimeout = 2 * time.Second

func (s *Service) health(w http.ResponseWriter, _ *http.Request, _ *entry) error {
	return writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

type readiness struct {
	Ready    bool              `json:"ready"`
	Draining bool              `json:"draining"`
	Store    string            `json:"store"` // "memory", "ok" or "unavailable"
	Policies []policyState     `json:"policies"`
	Files    []fileState       `json:"files"`
	Broken   map[string]string `json:"broken"` // by name: why the file cannot be used
}

// ready answers GET /readyz. A broken file does not make it unready: what was
// loaded before still serves, and taking every replica out of service for one
// mistake would help nobody.
func (s *Service) ready(w http.ResponseWriter, r *http.Request, _ *entry) error {
	state := readiness{Draining: s.draining.Load(), Store: "memory"}
	state.Policies, state.Broken = s.config.Policies.state()
	state.Files = s.config.Files.states()
	for _, file := range state.Files {
		if file.broken != nil {
			state.Broken["--"+file.Kind+" "+file.name()] = file.broken.Error()
		}
	}
	if s.config.StoreReady != nil {
		ctx, cancel := context.WithTimeout(r.Context(), storeTimeout)
		defer cancel()
		state.Store = "ok"
		if err := s.config.StoreReady(ctx); err != nil {
			state.Store = "unavailable"
		}
	}
	state.Ready = !state.Draining && state.Store != "unavailable" && len(state.Policies) > 0
	status := http.StatusOK
	if !state.Ready {
		status = http.StatusServiceUnavailable
	}
	return writeJSON(w, status, state)
}
