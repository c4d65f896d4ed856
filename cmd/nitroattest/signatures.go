package main

import (
	"crypto/fips140"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/attestation"
)

// Values of --signatures.
const (
	signaturesStandard = "standard"
	signaturesFast     = "fast"
)

// newFast makes the verifier of "fast". It is nil unless the command was built
// with the tag "fast": the module under it is 47 MB, which nobody should have to
// fetch who verifies a document.
var newFast func() attestation.SignatureVerifier

func (f *appraisalFlags) registerSignatures(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.signatures, "signatures", signaturesStandard, "what verifies signatures: standard, or fast in half the time, in a command that was built with -tags fast; the verdicts are the same")
}

// signatureVerifier returns nil, which is the standard library, for standard.
func (f *appraisalFlags) signatureVerifier() (attestation.SignatureVerifier, error) {
	switch f.signatures {
	case signaturesStandard:
		return nil, nil
	case signaturesFast:
		if fips140.Enforced() {
			return nil, errors.New("--signatures: found \"fast\" under GODEBUG=fips140=only, expected \"standard\"")
		}
		if newFast == nil {
			return nil, hintf(errors.New("--signatures: found \"fast\", expected \"standard\": this command was built without the other"),
				"go install -tags fast ./cmd/nitroattest from a clone builds it with both")
		}
		return newFast(), nil
	default:
		return nil, fmt.Errorf("--signatures: found %q, expected %q or %q", f.signatures, signaturesStandard, signaturesFast)
	}
}
