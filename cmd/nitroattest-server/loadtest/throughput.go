//go:build linux

package main

import (
	"fmt"
	"os"
	"slices"
	"time"
)

const rounds = 20

// load is a service under load, on some cores.
type load struct {
	service *process
	target  string // its address
	nothing string // and that of the server that does nothing
	cores   []int
	fleet   fleetSize
}

// measured is what came of load, beside what the floor on the same cores was.
type measured struct {
	outcome
	floor            float64 // verifications a second
	ratio, share     float64 // medians of the rounds
	serving, calling time.Duration
}

// throughput sends documents in rounds, between measurements of the floor.
func (l *load) throughput() (measured, [][]byte, error) {
	m := measured{}
	var ratios, shares []float64
	var part [][]byte
	for range rounds {
		// Now, so that they are in the cache, as they would be from the network.
		var err error
		if part, err = prepare(plain(l.target), *requests/rounds); err != nil {
			return m, nil, err
		}
		before, err := floor(l.cores)
		if err != nil {
			return m, nil, err
		}
		one, err := l.drive(l.target, part)
		if err != nil {
			return m, nil, err
		}
		after, err := floor(l.cores)
		if err != nil {
			return m, nil, err
		}
		allowed := (before + after) / 2
		m.floor += allowed / rounds
		ratios = append(ratios, one.perSecond()/allowed)
		shares = append(shares, float64(len(part))*l.signature(allowed)/one.serving.Seconds())
		m.took = append(m.took, one.took...)
		m.total, m.serving, m.calling = m.total+one.total, m.serving+one.serving, m.calling+one.calling
	}
	slices.Sort(m.took)
	m.ratio, m.share = median(ratios), median(shares)
	return m, part, nil
}

// signature is how long a core verifies one, in seconds.
func (l *load) signature(floor float64) float64 { return float64(len(l.cores)) / floor }

// drive sends each request once and tells how long the processes took for it.
func (l *load) drive(target string, requests [][]byte) (measured, error) {
	fleet, err := newFleet(target, l.fleet)
	if err != nil {
		return measured{}, err
	}
	defer fleet.close()
	before, err := l.processors()
	if err != nil {
		return measured{}, err
	}
	m := measured{outcome: fleet.drive(requests)}
	if m.err != nil {
		return m, m.err
	}
	after, err := l.processors()
	m.serving, m.calling = after[0]-before[0], after[1]-before[1]
	return m, err
}

// processors is what service and clients have used so far.
func (l *load) processors() (used [2]time.Duration, err error) {
	for i, pid := range []int{l.service.Process.Pid, os.Getpid()} {
		if used[i], err = processor(pid); err != nil {
			return used, err
		}
	}
	return used, nil
}

// print says what was measured, of service and clients on their own cores or on
// the same ones.
func (m measured) print(name string) {
	each := time.Duration(len(m.took))
	fmt.Printf("%-11s %.0f verdicts a second, %.1f%% of the floor of %.0f; p50 %s, p99 %s\n",
		name, m.perSecond(), 100*m.ratio, m.floor, m.quantile(0.5), m.quantile(0.99))
	fmt.Printf("%-11s %s of a core a verdict in the service, %.1f%% of it the floor's; %s in the clients\n",
		"", (m.serving / each).Round(time.Microsecond), 100*m.share, (m.calling / each).Round(time.Microsecond))
}

// transport sends the requests to the server that does nothing with them.
func (l *load) transport(requests [][]byte, floor float64) error {
	m, err := l.drive(l.nothing, slices.Repeat(requests, rounds))
	if err != nil {
		return err
	}
	each := time.Duration(len(m.took))
	fmt.Printf("transport   %s a request in a server that does nothing: leaves at most %.1f%% of the floor\n",
		(m.serving / each).Round(time.Microsecond), 100/(1+m.serving.Seconds()/float64(each)/l.signature(floor)))
	return nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
