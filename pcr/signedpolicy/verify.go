package signedpolicy

import (
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Config says whose signatures count, and on what.
type Config struct {
	// Keys are the keys of those who may vouch, at most 32: [ed25519.PublicKey]
	// or [*ecdsa.PublicKey] on P-256 or P-384. A key that is given twice counts
	// once.
	Keys []crypto.PublicKey

	// Threshold is how many of the keys have to have signed, at least one.
	Threshold int

	// Name is the name that the policy has to have.
	Name string

	// Now returns the time to verify at. Nil is the clock of this machine.
	Now func() time.Time

	// Seen remembers the highest version. Nil remembers it in memory, as long
	// as the Verifier lives.
	Seen Store
}

// Verifier verifies signed policies. It may be used by several goroutines.
type Verifier struct {
	keys      []publicKey
	threshold int
	expect    Expect
}

// NewVerifier fails when the configuration could not refuse anything, or could
// not accept anything: without a key or a name, and with a threshold below one
// or above the number of distinct keys.
func NewVerifier(c Config) (*Verifier, error) {
	v := &Verifier{threshold: c.Threshold, expect: Expect{c.Name, c.Now, c.Seen}}
	if len(c.Keys) == 0 || len(c.Keys) > MaxSignatures {
		return nil, fmt.Errorf("signedpolicy: found %d keys, expected 1 to %d", len(c.Keys), MaxSignatures)
	}
	distinct := map[string]bool{}
	for i, key := range c.Keys {
		k, err := newPublicKey(key)
		if err != nil {
			return nil, fmt.Errorf("signedpolicy: key %d: %w", i+1, err)
		}
		if !distinct[k.id] {
			distinct[k.id] = true
			v.keys = append(v.keys, k)
		}
	}
	if c.Threshold < 1 || c.Threshold > len(v.keys) {
		return nil, fmt.Errorf("signedpolicy: found a threshold of %d, expected 1 to %d, the number of distinct keys", c.Threshold, len(v.keys))
	}
	if err := v.expect.complete(); err != nil {
		return nil, err
	}
	return v, nil
}

// Verified is a signed policy and who signed it.
type Verified struct {
	Statement

	// Signers are the keys whose signatures were verified, in the order of
	// Config.Keys, as their KeyID. They are at least the threshold.
	Signers []string

	// SHA256 is the digest of the statement, the payload of the envelope.
	SHA256 [sha256.Size]byte
}

// Verify returns the statement of an envelope that enough keys signed, that has
// the expected name, holds now, and is no older version than one seen before.
// Otherwise it returns an *[Error].
//
// The images that Revoked names are not in the Policy of the result. A
// statement is only returned without an error.
func (v *Verifier) Verify(envelope []byte) (*Statement, error) {
	verified, err := v.VerifySigners(envelope)
	if err != nil {
		return nil, err
	}
	return &verified.Statement, nil
}

// VerifySigners is Verify and says which keys signed, too.
func (v *Verifier) VerifySigners(envelope []byte) (*Verified, error) {
	e, err := parseEnvelope(envelope)
	if err != nil {
		return nil, err
	}
	signers, err := v.signers(e)
	if err != nil {
		return nil, err
	}
	s, err := v.expect.appraise(e.payload)
	if err != nil {
		return nil, err
	}
	return &Verified{*s, signers, sha256.Sum256(e.payload)}, nil
}

// signers returns the keys that signed. It counts keys, never signatures.
func (v *Verifier) signers(e *envelope) ([]string, error) {
	message := PAE(e.payloadType, e.payload)
	signed := make([]bool, len(v.keys))
	checks, count := 0, 0
	for _, s := range e.signatures {
		for _, i := range v.candidates(s) {
			if signed[i] || !v.keys[i].couldBe(s.sig) || checks == MaxChecks {
				continue
			}
			checks++
			if v.keys[i].verify(message, s.sig) {
				signed[i] = true
				count++
				break
			}
		}
	}
	if count < v.threshold {
		return nil, &Error{TooFewSignatures, v.tooFew(e, signed, count, checks), nil}
	}
	var ids []string
	for i, k := range v.keys {
		if signed[i] {
			ids = append(ids, k.id)
		}
	}
	return ids, nil
}

// candidates returns the indexes of the keys that may have made a signature:
// the one that it names, or all where it names none of ours. The key IDs of
// other tools are made differently.
func (v *Verifier) candidates(s signature) []int {
	all := make([]int, len(v.keys))
	for i, k := range v.keys {
		if k.id == s.keyID {
			return []int{i}
		}
		all[i] = i
	}
	return all
}

func (v *Verifier) tooFew(e *envelope, signed []bool, count, checks int) string {
	var missing []string
	for i, k := range v.keys {
		if !signed[i] {
			missing = append(missing, k.id[:16])
		}
	}
	detail := fmt.Sprintf("found %d of %d keys in %d signatures, expected %d; no valid signature of %s",
		count, len(v.keys), len(e.signatures), v.threshold, strings.Join(missing, ", "))
	if checks == MaxChecks {
		detail += fmt.Sprintf("; stopped after %d checks", checks)
	}
	return detail
}

// Expect is what a statement has to be, whoever signed it.
type Expect struct {
	Name string           // as in Config
	Now  func() time.Time // as in Config
	Seen Store            // as in Config, but must not be nil
}

func (e *Expect) complete() error {
	if err := checkName(e.Name); err != nil {
		return fmt.Errorf("signedpolicy: name: %w", err)
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Seen == nil {
		e.Seen = NewMemoryStore()
	}
	return nil
}

// InsecureAppraise does what [Verifier.Verify] does after it has verified the
// signatures: it reads the payload and checks name, times and version. It is
// for callers that have verified a signature over these very bytes themselves,
// as package sigstore does.
func InsecureAppraise(payload []byte, expect Expect) (*Statement, error) {
	if expect.Seen == nil {
		return nil, errors.New("signedpolicy: no store is given, which would let older versions come back")
	}
	if err := expect.complete(); err != nil {
		return nil, err
	}
	return expect.appraise(payload)
}

// appraise checks a payload whose signatures were verified. A version that has
// begun is remembered even when it has expired or accepts nothing any more:
// what it replaced must not come back.
func (e Expect) appraise(payload []byte) (*Statement, error) {
	s, err := parseStatement(payload)
	if err != nil {
		return nil, err
	}
	if s.Name != e.Name {
		return nil, &Error{OtherName, fmt.Sprintf("name: found %s, expected %s", quoteShort(s.Name), quoteShort(e.Name)), nil}
	}
	now := e.Now()
	if now.Before(s.Issued) {
		return nil, &Error{NotYetValid, fmt.Sprintf("issued: found %s, expected a time up to now, %s", formatTime(s.Issued), formatTime(now)), nil}
	}
	highest, err := e.Seen.Advance(s.Name, s.Version)
	if err != nil {
		return nil, &Error{StoreFailed, "", err}
	}
	if s.Version < highest {
		return nil, &Error{RolledBack, fmt.Sprintf("version: found %d, expected at least %d, which was seen before", s.Version, highest), nil}
	}
	if !now.Before(s.Expires) {
		return nil, &Error{Expired, fmt.Sprintf("expires: found %s, expected a time after now, %s", formatTime(s.Expires), formatTime(now)), nil}
	}
	if s.Policy = s.withoutRevoked(); len(s.Policy.Images) == 0 {
		return nil, &Error{ImageRevoked, "every image of the policy is revoked", nil}
	}
	return s, nil
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
