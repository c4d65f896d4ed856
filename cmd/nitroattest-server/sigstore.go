package main

import (
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/command"
	"github.com/nitroattest/nitroattest/internal/settings"
	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy/sigstore"
)

// verifyBundles is here, and in no package that others import, since Sigstore's
// libraries take minutes to compile for the race detector.
func verifyBundles(c command.BundleConfig) (command.BundleVerifier, error) {
	verifier, err := sigstore.NewVerifier(sigstore.Config{
		TrustedRoot: c.TrustedRoot,
		Issuer:      c.Issuer, IssuerPattern: c.IssuerPattern,
		Identity: c.Identity, IdentityPattern: c.IdentityPattern,
		Name: c.Name, Seen: c.Seen,
	})
	if err != nil {
		return nil, err
	}
	return func(bundle []byte) (pcr.Policy, *settings.Voucher, error) {
		verified, err := verifier.Verify(bundle)
		if err != nil {
			return pcr.Policy{}, nil, err
		}
		signer := settings.Signer(verified.Signer)
		voucher := settings.NewVoucher(&verified.Statement, verified.SHA256)
		voucher.Certificate = &signer
		voucher.NameChecked, voucher.VersionKept = true, true
		return verified.Policy, voucher, nil
	}, nil
}
