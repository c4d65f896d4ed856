//go:build linux

package main

import (
	"fmt"
	"time"
)

// compareSignatures compares a service that verifies signatures as usual with one that
// does it faster, both on the first core alone. They get documents in turn.
func compareSignatures(its, others []int) error {
	if err := pin(its); err != nil { // the services inherit it
		return err
	}
	var loads []*load
	for _, which := range []string{"standard", "fast"} {
		l, err := startLoad(its, fleetSize{32, 2 * time.Millisecond}, "-signatures", which)
		if err != nil {
			return err
		}
		defer l.service.stop()
		loads = append(loads, l)
	}
	if err := pin(others); err != nil {
		return err
	}
	var times, shares []float64
	for range rounds {
		var took, serving [2]float64
		for i, l := range loads {
			part, err := prepare(plain(l.target), *requests/rounds)
			if err != nil {
				return err
			}
			m, err := l.drive(l.target, part)
			if err != nil {
				return err
			}
			took[i], serving[i] = m.total.Seconds(), m.serving.Seconds()
		}
		times, shares = append(times, took[0]/took[1]), append(shares, serving[0]/serving[1])
	}
	fmt.Printf("signatures  with --signatures fast %.2f times the verdicts a second, %.2f times those of the same processor time\n", median(times), median(shares))
	return nil
}
