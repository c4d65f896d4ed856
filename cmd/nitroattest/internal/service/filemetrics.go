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
	policyLoaded = prometheus.NewDesc("nitroattest_policy_loaded", "1 for each policy in use.", []string{"policy", "sha256"}, nil)
	policyBroken = prometheus.NewDesc("nitroattest_policy_broken", "1 for each policy file that cannot be used.", []string{"policy"}, nil)
	fileLoaded   = prometheus.NewDesc("nitroattest_file_loaded", "1 for each file in use, or files that belong together.", []string{"kind", "file", "id"}, nil)
	fileBroken   = prometheus.NewDesc("nitroattest_file_broken", "1 for each of them whose contents of the moment cannot be used.", []string{"kind", "file"}, nil)
)

func (c policyCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- policyLoaded
	ch <- policyBroken
}

func (c policyCollector) Collect(ch chan<- prometheus.Metric) {
	states, broken := c.policies.state()
	for _, state := range states {
		ch <- one(policyLoaded, state.Name, state.SHA256)
	}
	for name := range broken {
		ch <- one(policyBroken, name)
	}
}

func (c fileCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- fileLoaded
	ch <- fileBroken
}

func (c fileCollector) Collect(ch chan<- prometheus.Metric) {
	for _, state := range c.files.states() {
		ch <- one(fileLoaded, state.Kind, state.name(), state.ID)
		if state.broken != nil {
			ch <- one(fileBroken, state.Kind, state.name())
		}
	}
}

// one is a gauge of 1. The name of a file may hold anything, a label UTF-8 only.
func one(desc *prometheus.Desc, labels ...string) prometheus.Metric {
	for i, label := range labels {
		if !utf8.ValidString(label) {
			labels[i] = strconv.Quote(label)
		}
	}
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, 1, labels...)
}
