// Command multiparty has three bidders who trust neither each other nor the
// machine hold an auction in a simulated enclave, of which only the highest bid
// comes out.
//
//	go run ./examples/multiparty
package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"net"
	"sync"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/examples/keyrelease/stream"
	"github.com/nitroattest/nitroattest/examples/multiparty/auction"
	"github.com/nitroattest/nitroattest/pcr"
)

var (
	names   = []string{"Ada", "Grace", "Katherine"}
	amounts = []uint64{41_000_000_017, 57_500_000_003, 49_250_000_029}
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	hypervisor := attestationtest.NewHypervisor()
	terms := auction.Terms{Lot: "lot 7, 2025-11-25"}
	keys := make([]ed25519.PrivateKey, len(names))
	for place := range names {
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			return err
		}
		keys[place], terms.Bidders = private, append(terms.Bidders, public)
	}
	enclave, err := auction.NewEnclave(hypervisor.Enclave().NSM(), terms)
	if err != nil {
		return err
	}

	var host parent
	var parties sync.WaitGroup
	failed := make([]error, len(names))
	for place := range names {
		conn, err := host.connect(enclave)
		if err != nil {
			return err
		}
		parties.Go(func() {
			defer conn.Close()
			failed[place] = bid(conn, hypervisor, auction.Bidder{Terms: terms, Place: place, Key: keys[place]}, amounts[place])
		})
	}
	parties.Wait()
	host.relays.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	for place, amount := range amounts {
		text := binary.BigEndian.AppendUint64(nil, amount)
		fmt.Printf("parent: passed on %d bytes, with %s's bid in them: %t\n", host.seen.Len(), names[place], bytes.Contains(host.seen.Bytes(), text))
	}
	return nil
}

// bid is what each bidder does, with a policy of its own. Here all of them trust
// the simulated hypervisor and the same image.
func bid(conn net.Conn, hypervisor *attestationtest.Hypervisor, bidder auction.Bidder, amount uint64) error {
	var err error
	bidder.Verifier, err = attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{hypervisor.Enclave().Image()}},
		Roots:  hypervisor.Roots(),
	})
	if err != nil {
		return err
	}
	result, err := bidder.Bid(conn, amount)
	if err != nil {
		return err
	}
	fmt.Printf("%s: bid, and learned that %s wins with %d\n", names[bidder.Place], names[result.Winner], result.Price)
	return nil
}

// parent passes on what bidders and enclave say, and writes down what it sees.
type parent struct {
	relays sync.WaitGroup
	mu     sync.Mutex
	seen   bytes.Buffer
}

// connect returns a bidder's connection to the parent, which is connected to the
// enclave.
func (p *parent) connect(enclave *auction.Enclave) (net.Conn, error) {
	bidder, fromBidder, err := pair(func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") })
	if err != nil {
		return nil, err
	}
	toEnclave, inEnclave, err := pair(stream.Listen)
	if err != nil {
		return nil, err
	}
	p.relays.Go(func() {
		defer inEnclave.Close()
		_ = enclave.Serve(inEnclave) // its bidder learns of it by having no result
	})
	p.relays.Go(func() {
		_ = stream.Relay(fromBidder, toEnclave, func(_ stream.Step, message []byte) []byte {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.seen.Write(message)
			return message
		})
	})
	return bidder, nil
}

func pair(listen func() (net.Listener, error)) (dialled, accepted net.Conn, err error) {
	listener, err := listen()
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	if dialled, err = stream.Dial(listener.Addr()); err != nil {
		return nil, nil, err
	}
	accepted, err = listener.Accept()
	return dialled, accepted, err
}
