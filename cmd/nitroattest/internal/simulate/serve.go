package simulate

import "github.com/nitroattest/nitroattest/attestation/attestationtest"

// DocumentPath is where the server of the simulated enclave answers with
// documents. It is attestedtls.DefaultPath, whose package not everyone links.
const DocumentPath = "/.well-known/nitro-attestation"

// ServeRequest is what the program nitroattest-simulate-serve is asked for, in
// JSON.
type ServeRequest struct {
	State   string `json:"state"` // the directory of a State
	Enclave Config `json:"enclave"`
	Address string `json:"address"` // host:port
}

// NSM is the Nitro Security Module of the enclave.
func (s *Simulator) NSM() *attestationtest.NSM { return s.hypervisor.Enclave().NSM() }
