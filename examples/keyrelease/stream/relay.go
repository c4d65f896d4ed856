package stream

import (
	"fmt"
	"io"
)

// Step is one of the four messages of an exchange, in their order.
type Step int

const (
	Nonce    Step = iota // to the enclave
	Document             // from it
	Sealed               // to it: what was encrypted to the key in the document
	Answer               // from it
)

func (s Step) String() string {
	return [...]string{"nonce", "document", "sealed input", "answer"}[s]
}

// Relay is the part of the parent instance: it passes one exchange on between
// whoever is outside and the enclave, and closes both connections. The parent
// is not trusted, and edit is what it can do about that: it sees every message
// and says what is passed on in its place. Nil: all of them unchanged.
func Relay(outside, enclave io.ReadWriteCloser, edit func(step Step, message []byte) []byte) error {
	defer outside.Close()
	defer enclave.Close()
	for step := Nonce; step <= Answer; step++ {
		from, to := outside, enclave
		if step == Document || step == Answer {
			from, to = enclave, outside
		}
		message, err := Receive(from)
		if err != nil {
			return fmt.Errorf("stream: %s: %w", step, err)
		}
		if edit != nil {
			message = edit(step, message)
		}
		if err := Send(to, message); err != nil {
			return fmt.Errorf("stream: %s: %w", step, err)
		}
	}
	return nil
}
