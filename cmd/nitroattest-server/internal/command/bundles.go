package command

import (
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/nitroattest/nitroattest/internal/input"
	"github.com/nitroattest/nitroattest/internal/settings"
	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

// BundleConfig says whose Sigstore bundles count. Of a value and the pattern for
// it, one is not empty.
type BundleConfig struct {
	TrustedRoot               []byte
	Issuer, IssuerPattern     string
	Identity, IdentityPattern string
	Name                      string             // that the policy has to have
	Seen                      signedpolicy.Store // remembers versions
}

// Sigstore makes what verifies bundles: the signature, who made it, the name of
// the policy, its times and its version. It is handed to [Run], so that whoever
// puts the service together without it compiles none of Sigstore's libraries.
type Sigstore func(BundleConfig) (BundleVerifier, error)

// BundleVerifier returns the policy in a bundle, and who vouches for it.
type BundleVerifier func(bundle []byte) (pcr.Policy, *settings.Voucher, error)

func (f *bundleFlags) all() []*string {
	return []*string{f.identity, f.identityPattern, f.issuer, f.issuerPattern, f.trustedRoot}
}

// given reports whether one of the flags was. An empty text was, and lets no
// policy pass that nobody signed.
func (f *bundleFlags) given() bool {
	for _, each := range f.all() {
		if each != nil {
			return true
		}
	}
	return false
}

func (f *bundleFlags) config() (BundleConfig, error) {
	var c BundleConfig
	for _, each := range []struct {
		flag           string
		exact, pattern *string
		to, toPattern  *string
	}{
		{"--certificate-identity", f.identity, f.identityPattern, &c.Identity, &c.IdentityPattern},
		{"--certificate-oidc-issuer", f.issuer, f.issuerPattern, &c.Issuer, &c.IssuerPattern},
	} {
		if (each.exact == nil) == (each.pattern == nil) {
			return c, fmt.Errorf("Sigstore bundles: expected either %s or %[1]s-regexp", each.flag)
		}
		if each.exact != nil {
			if *each.to = *each.exact; *each.to == "" {
				return c, fmt.Errorf("%s: empty, expected a text", each.flag)
			}
			continue
		}
		if *each.toPattern = *each.pattern; *each.toPattern == "" {
			return c, fmt.Errorf("%s-regexp: empty, expected a regular expression", each.flag)
		}
		if _, err := regexp.Compile(*each.pattern); err != nil {
			return c, fmt.Errorf("%s-regexp: %w", each.flag, err)
		}
	}
	if f.trustedRoot == nil || *f.trustedRoot == "" {
		return c, hintf(errors.New("Sigstore bundles: expected --trusted-root FILE"), "gh attestation trusted-root, or cosign trusted-root create, writes one")
	}
	var err error
	if c.TrustedRoot, err = os.ReadFile(*f.trustedRoot); err != nil {
		return c, fmt.Errorf("--trusted-root: %s: %w", *f.trustedRoot, input.WithoutPath(err))
	}
	return c, nil
}

// bundleReader reads Sigstore bundles. Each file has a verifier of its own, since
// its name says what the policy has to be called.
func (f *vouchingFlags) bundleReader(sigstore Sigstore) (policyReader, error) {
	config, err := f.signer.config()
	if err != nil {
		return nil, err
	}
	if sigstore == nil {
		return nil, errors.New("--trusted-root: this program was built without Sigstore")
	}
	config.Seen = f.seen()
	named := func(name string) (BundleVerifier, error) {
		c := config
		c.Name = name
		return sigstore(c)
	}
	// All else was looked at. No file can have this name.
	if _, err := named("-"); err != nil {
		return nil, fmt.Errorf("--trusted-root: %s: %w", *f.signer.trustedRoot, err)
	}
	return func(name string, file []byte) (pcr.Policy, *settings.Voucher, error) {
		verify, err := named(name)
		if err != nil {
			return pcr.Policy{}, nil, err
		}
		return verify(file)
	}, nil
}
