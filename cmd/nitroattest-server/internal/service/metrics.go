package service

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics has its own registry. Labels have few values: routes, statuses,
// reasons, and the names of policies, which whoever runs the server chooses.
type metrics struct {
	handler      http.Handler
	requests     *prometheus.CounterVec
	seconds      *prometheus.HistogramVec
	verdicts     *prometheus.CounterVec
	challenges   prometheus.Counter
	verification prometheus.Histogram
	auditErrors  prometheus.Counter
}

// secondsBuckets go from what is refused at once to a queue of seconds.
var secondsBuckets = prometheus.ExponentialBucketsRange(0.00005, 10, 20)

func newMetrics(config Config, s *Service) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nitroattest_http_requests_total", Help: "Requests by route, method and status."}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "nitroattest_http_request_seconds", Help: "Time to answer, by route.", Buckets: secondsBuckets}, []string{"route"}),
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nitroattest_verdicts_total", Help: "Verdicts by policy and reason; the reason of an accepted document is \"accepted\"."}, []string{"policy", "reason"}),
		challenges: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "nitroattest_challenges_issued_total", Help: "Challenges given out."}),
		verification: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "nitroattest_verification_seconds", Help: "Time to verify one document, without waiting for a place.", Buckets: secondsBuckets}),
	}
	waiting := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "nitroattest_verifications_waiting", Help: "Documents that wait for a place.",
	}, func() float64 { return float64(s.gate.waiting.Load()) })
	running := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "nitroattest_verifications_running", Help: "Documents that are being verified.",
	}, func() float64 { return float64(len(s.gate.places)) })

	signatures := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "nitroattest_signatures_info", Help: "1; the label says what verifies signatures.", ConstLabels: prometheus.Labels{"verifier": config.Signatures},
	}, func() float64 { return 1 })

	bodies := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "nitroattest_body_bytes", Help: "Memory that bodies larger than usual have, out of their budget.",
	}, func() float64 { return float64(s.bodies.inUse()) })

	m.auditErrors = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "nitroattest_audit_errors_total", Help: "Verdicts that were not given because the audit log could not be written."})

	registry := prometheus.NewRegistry()
	registry.MustRegister(m.requests, m.seconds, m.verdicts, m.challenges, m.verification, waiting, running, bodies, signatures, m.auditErrors, waivers(config.Waivers), &s.listeners, policyCollector{config.Policies}, fileCollector{config.Files},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registry.MustRegister(config.Collectors...)
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return m
}

func (m *metrics) serve(w http.ResponseWriter, r *http.Request, _ *entry) error {
	m.handler.ServeHTTP(w, r)
	return nil
}

// ofRoute returns what notes a request of a route. The series of its time is
// looked up once, and there from the beginning.
func (m *metrics) ofRoute(route string) func(method string, status int, took time.Duration) {
	seconds := m.seconds.WithLabelValues(route)
	return func(method string, status int, took time.Duration) {
		m.requests.WithLabelValues(route, knownMethod(method), statusText(status)).Inc()
		seconds.Observe(took.Seconds())
	}
}

func (m *metrics) verdict(policy, reason string) {
	if reason == "" {
		reason = "accepted"
	}
	m.verdicts.WithLabelValues(policy, reason).Inc()
}
