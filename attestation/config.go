package attestation

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/pcr"
)

// Config says what a [Verifier] accepts. There is no useful zero value: a
// verifier without a policy would accept every enclave there is.
type Config struct {
	// Policy holds the images that are acceptable. Required, unless
	// InsecureAnyImage is set.
	Policy pcr.Policy
	// Kind is the kind of document asked for. Zero: Enclave. The registers of the
	// other kind mean something else, and so do the rules for a policy: Kind has
	// to be that of the Policy.
	Kind Kind
	// Roots are the pinned roots. Nil: certs.AWSNitroRootG1(), never the
	// system's.
	Roots *certs.Roots
	// Revocations knows which certificates and modules are revoked. Nil:
	// revocation is not checked, as AWS's own tools do not.
	Revocations *certs.Revocations
	// Now tells the verification time and is called once in every
	// verification. Nil: time.Now.
	Now func() time.Time
	// Recorded appraises a document as of its own timestamp in place of Now.
	// It answers whether the document was good when it was made, and cannot
	// tell a fresh one from a replayed one: for audits and tests.
	Recorded bool
	// InsecureAllowDebug accepts enclaves in debug mode, whose console the
	// parent instance can read. Their registers 0 to 2 are zero and match no
	// policy that lists them. NitroTPM instances have no such mode.
	InsecureAllowDebug bool
	// InsecureAnyImage accepts whatever code runs in the enclave. Policy has to
	// be empty then.
	InsecureAnyImage bool
	// InsecureAnyModuleID accepts documents with the registers of an enclave whose
	// module_id has another form than in all recorded ones, as that of a Nitro
	// Sandbox may have, and so documents of whatever else AWS signs under this root
	// with such registers. Its leaf has to be named after it all the same.
	// Revocations cannot deny a single one of these. NitroTPM has no such option.
	InsecureAnyModuleID bool
	// Signatures verifies the signatures of the chain and of the document, as
	// package fastp384 does at half the cost. Nil: package crypto/ecdsa, and the
	// only choice under GODEBUG=fips140=only. Whoever sets it trusts it as much as
	// the roots, see [SignatureVerifier]. NewVerifier tries it with known
	// answers, good and bad, and fails if it is wrong about one.
	Signatures SignatureVerifier
	// Require says what every Expect has to state beside freshness, so that a
	// nonce or a key that got lost on its way here is an error and not an exchange
	// that expects none. Zero: nothing.
	Require Requirements
	// Limits bounds the input. Zero: documented defaults.
	Limits Limits
}

// SignatureVerifier verifies ECDSA signatures on P-384 in place of package
// crypto/ecdsa. It is [certs.SignatureVerifier]:
//
//	VerifyP384(key *ecdsa.PublicKey, digest, r, s []byte) bool
type SignatureVerifier = certs.SignatureVerifier

// Verifier appraises attestation documents. Its configuration cannot be changed
// and it is safe for concurrent use; a service needs one for each policy. It
// remembers certificate chains that it has verified, see Limits.
type Verifier struct {
	config Config
	images *pcr.Matcher // of the policy; nil with InsecureAnyImage
	chains *certs.Verifier
}

// NewVerifier returns a verifier for the given configuration, or an error that
// names the field of Config that cannot be used.
func NewVerifier(config Config) (*Verifier, error) {
	config, images, err := config.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("attestation: %w", err)
	}
	skew := config.Limits.ClockSkew
	if config.Recorded {
		skew = 0 // the time is of the same clock as the leaf
	}
	chains, err := certs.NewVerifier(config.Roots, certs.Config{
		Revocations:        config.Revocations,
		CachedCertificates: max(config.Limits.CachedCertificates, 0), // NoCache is negative
		ClockSkew:          skew,
		Signatures:         config.Signatures,
	})
	if err != nil {
		return nil, fmt.Errorf("attestation: Config.Roots, Config.Revocations, Config.Signatures: %w", err)
	}
	return &Verifier{config, images, chains}, nil
}

func (c Config) withDefaults() (Config, *pcr.Matcher, error) {
	var err error
	if c.Limits, err = c.Limits.withDefaults(); err != nil {
		return c, nil, err
	}
	if err := c.Kind.Validate(); err != nil {
		return c, nil, fmt.Errorf("Config.Kind: %w", err)
	}
	c.Kind = cmp.Or(c.Kind, Enclave)
	if c.InsecureAnyModuleID && c.Kind != Enclave {
		return c, nil, fmt.Errorf("Config.InsecureAnyModuleID: set for documents of kind %q, expected %q", c.Kind, Enclave)
	}
	images, err := c.checkPolicy()
	if err != nil {
		return c, nil, err
	}
	if c.Roots == nil {
		c.Roots = certs.AWSNitroRootG1()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, images, nil
}

// checkPolicy prepares the policy for comparison. The verifier is immutable and
// the caller's maps are not, so that the Matcher has a copy.
func (c *Config) checkPolicy() (*pcr.Matcher, error) {
	if c.InsecureAnyImage {
		if len(c.Policy.Images) > 0 {
			return nil, errors.New("Config.InsecureAnyImage: set beside a Config.Policy with images, which would not be looked at")
		}
		return nil, nil
	}
	if !c.Kind.Is(c.Policy.Kind) {
		return nil, fmt.Errorf("Config.Kind: found %q beside a Config.Policy for documents of kind %q, expected the same kind", c.Kind, cmp.Or(c.Policy.Kind, Enclave))
	}
	images, err := pcr.NewMatcher(c.Policy)
	if err != nil {
		return nil, fmt.Errorf("Config.Policy: %w", err)
	}
	return images, nil
}
