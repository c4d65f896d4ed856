package attested

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/attestation/recipient"
)

// Challenge is what POST /challenge answers.
type Challenge struct {
	Nonce []byte `json:"nonce"` // base64 in JSON, like the other fields
}

// Evidence is what POST /session takes.
type Evidence struct {
	Document []byte `json:"document"`
}

// Session is what POST /session answers.
type Session struct {
	// Key is the session key as an envelope for the key in the document, see
	// recipient.Open.
	Key   []byte    `json:"key"`
	Until time.Time `json:"until"`
}

const maxBody = 64 << 10 // twice the largest document

func (s *Sessions) challenge(w http.ResponseWriter, _ *http.Request) {
	nonce, err := s.config.Issuer.Issue(nil)
	if err != nil {
		http.Error(w, "no challenge", http.StatusInternalServerError)
		return
	}
	answer(w, Challenge{nonce})
}

func (s *Sessions) session(w http.ResponseWriter, r *http.Request) {
	var evidence Evidence
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&evidence); err != nil {
		http.Error(w, "expected {\"document\": base64}", http.StatusBadRequest)
		return
	}
	result, err := s.verify(r, evidence.Document)
	if err != nil {
		refuse(w, err)
		return
	}
	key := rand.Text()
	envelope, err := recipient.Seal(result, []byte(key))
	if err != nil {
		http.Error(w, "expected an RSA key in public_key", http.StatusForbidden)
		return
	}
	until, err := s.open(result, key)
	if err != nil {
		http.Error(w, "too many sessions", http.StatusServiceUnavailable)
		return
	}
	answer(w, Session{envelope, until})
}

// verify takes the nonce out of the document, for everything about it is checked:
// that it is one of ours, in time, and not used before.
func (s *Sessions) verify(r *http.Request, document []byte) (*attestation.Result, error) {
	evidence, err := s.config.Verifier.Parse(document)
	if err != nil {
		return nil, err
	}
	return s.config.Issuer.VerifyParsed(r.Context(), s.config.Verifier, evidence, nil, attestation.Expect{})
}

// refuse tells the client the reason. The rest is for the log: it may name
// machines.
func refuse(w http.ResponseWriter, err error) {
	var document *attestation.Error
	var nonce *challenge.Error
	switch {
	case errors.Is(err, challenge.StoreUnavailable), errors.Is(err, challenge.StoreFull):
		http.Error(w, "try again later", http.StatusServiceUnavailable)
	case errors.As(err, &document):
		http.Error(w, string(document.Reason), http.StatusForbidden)
	case errors.As(err, &nonce):
		http.Error(w, string(nonce.Reason), http.StatusForbidden)
	default:
		http.Error(w, "refused", http.StatusForbidden)
	}
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(value) // the client may have gone
}
