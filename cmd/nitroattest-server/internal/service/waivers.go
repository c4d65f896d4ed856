package service

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

// Waiver is a setting that leaves out a check or trusts somebody else. Each is in
// the log at the start, in /readyz, in the metrics and in every attestation
// result.
type Waiver struct {
	Name   string `json:"name"` // stable
	Detail string `json:"detail"`
	// Weakens is whether verdicts mean less for it. The status of an attestation
	// result is then a warning at best.
	Weakens bool `json:"weakens_verdicts"`
}

// Names of waivers.
const (
	WaiverForeignRoot   = "foreign-root"
	WaiverDebug         = "debug-allowed"
	WaiverAnyModuleID   = "any-module-id"
	WaiverVersions      = "policy-versions-forgotten"
	WaiverNoTLS         = "no-tls"
	WaiverUnknownStatus = "unknown-status-accepted"
	WaiverProfiles      = "profiles-served"
)

var insecureSetting = prometheus.NewDesc("nitroattest_insecure_setting", "1 for each setting that leaves out a check or trusts somebody else.", []string{"setting"}, nil)

// waivers are those of a service.
type waivers []Waiver

func (w waivers) report(logger *slog.Logger) {
	for _, each := range w {
		logger.Warn("insecure setting", slog.String("setting", each.Name), slog.String("detail", each.Detail), slog.Bool("weakens_verdicts", each.Weakens))
	}
}

func (w waivers) weaken() bool {
	for _, each := range w {
		if each.Weakens {
			return true
		}
	}
	return false
}

func (w waivers) names() []string {
	names := []string{}
	for _, each := range w {
		names = append(names, each.Name)
	}
	return names
}

// Describe implements [prometheus.Collector].
func (w waivers) Describe(ch chan<- *prometheus.Desc) { ch <- insecureSetting }

// Collect implements [prometheus.Collector].
func (w waivers) Collect(ch chan<- prometheus.Metric) {
	for _, each := range w {
		ch <- one(insecureSetting, each.Name)
	}
}
