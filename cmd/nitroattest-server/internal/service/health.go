package service

import (
	"context"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// storeTimeout limits the question whether the store answers.
	storeTimeout = 2 * time.Second

	// probeAge is how old an answer may be. Anybody may ask for /readyz, where it has
	// no listener of its own, and the store writes for each probe.
	probeAge = time.Second
)

// storeProbe asks the store for all who want to know at the same time.
type storeProbe struct {
	mu    sync.Mutex
	asked time.Time // zero: never
	err   error
}

// ask does not end with the request that happens to be the first one.
func (p *storeProbe) ask(ctx context.Context, ready func(context.Context) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked.IsZero() || time.Since(p.asked) >= probeAge {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		defer cancel()
		p.err = ready(ctx)
		p.asked = time.Now()
	}
	return p.err
}

func (s *Service) health(w http.ResponseWriter, _ *http.Request, _ *entry) error {
	return writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// Bounds of what /readyz lists, for it is asked often. The numbers are of all.
const (
	listedPolicies = 20
	listedBroken   = 6
	listedText     = 500 // bytes
)

type readiness struct {
	Ready          bool              `json:"ready"`
	Draining       bool              `json:"draining"`
	Store          string            `json:"store"`    // "memory", "ok" or "unavailable"
	Policies       []policyState     `json:"policies"` // the first of them
	PoliciesLoaded int               `json:"policies_loaded"`
	Files          []fileState       `json:"files"`
	Broken         map[string]string `json:"broken"` // by name: why the file cannot be used; the first of them
	BrokenFiles    int               `json:"broken_files"`
	Warnings       []Waiver          `json:"warnings"`
}

type policyState struct {
	Name    string     `json:"name"`
	SHA256  string     `json:"sha256"`
	Version uint64     `json:"version,omitempty"` // of a signed policy
	Expires *time.Time `json:"expires,omitempty"`
}

// ready answers GET /readyz. A broken file does not make it unready: what was
// loaded before still serves, and taking every replica out of service for one
// mistake would help nobody.
func (s *Service) ready(w http.ResponseWriter, r *http.Request, _ *entry) error {
	state := readiness{Draining: s.draining.Load(), Store: "memory", Files: s.config.Files.states(), Warnings: s.config.Waivers, Broken: map[string]string{}}
	if state.Warnings == nil {
		state.Warnings = []Waiver{}
	}
	s.config.Policies.addTo(&state)
	for _, file := range state.Files {
		if file.broken != nil {
			state.addBroken("--"+file.Kind+" "+file.name(), file.broken)
		}
	}
	if s.config.StoreReady != nil {
		state.Store = "ok"
		if err := s.storeProbe.ask(r.Context(), s.config.StoreReady); err != nil {
			state.Store = "unavailable"
		}
	}
	state.Ready = !state.Draining && state.Store != "unavailable" && state.PoliciesLoaded > 0
	status := http.StatusOK
	if !state.Ready {
		status = http.StatusServiceUnavailable
	}
	return writeJSON(w, status, state)
}

func (p *Policies) addTo(state *readiness) {
	set := p.current.Load()
	state.Policies, state.PoliciesLoaded = []policyState{}, len(set.loaded)
	names := sortedKeys(set.loaded)
	for _, name := range names[:min(listedPolicies, len(names))] {
		policy := set.loaded[name]
		each := policyState{Name: name, SHA256: policy.sha256}
		if v := policy.voucher; v != nil {
			each.Version, each.Expires = v.Version, &v.Expires
		}
		state.Policies = append(state.Policies, each)
	}
	if set.err != nil {
		state.addBroken(directoryName, set.err)
	}
	for _, name := range sortedKeys(set.broken) {
		state.addBroken(name, set.broken[name].err)
	}
}

func (r *readiness) addBroken(name string, err error) {
	r.BrokenFiles++
	if len(r.Broken) < listedBroken {
		r.Broken[shorten(name)] = shorten(err.Error())
	}
}

func shorten(text string) string {
	if len(text) <= listedText {
		return text
	}
	cut := listedText
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "..."
}
