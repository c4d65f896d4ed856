package service

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/connections"
)

// listenerCollector shows who has the connections of each listener.
type listenerCollector struct {
	mu        sync.Mutex
	listeners []namedListener
}

type namedListener struct {
	name string
	*connections.Listener
}

var (
	connectionsNow     = prometheus.NewDesc("nitroattest_connections", "Connections by what they do.", []string{"listener", "state"}, nil)
	connectionClients  = prometheus.NewDesc("nitroattest_connection_clients", "Client addresses (IPv6: /64 networks) that have a connection.", []string{"listener"}, nil)
	connectionsRefused = prometheus.NewDesc("nitroattest_connections_refused_total", "New connections that were closed at once, by the bound that was met.", []string{"listener", "bound"}, nil)
	connectionsGivenUp = prometheus.NewDesc("nitroattest_connections_given_up_total", "Connections that were closed to make room for others, by the bound that was met.", []string{"listener", "bound"}, nil)
	handshakes         = prometheus.NewDesc("nitroattest_tls_handshakes_total", "TLS handshakes by how they ended.", []string{"listener", "result"}, nil)
)

func (l *listenerCollector) add(name string, listener *connections.Listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listeners = append(l.listeners, namedListener{name, listener})
}

// Describe implements [prometheus.Collector].
func (l *listenerCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{connectionsNow, connectionClients, connectionsRefused, connectionsGivenUp, handshakes} {
		ch <- desc
	}
}

// Collect implements [prometheus.Collector].
func (l *listenerCollector) Collect(ch chan<- prometheus.Metric) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, listener := range l.listeners {
		stats := listener.Stats()
		ch <- gauge(connectionClients, float64(stats.Clients), listener.name)
		each := func(desc *prometheus.Desc, kind prometheus.ValueType, values map[string]int) {
			for label, n := range values {
				ch <- prometheus.MustNewConstMetric(desc, kind, float64(n), listener.name, label)
			}
		}
		each(connectionsNow, prometheus.GaugeValue, stats.States)
		each(connectionsRefused, prometheus.CounterValue, stats.Refused)
		each(connectionsGivenUp, prometheus.CounterValue, stats.GivenUp)
		each(handshakes, prometheus.CounterValue, stats.Handshakes)
	}
}
