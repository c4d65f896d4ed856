package main

import (
	"crypto/fips140"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/fastp384"
)

// Values of --signatures.
const (
	signaturesStandard = "standard"
	signaturesFast     = "fast"
)

func (f *appraisalFlags) registerSignatures(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.signatures, "signatures", signaturesStandard, "what verifies signatures: standard, or fast in half the time; the verdicts are the same")
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
		return fastp384.New(), nil
	default:
		return nil, fmt.Errorf("--signatures: found %q, expected %q or %q", f.signatures, signaturesStandard, signaturesFast)
	}
}
