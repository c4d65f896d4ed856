package attested

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/challenge"
)

// Config says who gets a session. All fields are required.
type Config struct {
	Verifier *attestation.Verifier
	Issuer   *challenge.Issuer
	Lifetime time.Duration // of a session
	Capacity int           // sessions at a time; when there are more, no new ones
}

// Sessions gives out sessions and knows them again. It is safe for concurrent
// use.
type Sessions struct {
	config Config

	mu       sync.Mutex
	sessions map[[sha256.Size]byte]session
}

type session struct {
	result *attestation.Result
	until  time.Time
}

// New returns an empty set of sessions.
func New(config Config) (*Sessions, error) {
	if config.Verifier == nil || config.Issuer == nil || config.Lifetime <= 0 || config.Capacity <= 0 {
		return nil, errors.New("attested: Config: found a field that is not set, expected all of them")
	}
	return &Sessions{config: config, sessions: map[[sha256.Size]byte]session{}}, nil
}

var errFull = errors.New("attested: too many sessions")

// open begins a session and returns when it ends. Only the digest of the key is
// kept, so that looking it up takes no time that depends on the key.
func (s *Sessions) open(result *attestation.Result, key string) (time.Time, error) {
	now := time.Now()
	until := now.Add(s.config.Lifetime)
	if result.FreshUntil.Before(until) {
		until = result.FreshUntil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sessions) >= s.config.Capacity {
		for digest, session := range s.sessions {
			if !now.Before(session.until) {
				delete(s.sessions, digest)
			}
		}
	}
	if len(s.sessions) >= s.config.Capacity {
		return time.Time{}, errFull
	}
	s.sessions[sha256.Sum256([]byte(key))] = session{result, until}
	return until, nil
}

func (s *Sessions) find(key string) (*attestation.Result, bool) {
	digest := sha256.Sum256([]byte(key))
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.sessions[digest]
	if !ok || !time.Now().Before(found.until) {
		delete(s.sessions, digest)
		return nil, false
	}
	return found.result, true
}

// Handler returns the whole service: the two paths that lead to a session, and
// next behind them.
func (s *Sessions) Handler(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /challenge", s.challenge)
	mux.HandleFunc("POST /session", s.session)
	mux.Handle("/", s.Require(next))
	return mux
}

// Require lets only requests with a session through. The handler behind it finds
// the enclave with From.
func (s *Sessions) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		result, found := s.find(key)
		if !ok || !found {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "no session: attest first", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), resultKey{}, result)))
	})
}

type resultKey struct{}

// From returns what was verified about the enclave behind a request. It panics
// in a handler that is not behind Require, which would answer to anyone.
func From(r *http.Request) *attestation.Result {
	result, ok := r.Context().Value(resultKey{}).(*attestation.Result)
	if !ok {
		panic(fmt.Sprintf("attested: the handler of %s is not behind Require", r.URL.Path))
	}
	return result
}
