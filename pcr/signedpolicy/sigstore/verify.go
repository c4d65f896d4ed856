package sigstore

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

// The reasons for which a bundle is refused before its statement is read. The
// others are those of package signedpolicy, whose Error carries them all.
const (
	MalformedBundle signedpolicy.Reason = "malformed-bundle" // not a Sigstore bundle with a DSSE envelope and a certificate
	NotLogged       signedpolicy.Reason = "not-logged"       // no entry in a log of the trusted root that fits signature and certificate
	NoTimestamp     signedpolicy.Reason = "no-timestamp"     // nobody but the signer vouches for the time of the signature
	BadSignature    signedpolicy.Reason = "bad-signature"    // the certificate was not valid then, or did not sign these bytes
	OtherIssuer     signedpolicy.Reason = "other-issuer"     // somebody else logged the signer in
	OtherIdentity   signedpolicy.Reason = "other-identity"   // somebody else signed
)

// Config says whose signature counts, and on what.
type Config struct {
	// TrustedRoot is the JSON of a trusted root file, at most 4 MiB.
	TrustedRoot []byte

	// Issuer is the URL of the OpenID Connect issuer,
	// "https://token.actions.githubusercontent.com" for example. In its place
	// IssuerPattern takes a regular expression (RE2) for the whole URL.
	Issuer, IssuerPattern string

	// Identity is the subject alternative name of the certificate: an e-mail
	// address, or the URI of a workflow,
	// "https://github.com/example/enclave/.github/workflows/release.yml@refs/tags/v1.2.0".
	// In its place IdentityPattern takes a regular expression for the whole name.
	Identity, IdentityPattern string

	// Name is the name that the policy has to have.
	Name string

	// Now returns the time that the statement has to hold at. Nil is the clock
	// of this machine. The certificate is verified at the time of the signature.
	Now func() time.Time

	// Seen remembers the highest version. Nil remembers it in memory, as long
	// as the Verifier lives.
	Seen signedpolicy.Store
}

// Verifier verifies Sigstore bundles. It may be used by several goroutines.
type Verifier struct {
	verifier         *verify.Verifier
	issuer, identity matcher
	expect           signedpolicy.Expect
}

// NewVerifier fails without a trusted root, an issuer, an identity or a name,
// and where a value is given beside its pattern.
func NewVerifier(c Config) (*Verifier, error) {
	v := &Verifier{expect: signedpolicy.Expect{Name: c.Name, Now: c.Now, Seen: c.Seen}}
	if c.Name == "" {
		return nil, errors.New("sigstore: no name is given, expected that of the policy")
	}
	if v.expect.Seen == nil {
		v.expect.Seen = signedpolicy.NewMemoryStore()
	}
	var err error
	if v.issuer, err = newMatcher("issuer", c.Issuer, c.IssuerPattern); err != nil {
		return nil, err
	}
	if v.identity, err = newMatcher("identity", c.Identity, c.IdentityPattern); err != nil {
		return nil, err
	}
	if len(c.TrustedRoot) > signedpolicy.MaxEnvelope {
		return nil, fmt.Errorf("sigstore: trusted root: found more than %d bytes, expected at most that", signedpolicy.MaxEnvelope)
	}
	trusted, err := root.NewTrustedRootFromJSON(c.TrustedRoot)
	if err != nil {
		return nil, fmt.Errorf("sigstore: trusted root: %w", err)
	}
	options := []verify.VerifierOption{verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1)}
	if len(trusted.CTLogs()) > 0 {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	if v.verifier, err = verify.NewVerifier(trusted, options...); err != nil {
		return nil, fmt.Errorf("sigstore: %w", err)
	}
	return v, nil
}

// matcher is an exact text or a pattern for the whole of it.
type matcher struct {
	exact   string
	pattern *regexp.Regexp
}

func newMatcher(what, exact, pattern string) (matcher, error) {
	if (exact == "") == (pattern == "") {
		return matcher{}, fmt.Errorf("sigstore: expected either an %s or a pattern for it", what)
	}
	if exact != "" {
		return matcher{exact: exact}, nil
	}
	// Compiled alone first: in the group a stray bracket could change its meaning.
	if _, err := regexp.Compile(pattern); err != nil {
		return matcher{}, fmt.Errorf("sigstore: pattern of the %s: %w", what, err)
	}
	return matcher{pattern: regexp.MustCompile(`^(?:` + pattern + `)$`)}, nil
}

func (m matcher) match(text string) bool {
	if m.pattern != nil {
		return m.pattern.MatchString(text)
	}
	return m.exact == text
}

func (m matcher) String() string {
	if m.pattern != nil {
		return fmt.Sprintf("a match of %q", m.pattern)
	}
	return fmt.Sprintf("%q", m.exact)
}

// Signer is what the certificate says of who signed. Fields that it does not
// have are empty. Times are those that were verified.
type Signer struct {
	Issuer     string      `json:"issuer"`
	Identity   string      `json:"identity"`
	Repository string      `json:"repository,omitempty"` // URL of the source
	Commit     string      `json:"commit,omitempty"`     // of the source
	Ref        string      `json:"ref,omitempty"`        // branch or tag of the source
	Workflow   string      `json:"workflow,omitempty"`   // URI of the build's top-level instructions
	Run        string      `json:"run,omitempty"`        // URL of the build
	Trigger    string      `json:"trigger,omitempty"`    // event that started it
	Signed     []time.Time `json:"signed"`               // of the log or of a timestamp authority
}

// Verified is a signed policy and who signed it.
type Verified struct {
	signedpolicy.Statement
	Signer Signer
	SHA256 [sha256.Size]byte // of the statement, the payload of the envelope
}

// Verify returns the statement of a bundle that the expected identity signed,
// that has the expected name, holds now, and is no older version than one seen
// before. Otherwise it returns a *[signedpolicy.Error]. At most 4 MiB are read.
func (v *Verifier) Verify(data []byte) (*Verified, error) {
	payload, signer, err := v.InsecureVerifySignature(data)
	if err != nil {
		return nil, err
	}
	s, err := signedpolicy.InsecureAppraise(payload, v.expect)
	if err != nil {
		return nil, err
	}
	return &Verified{*s, *signer, sha256.Sum256(payload)}, nil
}

// InsecureVerifySignature verifies the signature and who made it, and nothing
// of the statement: not its name, its times or its version. It is for callers
// that hand the payload to [signedpolicy.InsecureAppraise] themselves.
func (v *Verifier) InsecureVerifySignature(data []byte) (payload []byte, signer *Signer, err error) {
	if len(data) > signedpolicy.MaxEnvelope {
		return nil, nil, refuse(MalformedBundle, fmt.Sprintf("found more than %d bytes, expected at most that", signedpolicy.MaxEnvelope), nil)
	}
	b := &bundle.Bundle{}
	if err := b.UnmarshalJSON(bytes.TrimSpace(data)); err != nil {
		return nil, nil, refuse(MalformedBundle, "", err)
	}
	return v.verify(b)
}

func (v *Verifier) verify(entity verify.SignedEntity) ([]byte, *Signer, error) {
	payload, err := payloadOf(entity)
	if err != nil {
		return nil, nil, err
	}
	// The two steps that Verify begins with, for a reason of their own.
	logged, err := v.verifier.VerifyTransparencyLogInclusion(entity)
	if err != nil {
		return nil, nil, refuse(NotLogged, "", err)
	}
	if _, err := v.verifier.VerifyObserverTimestamps(entity, logged); err != nil {
		return nil, nil, refuse(NoTimestamp, "", err)
	}
	// Who signed is compared below, with a reason for each part. The statement
	// itself names the files that it is about.
	result, err := v.verifier.Verify(entity, verify.NewPolicy(verify.WithoutArtifactUnsafe(), verify.WithoutIdentitiesUnsafe()))
	if err != nil {
		return nil, nil, refuse(BadSignature, "", err)
	}
	if result.Signature == nil || result.Signature.Certificate == nil {
		return nil, nil, refuse(MalformedBundle, "found a signature by a key, expected one by a certificate", nil)
	}
	signer := newSigner(result.Signature.Certificate)
	if !v.issuer.match(signer.Issuer) {
		return nil, nil, refuse(OtherIssuer, fmt.Sprintf("found %q, expected %s", signer.Issuer, v.issuer), nil)
	}
	if !v.identity.match(signer.Identity) {
		return nil, nil, refuse(OtherIdentity, fmt.Sprintf("found %q, expected %s", signer.Identity, v.identity), nil)
	}
	for _, timestamp := range result.VerifiedTimestamps {
		signer.Signed = append(signer.Signed, timestamp.Timestamp.UTC())
	}
	return payload, signer, nil
}

// payloadOf returns the bytes that the one signature of the envelope is over.
func payloadOf(entity verify.SignedEntity) ([]byte, error) {
	content, err := entity.SignatureContent()
	if err != nil {
		return nil, refuse(MalformedBundle, "", err)
	}
	envelope := content.EnvelopeContent()
	if envelope == nil {
		return nil, refuse(MalformedBundle, "found a signature over a file, expected a DSSE envelope", nil)
	}
	raw := envelope.RawEnvelope()
	if raw.PayloadType != signedpolicy.PayloadType {
		return nil, refuse(signedpolicy.WrongPayloadType, fmt.Sprintf("payloadType: found %q, expected %q", raw.PayloadType, signedpolicy.PayloadType), nil)
	}
	payload, err := raw.DecodeB64Payload()
	if err != nil {
		return nil, refuse(MalformedBundle, "payload", err)
	}
	return payload, nil
}

func newSigner(c *certificate.Summary) *Signer {
	return &Signer{
		Issuer:     c.Issuer,
		Identity:   c.SubjectAlternativeName,
		Repository: c.SourceRepositoryURI,
		Commit:     c.SourceRepositoryDigest,
		Ref:        c.SourceRepositoryRef,
		Workflow:   c.BuildConfigURI,
		Run:        c.RunInvocationURI,
		Trigger:    c.BuildTrigger,
	}
}

func refuse(reason signedpolicy.Reason, detail string, err error) error {
	return &signedpolicy.Error{Reason: reason, Detail: detail, Err: err}
}
