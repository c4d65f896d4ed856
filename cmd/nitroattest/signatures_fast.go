//go:build fast

package main

import (
	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/fastp384"
)

func init() {
	newFast = func() attestation.SignatureVerifier { return fastp384.New() }
}
