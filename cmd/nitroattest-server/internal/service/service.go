package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/challenge"
)

// Defaults of [Config].
const (
	// DefaultQueue bounds the wait for a place: 64 verifications of a
	// millisecond on one core.
	DefaultQueue = 64

	// DefaultBodyMemory is enough for 128 of the largest requests.
	DefaultBodyMemory = 16 << 20

	// MaxAgeLimit bounds Config.MaxAge: no leaf lives longer.
	MaxAgeLimit = 3 * time.Hour
)

// Config says what a [Service] does.
type Config struct {
	Policies *Policies         // required
	Issuer   *challenge.Issuer // required
	// Kind is that of the verifiers of Policies, and names the submodule of
	// attestation results. Zero: Enclave.
	Kind attestation.Kind
	// StoreReady asks whether the store of the issuer can answer. Nil: it is in
	// this process.
	StoreReady func(context.Context) error
	// MaxAge is the largest age that a request without a challenge may ask for,
	// at most MaxAgeLimit. Zero: every request needs a challenge. Within the age,
	// a document can be replayed.
	MaxAge time.Duration
	// Signer signs attestation results. Nil: there are none.
	Signer *Signer
	// Files are reloaded beside the policies. Nil: none.
	Files *Files
	// Signatures says what the verifiers of Policies verify signatures with, for
	// the log and the metrics. Empty: "standard", which is package crypto/ecdsa.
	Signatures string
	// Concurrent is how many documents are verified at a time. Zero: one for
	// each core.
	Concurrent int
	// Queue is how many more may wait. Zero: DefaultQueue for each place.
	Queue int
	// BodyMemory is how many bytes the bodies of requests may take that are larger
	// than usual, all of them together. Zero: 16 MiB.
	BodyMemory int
	Logger     *slog.Logger // required
}

// Service answers requests. It is safe for concurrent use.
type Service struct {
	config   Config
	gate     *gate
	bodies   *budget
	metrics  *metrics
	mux      *http.ServeMux
	nothing  http.Handler // for paths that there are not
	draining atomic.Bool

	listeners listenerCollector
}

// New returns a service, or an error that names the field of Config that cannot
// be used.
func New(config Config) (*Service, error) {
	switch {
	case config.Policies == nil:
		return nil, errors.New("service: Config.Policies: nil")
	case config.Issuer == nil:
		return nil, errors.New("service: Config.Issuer: nil")
	case config.Logger == nil:
		return nil, errors.New("service: Config.Logger: nil")
	case config.MaxAge < 0 || config.MaxAge > MaxAgeLimit || config.MaxAge%time.Second != 0:
		return nil, fmt.Errorf("service: Config.MaxAge: found %s, expected whole seconds, at most %s", config.MaxAge, MaxAgeLimit)
	case config.Concurrent < 0 || config.Queue < 0:
		return nil, fmt.Errorf("service: Config.Concurrent, Config.Queue: found %d and %d, expected none below 0", config.Concurrent, config.Queue)
	case config.BodyMemory < 0:
		return nil, fmt.Errorf("service: Config.BodyMemory: found %d, expected none below 0", config.BodyMemory)
	}
	if config.Kind == "" {
		config.Kind = attestation.Enclave
	}
	if config.Signatures == "" {
		config.Signatures = "standard"
	}
	if config.Files == nil {
		config.Files = NewFiles(config.Logger)
	}
	if config.Concurrent == 0 {
		config.Concurrent = runtime.GOMAXPROCS(0)
	}
	if config.Queue == 0 {
		config.Queue = DefaultQueue * config.Concurrent
	}
	if config.BodyMemory == 0 {
		config.BodyMemory = DefaultBodyMemory
	}
	s := &Service{config: config, gate: newGate(config.Concurrent, config.Queue), bodies: newBudget(config.BodyMemory), mux: http.NewServeMux()}
	s.metrics = newMetrics(config, s)
	s.handle(http.MethodPost, "/v1/challenges", s.issue)
	s.handle(http.MethodPost, "/v1/verify", s.verify)
	s.handle(http.MethodGet, "/v1/keys", s.keys)
	s.handle(http.MethodGet, "/openapi.json", s.openAPI)
	s.handle(http.MethodGet, "/healthz", s.health)
	s.handle(http.MethodGet, "/readyz", s.ready)
	s.handle(http.MethodGet, "/metrics", s.metrics.serve)
	s.nothing = s.observe("other", func(http.ResponseWriter, *http.Request, *entry) error {
		return &problem{kind: notFound, detail: "there is nothing at this path; /openapi.json lists the paths"}
	})
	s.mux.Handle("/", s.nothing)
	return s, nil
}

// handle serves one method at a path and refuses the others.
func (s *Service) handle(method, path string, handler handler) {
	s.mux.Handle(method+" "+path, s.observe(path, handler))
	s.mux.Handle(path, s.observe(path, func(w http.ResponseWriter, r *http.Request, _ *entry) error {
		w.Header().Set("Allow", method)
		return &problem{kind: methodNotAllowed, detail: fmt.Sprintf("found %s, expected %s", r.Method, method)}
	}))
}

// ServeHTTP implements [http.Handler].
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The mux would redirect a path such as //v1/verify, and nobody would log it.
	if path.Clean(r.URL.Path) != r.URL.Path {
		s.nothing.ServeHTTP(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}
