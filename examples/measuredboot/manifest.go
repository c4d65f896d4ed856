package main

import (
	"crypto/sha512"

	"github.com/nitroattest/nitroattest/pcr"
)

// The registers that the image measures into.
const (
	registerManifest = 16 // the manifest, byte for byte
	registerProgram  = 17 // the SHA-384 of the program that it names
)

// manifest is what an enclave of this deployment runs. Both are as they came:
// what is measured are the bytes, so that nothing has to be encoded twice in the
// same way.
type manifest struct {
	config  string // JSON
	program string
}

// events are what the image measures at every boot, in this order. The enclave
// and its clients share this function: it is the agreement between them.
func (m manifest) events() []pcr.Event {
	digest := sha512.Sum384([]byte(m.program))
	return []pcr.Event{
		{Register: registerManifest, Data: []byte(m.config)},
		{Register: registerProgram, Data: digest[:]},
	}
}
