package auction

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/nitroattest/nitroattest/attestation/recipient"
	"github.com/nitroattest/nitroattest/examples/keyrelease/stream"
)

// Module is a Nitro Security Module: /dev/nsm, or the simulated one of package
// attestationtest.
type Module interface {
	Attest(userData, nonce, publicKey []byte) (document []byte, err error)
}

// Enclave is the program inside the enclave, for one auction.
type Enclave struct {
	module   Module
	terms    Terms
	opener   *ecdh.PrivateKey
	signer   ed25519.PrivateKey
	identity identity

	mu      sync.Mutex
	amounts map[int]uint64 // by place, until all are in
	digests [][sha256.Size]byte
	err     error
	result  []byte
	over    chan struct{} // closed when there is a result or an error
}

// NewEnclave makes the keys for an auction. The terms come from outside and are
// not trusted: bidders compare what is attested of them.
func NewEnclave(module Module, terms Terms) (*Enclave, error) {
	if err := terms.check(); err != nil {
		return nil, err
	}
	opener, err := ecdh.P384().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	public, signer, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return &Enclave{
		module: module, terms: terms, opener: opener, signer: signer,
		identity: identity{terms.digest(), public},
		amounts:  map[int]uint64{},
		digests:  make([][sha256.Size]byte, len(terms.Bidders)),
		over:     make(chan struct{}),
	}, nil
}

// Serve takes part in the exchange with one bidder; each has a connection, served
// at the same time. It returns when the auction is over. An exchange that fails
// ends the auction for all: no result is better than one that not everybody has
// a part in.
func (e *Enclave) Serve(parent io.ReadWriter) error {
	if err := e.admit(parent); err != nil {
		e.abort(err)
		return err
	}
	<-e.over
	if e.err != nil {
		return failed(e.err)
	}
	return stream.Send(parent, e.result)
}

func failed(err error) error { return fmt.Errorf("auction: another bidder's exchange failed: %w", err) }

func (e *Enclave) admit(parent io.ReadWriter) error {
	nonce, err := stream.Receive(parent)
	if err != nil {
		return fmt.Errorf("auction: no nonce: %w", err)
	}
	document, err := e.module.Attest(e.identity.bytes(), nonce, e.opener.PublicKey().Bytes())
	if err != nil {
		return err
	}
	if err := stream.Send(parent, document); err != nil {
		return err
	}
	message, err := stream.Receive(parent)
	if err != nil {
		return fmt.Errorf("auction: no bid: %w", err)
	}
	s, err := readSubmission(message, e.terms, e.identity)
	if err != nil {
		return err
	}
	plaintext, err := recipient.OpenHPKE(s.envelope, e.opener)
	if err != nil {
		return err
	}
	defer clear(plaintext)
	amount, err := decodeBid(plaintext, s.place)
	if err != nil {
		return err
	}
	return e.count(s, amount)
}

// count takes the one bid of a bidder, and ends the auction with the last.
func (e *Enclave) count(s submission, amount uint64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err != nil {
		return failed(e.err)
	}
	if _, ok := e.amounts[s.place]; ok {
		return errors.New("auction: the bidder has bid already")
	}
	e.amounts[s.place], e.digests[s.place] = amount, sha256.Sum256(s.envelope)
	if len(e.amounts) < len(e.terms.Bidders) {
		return nil
	}
	var highest Result
	for place := range e.terms.Bidders { // of equal bids the first in the terms wins
		if amount := e.amounts[place]; place == 0 || amount > highest.Price {
			highest = Result{place, amount}
		}
	}
	e.result = encodeResult(highest, e.identity, e.digests, e.signer)
	e.end()
	return nil
}

func (e *Enclave) abort(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.ended() {
		e.err = err
		e.end()
	}
}

// end wipes what the enclave knows. It is called once, with mu held.
func (e *Enclave) end() {
	for place := range e.amounts {
		e.amounts[place] = 0
	}
	clear(e.signer)
	close(e.over)
}

func (e *Enclave) ended() bool {
	select {
	case <-e.over:
		return true
	default:
		return false
	}
}
