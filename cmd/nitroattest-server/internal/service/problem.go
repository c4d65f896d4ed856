package service

import (
	"encoding/json"
	"net/http"
)

// problemKind is one kind of error of the service. Its name is stable and ends
// the type URI.
type problemKind struct {
	name   string
	title  string
	status int
}

// The type URIs are tags (RFC 4151): names, which RFC 9457 allows, and nothing
// to fetch.
const problemPrefix = "tag:nitroattest.github.io,2026:problem:"

var (
	invalidRequest   = &problemKind{"invalid-request", "The request cannot be understood", http.StatusBadRequest}
	notAllowed       = &problemKind{"not-allowed", "The server does not allow what the request asks for", http.StatusBadRequest}
	unknownPolicy    = &problemKind{"unknown-policy", "There is no such policy", http.StatusNotFound}
	notFound         = &problemKind{"not-found", "There is nothing here", http.StatusNotFound}
	methodNotAllowed = &problemKind{"method-not-allowed", "The path does not serve this method", http.StatusMethodNotAllowed}
	timedOut         = &problemKind{"timeout", "The request did not come in time", http.StatusRequestTimeout}
	tooLarge         = &problemKind{"too-large", "The request is too large", http.StatusRequestEntityTooLarge}
	unsupportedMedia = &problemKind{"unsupported-media-type", "The request is not JSON", http.StatusUnsupportedMediaType}
	overloaded       = &problemKind{"overloaded", "Too many requests wait already", http.StatusServiceUnavailable}
	policyExpired    = &problemKind{"policy-expired", "Nobody vouches for the policy any more", http.StatusServiceUnavailable}
	policyUnusable   = &problemKind{"policy-unusable", "The policy cannot be used now", http.StatusServiceUnavailable}
	auditUnavailable = &problemKind{"audit-unavailable", "The verdict cannot be recorded", http.StatusServiceUnavailable}
	storeUnavailable = &problemKind{"store-unavailable", "The store of challenges cannot answer", http.StatusServiceUnavailable}
	internalError    = &problemKind{"internal-error", "Something went wrong in the server", http.StatusInternalServerError}
)

// problem is an answer other than a verdict, as an error.
type problem struct {
	kind   *problemKind
	detail string // for the caller
	err    error  // for the log only, or nil
}

func (p *problem) Error() string { return p.kind.name + ": " + p.detail }

// write answers with problem details (RFC 9457, section 3).
func (p *problem) write(w http.ResponseWriter, requestID string) {
	w.Header().Set("Content-Type", "application/problem+json")
	if p.kind.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(p.kind.status)
	// What cannot be written to the client cannot be reported to it either.
	_ = json.NewEncoder(w).Encode(struct {
		Type      string `json:"type"`
		Title     string `json:"title"`
		Status    int    `json:"status"`
		Detail    string `json:"detail"`
		RequestID string `json:"request_id"`
	}{problemPrefix + p.kind.name, p.kind.title, p.kind.status, p.detail, requestID})
}
