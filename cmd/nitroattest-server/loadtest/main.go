//go:build linux

// Command loadtest measures the service under load, against what the signatures
// alone allow on the same cores in the same minute.
//
//	go run ./cmd/nitroattest-server/loadtest
//
// It runs the service in a process of its own, with a simulated hypervisor as
// the root, and sends it documents over loopback, each with a challenge of its
// own and under a leaf that is known. The floor is how many ECDSA P-384
// verifications the cores of the service make in a second: what a service that
// did nothing else could reach. It prints
//
//	own core    verdicts a second of a service that has the first core to itself,
//	            with the clients on the others, and the floor of that core
//	            (processor time of service and clients in the line below)
//	transport   what net/http takes to read the same requests and to answer with
//	            as many bytes, and the most that leaves of the floor
//	quiet       how long an honest request takes when few are sent
//	flood       the same while another process sends garbage as fast as it is
//	            refused
//	shared      all of this for a service and clients that share all cores
//	memory      what the service holds before and after
//	signatures  what --signatures fast is good for, on a core of its own: how many
//	            times the verdicts in a second, and for the same processor time
//
// Then it measures what clients can do who are not in earnest, one kind after the
// other, each from an address or addresses of its own on loopback, beside honest
// clients of another one:
//
//	bodies      1,010 connections hold back the last byte of 127 KiB for 8 s
//	hellos      1,010 connections hold back the end of a ClientHello of 64 KiB
//	mixed       4,000 connections of 16 addresses send headers slowly, send bodies
//	            slowly, or take no answers
//	idle        1,024 connections of one address that ask for nothing
//	handshakes  4,000 handshakes without a certificate where one is required
//
// For each it prints how long honest requests and probes of /healthz took, each
// of the latter over a connection of its own, the largest resident memory, and how
// soon after the load it was back under 100 MiB.
//
// Clients of a service are on other machines and cost it nothing, and neither do
// those who flood it but for what they send. So the figures of a service with a
// core of its own tell what it can do; the others contain what the clients cost. Rounds of load alternate with measurements of the floor, and ratios are
// the medians of the rounds. On a machine that does other work the figures mean
// little. It needs Linux and two cores.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"runtime"
	"slices"
	"strings"
	"time"
)

var (
	role     = flag.String("role", "main", "for the processes that this command starts")
	requests = flag.Int("requests", 10000, "documents for the throughput, with a core of its own and without each")
	honest   = flag.Int("honest", 3000, "documents for the latency, with and without the flood each")
	pace     = flag.Int("pace", 100, "honest requests a second for the latency")
	flooders = flag.Int("flooders", 16, "connections of the flood")
	ear      = flag.String("ear", "never", "whether to ask for attestation results: never or accepted")
	report   = flag.String("report", "brief", "which verdict to ask for: brief or full")
	tlsFiles = flag.String("tls", "", "folder with the TLS files, for -role serve")
	address  = flag.String("address", "", "of the service, for -role flood and abuse")
	kind     = flag.String("kind", "", "of abuse, for -role abuse")
	verifier = flag.String("signatures", "standard", "what verifies signatures, for -role serve: standard or fast")
	loads    = flag.String("loads", "all", "which measurements to make, separated by commas: throughput, signatures, bodies, hellos, mixed, idle, handshakes")
)

func main() {
	log.SetFlags(0)
	flag.Parse()
	var err error
	switch *role {
	case "main":
		err = measure()
	case "serve":
		err = serve(*tlsFiles)
	case "flood":
		err = flood(*address, *flooders)
	case "abuse":
		err = abuse(*kind, *address)
	default:
		err = fmt.Errorf("-role: found %q", *role)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func measure() error {
	all, err := cores()
	if err != nil {
		return err
	}
	if len(all) < 2 {
		return errors.New("found one core, expected one for the service and one for its clients")
	}
	fmt.Printf("%d cores, %s\n", len(all), runtime.Version())
	if chosen("throughput") {
		if err := throughput(all); err != nil {
			return err
		}
	}
	if chosen("signatures") {
		if err := compareSignatures(all[:1], all[1:]); err != nil {
			return err
		}
		if err := pin(all); err != nil {
			return err
		}
	}
	return measureAbuses()
}

func chosen(name string) bool {
	return *loads == "all" || slices.Contains(strings.Split(*loads, ","), name)
}

func throughput(all []int) error {
	if err := onItsOwn(all[:1], all[1:]); err != nil {
		return err
	}
	if err := pin(all); err != nil {
		return err
	}
	l, err := startLoad(all, fleetSize{64, 10 * time.Millisecond})
	if err != nil {
		return err
	}
	defer l.service.stop()
	before := l.service.memory()
	shared, _, err := l.throughput()
	if err != nil {
		return err
	}
	shared.print("shared")
	fmt.Printf("memory      %d KiB before, %d KiB after %d documents\n", before, l.service.memory(), len(shared.took))
	return underFlood(l)
}

// onItsOwn measures a service that shares its cores with nobody.
func onItsOwn(its, others []int) error {
	if err := pin(its); err != nil { // the service inherits it
		return err
	}
	l, err := startLoad(its, fleetSize{32, 2 * time.Millisecond})
	if err != nil {
		return err
	}
	defer l.service.stop()
	if err := pin(others); err != nil {
		return err
	}
	m, requests, err := l.throughput()
	if err != nil {
		return err
	}
	m.print("own core")
	if err := l.transport(requests, m.floor); err != nil {
		return err
	}
	return underFlood(l)
}

func startLoad(cores []int, fleet fleetSize, more ...string) (*load, error) {
	service, err := start(append([]string{"-role", "serve"}, more...)...)
	if err != nil {
		return nil, err
	}
	l := &load{service: service, cores: cores, fleet: fleet}
	l.target, l.nothing, _ = strings.Cut(service.line, " ")
	return l, nil
}

// underFlood measures how long honest requests take, without and with one.
func underFlood(l *load) error {
	quiet, err := latency(plain(l.target))
	if err != nil {
		return err
	}
	fmt.Printf("quiet       %d requests a second: p50 %s, p99 %s\n", *pace, quiet.quantile(0.5), quiet.quantile(0.99))

	attacker, err := start("-role", "flood", "-address", l.target, "-flooders", fmt.Sprint(*flooders))
	if err != nil {
		return err
	}
	flooded, err := latency(plain(l.target))
	sent := attacker.stop()
	if err != nil {
		return err
	}
	fmt.Printf("flood       %d requests a second beside garbage: p50 %s, p99 %s, %.1f times the quiet p99\n", *pace,
		flooded.quantile(0.5), flooded.quantile(0.99), float64(flooded.quantile(0.99))/float64(quiet.quantile(0.99)))
	fmt.Printf("garbage     %s\n", sent)
	fmt.Printf("memory      %d KiB at the end\n", l.service.memory())
	return nil
}

const honestClients = 8

func latency(e endpoint) (outcome, error) {
	bodies, err := prepare(e, *honest)
	if err != nil {
		return outcome{}, err
	}
	result := drive(e, bodies, honestClients, time.Second/time.Duration(*pace))
	return result, result.err
}

func mustJSON(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // strings only
	}
	return data
}
