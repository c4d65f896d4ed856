package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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

// Epochs are those of the store of challenges: package redemption has them.
type Epochs interface {
	// Bind returns what stands for a context, nil for none, when a challenge is
	// issued and redeemed, and the context with which it has to be redeemed.
	Bind(ctx context.Context, context []byte) ([]byte, context.Context)
	// Refresh finds out which epoch it is.
	Refresh(ctx context.Context) error
	// Ended reports whether a redemption failed because its epoch has ended.
	Ended(err error) bool
}

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
	// Epochs bind challenges to a time in which the store forgot nothing. Nil: the
	// store forgets nothing.
	Epochs Epochs
	// Collectors are metrics of others that /metrics shows too.
	Collectors []prometheus.Collector
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
	// Lists fetches revocation lists where one is lacking. Nil: nobody does.
	Lists Lists
	// Waivers are the settings that leave out checks. They are told wherever
	// somebody may look.
	Waivers []Waiver
	// RootHashes are the SHA-256 of the DER of the trusted roots in hex, which every
	// attestation result names. Nil: it names none.
	RootHashes []string
	// Audit gets a line for each verdict. Nil: nobody does.
	Audit *Audit
	// AdminApart serves /healthz, /readyz and /metrics by [Service.Admin] only.
	AdminApart bool
	// InsecureProfiles serves /debug/pprof/ by [Service.Admin]: profiles show what
	// others ask for, and take the time of the service.
	InsecureProfiles bool
	Logger           *slog.Logger // required
}

// Service answers requests. It is safe for concurrent use.
type Service struct {
	config   Config
	gate     *gate
	bodies   *budget
	metrics  *metrics
	public   router
	admin    router
	draining atomic.Bool

	listeners  listenerCollector
	storeProbe storeProbe
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
	s := &Service{config: config, gate: newGate(config.Concurrent, config.Queue), bodies: newBudget(config.BodyMemory)}
	s.metrics = newMetrics(config, s)
	s.public, s.admin = s.newRouter("/openapi.json lists the paths"), s.newRouter("this is the listener for operators")
	s.public.handle(http.MethodPost, "/v1/challenges", s.issue)
	s.public.handle(http.MethodPost, "/v1/verify", s.verify)
	s.public.handle(http.MethodGet, "/v1/keys", s.keys)
	s.public.handle(http.MethodGet, "/openapi.json", s.openAPI)
	operators := []router{s.public, s.admin}
	if config.AdminApart {
		operators = operators[1:]
	}
	for _, r := range operators {
		r.handle(http.MethodGet, "/healthz", s.health)
		r.handle(http.MethodGet, "/readyz", s.ready)
		r.handle(http.MethodGet, "/metrics", s.metrics.serve)
	}
	if config.InsecureProfiles {
		s.admin.handleProfiles()
	}
	waivers(config.Waivers).report(config.Logger)
	return s, nil
}

// Admin answers operators: probes, Prometheus, and profiles where they are
// allowed.
func (s *Service) Admin() http.Handler { return s.admin }

// ServeHTTP implements [http.Handler], for callers.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.public.ServeHTTP(w, r) }
