package attestedtls

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Attester makes attestation documents: the *nsm.Device of an enclave, or the
// *attestationtest.NSM of a simulated one. It has to be safe for concurrent
// use.
type Attester interface {
	Attest(userData, nonce, publicKey []byte) (document []byte, err error)
}

// Bounds on the nonces that a Handler takes. Shorter ones are no challenge;
// longer ones do not fit into a document.
const (
	MinServedNonce = 8
	MaxServedNonce = 1024
)

// DefaultRate is how many documents a Handler gives out in a second.
const DefaultRate = 50

// HandlerConfig says how a server offers its documents.
type HandlerConfig struct {
	// Attester makes the documents. Required.
	Attester Attester
	// Certificate returns the certificate that the server uses on the connection
	// that the request came on. Required.
	Certificate func(*http.Request) (*x509.Certificate, error)
	// Claim says what the documents hold for the certificate. Nil:
	// ClaimCertificateHash, which clients expect by default.
	Claim Claim
	// Rate is how many documents are given out in a second, to all clients
	// together, to spare the module and leave it to the application. Zero: 50.
	Rate int
	// ErrorLog is told when the Attester or Certificate fails, which clients are
	// not told about in detail. Nil: the standard logger.
	ErrorLog *log.Logger
}

// handler answers GET with ?nonce=<hex>.
type handler struct {
	config HandlerConfig
	rate   *bucket
}

// NewHandler returns a handler of one path, [DefaultPath] if clients are to find
// it without being told. It answers GET requests with the query nonce=<hex> by a
// document in binary form, application/cose. To every other request it answers
// with an error: 400 for a nonce that is absent, repeated, not hex or not of 8
// to 1024 bytes, 405 for another method, 429 above the rate, 500 if no document
// could be made.
//
// An [Identity] is a handler too, and knows the certificate.
func NewHandler(config HandlerConfig) (http.Handler, error) {
	switch {
	case config.Attester == nil:
		return nil, errors.New("attestedtls: HandlerConfig.Attester: nil")
	case config.Certificate == nil:
		return nil, errors.New("attestedtls: HandlerConfig.Certificate: nil")
	case config.Rate < 0:
		return nil, fmt.Errorf("attestedtls: HandlerConfig.Rate: found %d, expected a positive number", config.Rate)
	}
	if config.Claim == nil {
		config.Claim = ClaimCertificateHash
	}
	if config.Rate == 0 {
		config.Rate = DefaultRate
	}
	if config.ErrorLog == nil {
		config.ErrorLog = log.Default()
	}
	return &handler{config, newBucket(config.Rate, time.Now)}, nil
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "expected GET", http.StatusMethodNotAllowed)
		return
	}
	nonce, err := readNonce(r.URL.RawQuery)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !h.rate.take() {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many requests for documents", http.StatusTooManyRequests)
		return
	}
	document, err := h.attest(r, nonce)
	if err != nil {
		h.config.ErrorLog.Printf("attestedtls: %v", err)
		http.Error(w, "no document could be made", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", mediaType)
	header.Set("Content-Length", strconv.Itoa(len(document)))
	header.Set("Cache-Control", "no-store")
	w.Write(document)
}

func (h *handler) attest(r *http.Request, nonce []byte) ([]byte, error) {
	certificate, err := h.config.Certificate(r)
	if err != nil {
		return nil, err
	}
	userData, publicKey := h.config.Claim(certificate)
	return h.config.Attester.Attest(userData, nonce, publicKey)
}

func readNonce(rawQuery string) ([]byte, error) {
	const most = len("nonce=") + 2*MaxServedNonce
	if len(rawQuery) > most {
		return nil, fmt.Errorf("query: found %d bytes, expected at most %d", len(rawQuery), most)
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, errors.New("query: malformed")
	}
	if len(query["nonce"]) != 1 {
		return nil, fmt.Errorf("nonce: found %d times, expected once", len(query["nonce"]))
	}
	nonce, err := hex.DecodeString(query["nonce"][0])
	if err != nil {
		return nil, errors.New("nonce: not hex")
	}
	if len(nonce) < MinServedNonce || len(nonce) > MaxServedNonce {
		return nil, fmt.Errorf("nonce: found %d bytes, expected %d to %d", len(nonce), MinServedNonce, MaxServedNonce)
	}
	return nonce, nil
}
