package command

import (
	"crypto/fips140"
	"errors"
	"fmt"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/fastp384"
)

// Values of --signatures.
const (
	signaturesStandard = "standard"
	signaturesFast     = "fast"
)

// signatureVerifier returns nil, which is the standard library, for standard.
func (f *serveFlags) signatureVerifier() (attestation.SignatureVerifier, error) {
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
