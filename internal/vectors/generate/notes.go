package main

import (
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/internal/vectors"
)

// recordedFlag marks documents that AWS signed, beside the flag of a topic.
const recordedFlag = "Recorded"

// notes has a flag for every topic.
func notes() map[string]vectors.Note {
	out := map[string]vectors.Note{recordedFlag: {
		Checks:      []string{},
		Description: "A document that a Nitro hypervisor of AWS's signed, as of its own time. Its leaf has expired, so that nobody can use it today.",
	}}
	for _, info := range attestationtest.Topics() {
		out[string(info.Topic)] = vectors.Note{Checks: append([]string{}, info.Checks...), Description: info.Description}
	}
	return out
}
