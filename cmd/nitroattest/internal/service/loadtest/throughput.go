package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"
)

const rounds = 10

// throughput sends every request once, in rounds with the floor between them. It
// returns the floor.
func throughput(service *process, target string, requests [][]byte) (float64, error) {
	var ratios, shares []float64
	var took []time.Duration
	var loaded, serving, calling time.Duration
	var floors float64
	before := floor()
	for round := range rounds {
		part := requests[round*len(requests)/rounds : (round+1)*len(requests)/rounds]
		ofService, ofClients := processor(service.Process.Pid), processor(os.Getpid())
		result := drive(target, part, *clients, 0)
		if result.err != nil {
			return 0, result.err
		}
		ofService, ofClients = processor(service.Process.Pid)-ofService, processor(os.Getpid())-ofClients
		after := floor()
		allowed := (before + after) / 2
		before = after

		floors += allowed / rounds
		ratios = append(ratios, result.perSecond()/allowed)
		signatures := float64(len(part)) * float64(runtime.GOMAXPROCS(0)) / allowed // seconds of a core
		shares = append(shares, signatures/ofService.Seconds())
		took = append(took, result.took...)
		loaded, serving, calling = loaded+result.total, serving+ofService, calling+ofClients
	}
	all := outcome{took: took, total: loaded}
	slices.Sort(all.took)
	each := time.Duration(len(requests))
	fmt.Printf("floor       %.0f verifications a second\n", floors)
	fmt.Printf("throughput  %.0f verdicts a second, %.1f%% of the floor; p50 %s, p99 %s\n",
		all.perSecond(), 100*median(ratios), all.quantile(0.5), all.quantile(0.99))
	fmt.Printf("processor   %s a verdict in the service, %.1f%% of it the floor's verification; %s in the clients\n",
		(serving / each).Round(time.Microsecond), 100*median(shares), (calling / each).Round(time.Microsecond))
	return floors, nil
}

// transport sends the requests to a server that does nothing with them.
func transport(service *process, target string, requests [][]byte, floor float64) error {
	ofService, ofClients := processor(service.Process.Pid), processor(os.Getpid())
	result := drive(target, requests, *clients, 0)
	if result.err != nil {
		return result.err
	}
	ofService, ofClients = processor(service.Process.Pid)-ofService, processor(os.Getpid())-ofClients
	each := time.Duration(len(requests))
	signature := float64(runtime.GOMAXPROCS(0)) / floor // seconds of a core
	moving := (ofService + ofClients).Seconds() / float64(each)
	fmt.Printf("transport   %s a request in the server, %s in the clients: leaves at most %.1f%% of the floor, %.1f%% without the clients\n",
		(ofService / each).Round(time.Microsecond), (ofClients / each).Round(time.Microsecond),
		100*signature/(signature+moving), 100*signature/(signature+ofService.Seconds()/float64(each)))
	return nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
