//go:build linux

package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// measureAbuses measures honest clients beside each misuse, against one service
// without TLS and one with it.
func measureAbuses() error {
	dir, err := os.MkdirTemp("", "loadtest")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	config, err := newTLS(dir)
	if err != nil {
		return err
	}
	for _, group := range []struct {
		name  string
		kinds []string
		tls   *tls.Config
		args  []string
	}{
		{"plain", []string{"bodies", "mixed", "idle"}, nil, nil},
		{"TLS", []string{"hellos", "handshakes"}, config, []string{"-tls", dir}},
	} {
		group.kinds = slices.DeleteFunc(group.kinds, func(kind string) bool { return !chosen(kind) })
		if len(group.kinds) == 0 {
			continue
		}
		if err := measureAbused(group.name, group.kinds, group.tls, group.args); err != nil {
			return fmt.Errorf("%s: %w", group.name, err)
		}
	}
	return nil
}

func measureAbused(name string, kinds []string, config *tls.Config, args []string) error {
	service, err := start(append([]string{"-role", "serve"}, args...)...)
	if err != nil {
		return err
	}
	defer service.stop()
	address, _, _ := strings.Cut(service.line, " ")
	e := newEndpoint(address, config)
	quiet, err := latency(e)
	if err != nil {
		return err
	}
	fmt.Printf("%-11s %d honest requests a second, quiet: p50 %s, p99 %s; %d MiB resident\n", name, *pace, quiet.quantile(0.5), quiet.quantile(0.99), service.memory()>>10)
	for _, kind := range kinds {
		if err := beside(service, e, kind, quiet); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

const (
	small      = 100 << 10 // KiB
	afterwards = time.Minute
)

func beside(service *process, e endpoint, kind string, quiet outcome) error {
	attacker, err := start("-role", "abuse", "-kind", kind, "-address", e.address)
	if err != nil {
		return err
	}
	largest := service.watchMemory()
	probes := probe(e)
	honest, err := latency(e)
	probed := probes()
	most := largest()
	sent := attacker.stop()
	if err != nil {
		return err
	}
	fmt.Printf("%-11s p50 %s, p99 %s, %.1f times the quiet p99\n", kind, honest.quantile(0.5), honest.quantile(0.99),
		float64(honest.quantile(0.99))/float64(quiet.quantile(0.99)))
	fmt.Printf("%-11s %s\n", "", probed)
	fmt.Printf("%-11s %d MiB resident at most, %s\n", "", most>>10, service.calm())
	fmt.Printf("%-11s %s\n", "", sent)
	return nil
}

// watchMemory returns what ends the watch and tells the largest size in KiB.
func (p *process) watchMemory() func() int {
	end, largest := make(chan struct{}), make(chan int)
	go func() {
		most := 0
		for {
			most = max(most, p.memory())
			select {
			case <-end:
				largest <- most
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() int {
		close(end)
		return <-largest
	}
}

// calm waits until the memory is small again.
func (p *process) calm() string {
	begin := time.Now()
	for time.Since(begin) < afterwards {
		if size := p.memory(); size < small {
			return fmt.Sprintf("%d MiB %.0f s after", size>>10, time.Since(begin).Seconds())
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Sprintf("still %d MiB %.0f s after", p.memory()>>10, afterwards.Seconds())
}

// probe asks for /healthz twenty times a second, over a new connection each time.
// It returns what ends it and tells how long the answers took.
func probe(e endpoint) func() string {
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   e.tls,
		DisableKeepAlives: true,
		DialContext:       (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 100)}}).DialContext,
	}, Timeout: 10 * time.Second}
	end, said := make(chan struct{}), make(chan string)
	go func() {
		var took outcome
		failed := 0
		for {
			start := time.Now()
			response, err := client.Get(e.url("/healthz"))
			if err == nil {
				response.Body.Close()
				took.took = append(took.took, time.Since(start))
			} else {
				failed++
			}
			select {
			case <-end:
				slices.Sort(took.took)
				text := fmt.Sprintf("/healthz %d times: %d failed", len(took.took)+failed, failed)
				if len(took.took) > 0 {
					text += fmt.Sprintf(", p99 %s, slowest %s", took.quantile(0.99), took.quantile(1))
				}
				said <- text
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() string {
		close(end)
		return <-said
	}
}
