// Command loadtest measures the service under load, against what the signatures
// alone allow on the same machine in the same minute.
//
//	go run ./cmd/nitroattest/internal/service/loadtest
//
// It runs the service in a process of its own, with a simulated hypervisor as
// the root, and sends it documents over loopback. What it prints:
//
//	floor        ECDSA P-384 verifications a second on all cores: what a service
//	             that did nothing else could reach
//	throughput   verdicts a second with every core busy, each for a document and
//	             a challenge of its own under a leaf that is known
//	processor    the time of a core that a verdict takes, in the service and in
//	             the client, and how much of the former is the floor's
//	transport    the same for net/http to read the same requests and answer with
//	             as many bytes, and what is the most that leaves of the floor
//	quiet        how long an honest request takes when few are sent
//	flood        the same while another process sends garbage as fast as it is
//	             refused
//	memory       what the service holds after each part
//
// Clients and service share the cores, so the throughput includes what the
// clients cost, and what the kernel does to move bytes between them; the line
// about the processor tells them apart. Rounds of load alternate with rounds of
// the floor, and the ratios are the medians of the rounds. On a machine that
// does other work the figures mean little.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"runtime"
	"strings"
	"time"
)

var (
	role     = flag.String("role", "main", "for the processes that this command starts")
	requests = flag.Int("requests", 10000, "documents for the throughput")
	honest   = flag.Int("honest", 3000, "documents for the latency, with and without the flood each")
	pace     = flag.Int("pace", 100, "honest requests a second for the latency")
	clients  = flag.Int("clients", 8, "connections for the throughput")
	flooders = flag.Int("flooders", 16, "connections of the flood")
	ear      = flag.String("ear", "never", "whether to ask for attestation results: never or accepted")
	report   = flag.String("report", "brief", "which verdict to ask for: brief or full")
	address  = flag.String("address", "", "of the service, for -role flood")
)

func main() {
	log.SetFlags(0)
	flag.Parse()
	var err error
	switch *role {
	case "main":
		err = measure()
	case "serve":
		err = serve()
	case "flood":
		err = flood(*address, *flooders)
	default:
		err = fmt.Errorf("-role: found %q", *role)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func measure() error {
	service, err := start("-role", "serve")
	if err != nil {
		return err
	}
	defer service.stop()
	target, nothing, _ := strings.Cut(service.line, " ")
	fmt.Printf("%d cores, %s\n", runtime.GOMAXPROCS(0), runtime.Version())

	bodies, err := prepare(target, *requests)
	if err != nil {
		return err
	}
	startMemory := service.memory()
	allowed, err := throughput(service, target, bodies)
	if err != nil {
		return err
	}
	if err := transport(service, nothing, bodies, allowed); err != nil {
		return err
	}
	fmt.Printf("memory      %d KiB before, %d KiB after %d documents\n", startMemory, service.memory(), len(bodies))

	quiet, err := latency(target)
	if err != nil {
		return err
	}
	fmt.Printf("quiet       %d requests a second: p50 %s, p99 %s\n", *pace, quiet.quantile(0.5), quiet.quantile(0.99))

	attacker, err := start("-role", "flood", "-address", target, "-flooders", fmt.Sprint(*flooders))
	if err != nil {
		return err
	}
	flooded, err := latency(target)
	sent := attacker.stop()
	if err != nil {
		return err
	}
	fmt.Printf("flood       %d requests a second beside garbage: p50 %s, p99 %s, %.1f times the quiet p99\n", *pace,
		flooded.quantile(0.5), flooded.quantile(0.99), float64(flooded.quantile(0.99))/float64(quiet.quantile(0.99)))
	fmt.Printf("garbage     %s\n", sent)
	fmt.Printf("memory      %d KiB at the end\n", service.memory())
	return nil
}

func latency(target string) (outcome, error) {
	bodies, err := prepare(target, *honest)
	if err != nil {
		return outcome{}, err
	}
	result := drive(target, bodies, *clients, time.Second/time.Duration(*pace))
	return result, result.err
}

func mustJSON(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // strings only
	}
	return data
}
