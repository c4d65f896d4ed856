package attestationtest

import (
	"time"

	"github.com/nitroattest/nitroattest/pcr"
)

// Request is what a document is asked to hold. The zero value is a good
// request: a document without optional fields, now.
type Request struct {
	// PCRs replace registers of the enclave in this one document, or add to
	// them. No index is refused, so that a verifier can be tried with 32.
	PCRs pcr.Bank

	// Time is when the document is made; zero: the hypervisor's clock says.
	Time time.Time

	// Nil is null in the document; empty and not nil is an empty string there.
	// No length is refused: AWS signs up to 1024 bytes in each and has signed
	// more.
	Nonce, UserData, PublicKey []byte
}
