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
	// Binding says what the documents hold for the certificate. Zero: Labelled, which
	// clients expect by default.
	Binding Binding
	// Rate is how many documents are given out in a second, to all clients
	// together, to spare the module and leave it to the application. Zero: 50.
	Rate int
	// ClientRate is how many of them one client gets in a second, so that it leaves
	// some for the others. Zero: half of Rate; at most Rate.
	ClientRate int
	// Client says whose share a request takes. Nil: by RemoteAddr, its host or, for
	// IPv6, its network of 64 bits. Behind a proxy, and in an enclave that gets its
	// connections from the parent instance, all clients have one address: set it by
	// what that proxy says, or ClientRate to Rate.
	Client func(*http.Request) string
	// ErrorLog is told when the Attester or Certificate fails, which clients are
	// not told about in detail. Nil: the standard logger.
	ErrorLog *log.Logger
}

// handler answers GET with ?nonce=<hex>.
type handler struct {
	config HandlerConfig
	rate   *limiter
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
	h, err := newHandler(config)
	if err != nil {
		return nil, err
	}
	return h, nil
}

func newHandler(config HandlerConfig) (*handler, error) {
	switch {
	case config.Attester == nil:
		return nil, errors.New("attestedtls: HandlerConfig.Attester: nil")
	case config.Certificate == nil:
		return nil, errors.New("attestedtls: HandlerConfig.Certificate: nil")
	case config.Binding.binding().claim == nil:
		return nil, errors.New("attestedtls: HandlerConfig.Binding: without a Claim")
	case config.Rate < 0:
		return nil, fmt.Errorf("attestedtls: HandlerConfig.Rate: found %d, expected a positive number", config.Rate)
	}
	if config.Rate == 0 {
		config.Rate = DefaultRate
	}
	if config.ClientRate == 0 {
		config.ClientRate = (config.Rate + 1) / 2
	}
	if config.ClientRate < 0 || config.ClientRate > config.Rate {
		return nil, fmt.Errorf("attestedtls: HandlerConfig.ClientRate: found %d, expected 1 to %d, the Rate", config.ClientRate, config.Rate)
	}
	if config.Client == nil {
		config.Client = func(r *http.Request) string { return clientOf(r.RemoteAddr) }
	}
	if config.ErrorLog == nil {
		config.ErrorLog = log.Default()
	}
	return &handler{config, newLimiter(config.Rate, config.ClientRate, time.Now)}, nil
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.serve(w, r) }

// serve reports whether it gave out a document.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) (given bool) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "expected GET", http.StatusMethodNotAllowed)
		return false
	}
	nonce, err := readNonce(r.URL.RawQuery)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	if !h.rate.take(h.config.Client(r)) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many requests for documents", http.StatusTooManyRequests)
		return false
	}
	document, err := h.attest(r, nonce)
	if err != nil {
		h.config.ErrorLog.Printf("attestedtls: %v", err)
		http.Error(w, "no document could be made", http.StatusInternalServerError)
		return false
	}
	header := w.Header()
	header.Set("Content-Type", mediaType)
	header.Set("Content-Length", strconv.Itoa(len(document)))
	header.Set("Cache-Control", "no-store")
	w.Write(document)
	return true
}

func (h *handler) attest(r *http.Request, nonce []byte) ([]byte, error) {
	certificate, err := h.config.Certificate(r)
	if err != nil {
		return nil, err
	}
	userData, publicKey := h.config.Binding.Claim(certificate)
	return h.config.Attester.Attest(userData, h.config.Binding.Nonce(nonce), publicKey)
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
