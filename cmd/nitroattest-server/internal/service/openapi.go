package service

import (
	_ "embed"
	"net/http"
)

// description is the OpenAPI 3.1 description of the service. The tests hold the
// handlers to it.
//
//go:embed openapi.json
var description []byte

func (s *Service) openAPI(w http.ResponseWriter, _ *http.Request, _ *entry) error {
	return writeBody(w, http.StatusOK, "application/json", description)
}
