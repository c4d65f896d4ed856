package service

import (
	"strconv"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
)

// policyCollector shows the policies of the moment, and none that are gone.
type policyCollector struct{ policies *Policies }

// fileCollector shows the other files.
type fileCollector struct{ files *Files }

var (
	policyLoaded  = prometheus.NewDesc("nitroattest_policy_loaded", "1 for each policy in use.", []string{"policy", "sha256"}, nil)
	policyBroken  = prometheus.NewDesc("nitroattest_policy_broken", "1 for each policy file that cannot be used.", []string{"policy"}, nil)
	policyExpires = prometheus.NewDesc("nitroattest_policy_expiry_timestamp_seconds", "When a signed policy ends, as Unix time. Requests for it are refused from then on.", []string{"policy"}, nil)
	policyVersion = prometheus.NewDesc("nitroattest_policy_version", "The version of a signed policy.", []string{"policy"}, nil)
	fileLoaded    = prometheus.NewDesc("nitroattest_file_loaded", "1 for each file in use, or files that belong together.", []string{"kind", "file", "id"}, nil)
	fileExpires   = prometheus.NewDesc("nitroattest_file_expiry_timestamp_seconds", "When a TLS certificate in use ends, or a revocation list, as Unix time.", []string{"kind", "file"}, nil)
	fileBroken    = prometheus.NewDesc("nitroattest_file_broken", "1 for each of them whose contents of the moment cannot be used.", []string{"kind", "file"}, nil)
)

func (c policyCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- policyLoaded
	ch <- policyBroken
	ch <- policyExpires
	ch <- policyVersion
}

func (c policyCollector) Collect(ch chan<- prometheus.Metric) {
	set := c.policies.current.Load()
	for name, policy := range set.loaded {
		ch <- one(policyLoaded, name, policy.sha256)
		if v := policy.voucher; v != nil {
			ch <- gauge(policyExpires, float64(v.Expires.Unix()), name)
			ch <- gauge(policyVersion, float64(v.Version), name)
		}
	}
	for name := range set.broken {
		ch <- one(policyBroken, name)
	}
	if set.err != nil {
		ch <- one(policyBroken, directoryName)
	}
}

func (c fileCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- fileLoaded
	ch <- fileExpires
	ch <- fileBroken
}

func (c fileCollector) Collect(ch chan<- prometheus.Metric) {
	for _, state := range c.files.states() {
		ch <- one(fileLoaded, state.Kind, state.name(), state.ID)
		if !state.expires.IsZero() {
			ch <- gauge(fileExpires, float64(state.expires.Unix()), state.Kind, state.name())
		}
		if state.broken != nil {
			ch <- one(fileBroken, state.Kind, state.name())
		}
	}
}

// one is a gauge of 1.
func one(desc *prometheus.Desc, labels ...string) prometheus.Metric { return gauge(desc, 1, labels...) }

// gauge takes the name of a file, which may hold anything, to a label, which is
// UTF-8.
func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	for i, label := range labels {
		if !utf8.ValidString(label) {
			labels[i] = strconv.Quote(label)
		}
	}
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}
