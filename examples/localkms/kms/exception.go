package kms

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// exception is an error as a client of AWS KMS sees it (AWS KMS API Reference,
// "Common Errors" and the errors of each operation).
type exception struct {
	name    string
	message string
}

func (e *exception) Error() string { return e.name + ": " + e.message }

func refuse(name, format string, args ...any) error {
	return &exception{name, fmt.Sprintf(format, args...)}
}

const (
	accessDenied      = "AccessDeniedException"
	incompleteAuth    = "IncompleteSignatureException"
	incorrectKey      = "IncorrectKeyException"
	invalidARN        = "InvalidArnException"
	invalidCiphertext = "InvalidCiphertextException"
	invalidSignature  = "InvalidSignatureException"
	malformedPolicy   = "MalformedPolicyDocumentException"
	missingAuth       = "MissingAuthenticationTokenException"
	notFound          = "NotFoundException"
	unknownOperation  = "UnknownOperationException"
	unrecognized      = "UnrecognizedClientException"
	validation        = "ValidationException"
)

// writeError answers with an exception. Any other error is the server's own
// trouble, which the client is told nothing about.
func (s *Server) writeError(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	var e *exception
	if !errors.As(err, &e) {
		s.config.Log.Error("internal error", "error", err)
		status, e = http.StatusInternalServerError, &exception{"KMSInternalException", "internal error"}
	}
	body, _ := json.Marshal(map[string]string{"__type": e.name, "message": e.message})
	write(w, status, body)
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone; there is nobody to tell
}
