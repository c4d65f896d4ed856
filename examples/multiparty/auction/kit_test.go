package auction_test

import (
	"bytes"
	"crypto/ed25519"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/examples/keyrelease/stream"
	"github.com/nitroattest/nitroattest/examples/multiparty/auction"
	"github.com/nitroattest/nitroattest/pcr"
)

// Amounts that are unlikely to be in a message by chance.
var amounts = []uint64{0x0badc0de11223344, 0x7eadbeef55667788, 0x3eedface99aabbcc}

// world has three bidders who all accept the image of the first enclave.
type world struct {
	hypervisor *attestationtest.Hypervisor
	bidders    []auction.Bidder
	amounts    []uint64
}

func newWorld(t *testing.T) world {
	w := world{hypervisor: attestationtest.NewHypervisor(), amounts: amounts}
	terms := auction.Terms{Lot: t.Name()}
	keys := make([]ed25519.PrivateKey, len(amounts))
	for place := range keys {
		public, private, err := ed25519.GenerateKey(nil)
		require.NoError(t, err)
		keys[place], terms.Bidders = private, append(terms.Bidders, public)
	}
	for place, key := range keys {
		w.bidders = append(w.bidders, auction.Bidder{
			Verifier: w.verifier(t, w.hypervisor.Enclave().Image()), Terms: terms, Place: place, Key: key})
	}
	return w
}

func (w world) verifier(t *testing.T, image pcr.Image) *attestation.Verifier {
	verifier, err := attestation.NewVerifier(attestation.Config{
		Policy: pcr.Policy{Images: []pcr.Image{image}},
		Roots:  w.hypervisor.Roots(),
	})
	require.NoError(t, err)
	return verifier
}

func (w world) terms() auction.Terms { return w.bidders[0].Terms }

// start makes an enclave of the first one's image for some terms.
func (w world) start(t *testing.T, terms auction.Terms) *auction.Enclave {
	return startOn(t, w.hypervisor.Enclave(), terms)
}

func startOn(t *testing.T, enclave *attestationtest.Enclave, terms auction.Terms) *auction.Enclave {
	e, err := auction.NewEnclave(enclave.NSM(), terms)
	require.NoError(t, err)
	return e
}

// hostile is what a parent does to the message of one bidder's exchange.
type hostile func(place int, step stream.Step, message []byte) []byte

// outcome is how everybody's exchange went, by place, and what the parent saw.
type outcome struct {
	results []auction.Result
	bidders []error
	enclave []error

	mu       sync.Mutex
	messages []map[stream.Step][]byte
	wire     bytes.Buffer // every byte that went through the parent
}

// run holds an auction; enclaveOf says to which enclave the parent connects a
// bidder.
func (w world) run(t *testing.T, enclaveOf func(place int) *auction.Enclave, parent hostile) *outcome {
	n := len(w.bidders)
	o := &outcome{results: make([]auction.Result, n), bidders: make([]error, n), enclave: make([]error, n),
		messages: make([]map[stream.Step][]byte, n)}
	var parties sync.WaitGroup
	for place, bidder := range w.bidders {
		o.messages[place] = map[stream.Step][]byte{}
		outside, toBidder := connect(t)
		inside, toEnclave := connect(t)
		parties.Go(func() {
			defer inside.Close()
			o.enclave[place] = enclaveOf(place).Serve(inside)
		})
		parties.Go(func() {
			_ = stream.Relay(recorded{toBidder, o}, recorded{toEnclave, o}, func(step stream.Step, message []byte) []byte {
				o.mu.Lock()
				defer o.mu.Unlock()
				o.messages[place][step] = bytes.Clone(message)
				if parent != nil {
					message = parent(place, step, message)
				}
				return message
			})
		})
		parties.Go(func() {
			defer outside.Close()
			o.results[place], o.bidders[place] = bidder.Bid(outside, w.amounts[place])
		})
	}
	parties.Wait()
	return o
}

func always(e *auction.Enclave) func(int) *auction.Enclave {
	return func(int) *auction.Enclave { return e }
}

// recorded is a connection of the parent.
type recorded struct {
	net.Conn
	outcome *outcome
}

func (r recorded) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.outcome.mu.Lock()
	defer r.outcome.mu.Unlock()
	r.outcome.wire.Write(p[:n])
	return n, err
}

func connect(t *testing.T) (dialled, accepted net.Conn) {
	listener, err := stream.Listen()
	require.NoError(t, err)
	defer listener.Close()
	dialled, err = stream.Dial(listener.Addr())
	require.NoError(t, err)
	accepted, err = listener.Accept()
	require.NoError(t, err)
	return dialled, accepted
}

func flip(message []byte, at int) []byte {
	changed := bytes.Clone(message)
	changed[at] ^= 1
	return changed
}
