package recipient

import (
	"bytes"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
)

// MaxPlaintextSize is the most that [Seal] and [SealHPKE] take, in bytes; the
// envelope then stays under [MaxEnvelopeSize].
const MaxPlaintextSize = 1 << 20

// Sealer seals under other circumstances than [Seal] and [SealHPKE], which are
// the methods of its zero value. It is safe for concurrent use if Now is.
type Sealer struct {
	// Now tells the time against which FreshUntil of a result is held. Nil:
	// time.Now. A verifier with a clock of its own wants the same one here.
	Now func() time.Time
	// InsecureAllowDebug seals to enclaves in debug mode too. Their parent
	// instance reads their console, and their registers do not say what code
	// runs in them: it may as well hand the secret on. For secrets that are
	// none, in development.
	InsecureAllowDebug bool
	// InsecureAllowAnyImage seals to results of a verifier with InsecureAnyImage:
	// whatever code asked for the secret gets it, unless the caller compares the
	// registers by other means.
	InsecureAllowAnyImage bool
	// InsecureAllowRecorded seals to results of a Recorded verifier. Whoever kept
	// the key of an old enclave gets the secret. For tests.
	InsecureAllowRecorded bool
	// InsecureAllowNoFreshness seals to results of an exchange with
	// Expect.InsecureNoFreshness and no nonce or age limit.
	InsecureAllowNoFreshness bool
	// InsecureAllowAnyModuleID seals to modules with an ID of a form that recorded
	// documents do not have, which a verifier with InsecureAnyModuleID accepted.
	InsecureAllowAnyModuleID bool

	// PostQuantum refuses to seal to RSA, X25519 and P-384 keys, whose secrets can be
	// kept and opened by whoever has a quantum computer later. SealHybrid is left.
	// It is implied by a document that commits to a post-quantum key.
	PostQuantum bool
	// InsecureAllowDowngrade seals to the classical key of a document that commits
	// to a post-quantum key too, as AWS KMS does. It does not undo PostQuantum.
	InsecureAllowDowngrade bool
}

// Seal encrypts plaintext, at most [MaxPlaintextSize] bytes and possibly none,
// to the RSA public key in a verified document, in the very form in which AWS
// KMS answers an enclave. [Open] reads it, and so does whatever reads
// CiphertextForRecipient.
//
// The document's public_key has to be the DER of a SubjectPublicKeyInfo with an
// RSA key of 2048 to 4096 bits and an exponent over 2^16.
//
// Seal takes what [attestation.Verifier.Verify] returned, unaltered and while it
// is fresh, for an image of the policy that is not in debug mode, from an
// exchange that had a nonce or an age limit, and of a module whose ID has a known
// form. [Sealer] has a field for each of
// these that can be waived. The error is an *[Error] with one of these reasons:
// [UnverifiedResult], [RecordedResult], [FreshnessUnstated], [ResultExpired],
// [AnyImage], [DebugMode], [UnknownModule], [Downgrade], [TooLarge] and [InvalidKey].
func Seal(res *attestation.Result, plaintext []byte) ([]byte, error) {
	return Sealer{}.Seal(res, plaintext)
}

// Seal does what the function [Seal] does.
func (s Sealer) Seal(res *attestation.Result, plaintext []byte) ([]byte, error) {
	if err := s.checkClassical(res, plaintext); err != nil {
		return nil, err
	}
	return sealRSA(res.Document.PublicKey, plaintext)
}

// check refuses what is not the fresh result of a verification.
func (s Sealer) check(res *attestation.Result, plaintext []byte) error {
	if !res.Verified() {
		return errorf(UnverifiedResult, "found a result that no verifier returned, or that was altered since, expected one from Verify")
	}
	switch {
	case res.Freshness.Recorded && !s.InsecureAllowRecorded:
		return errorf(RecordedResult, "found a result of a Recorded verifier, which cannot tell an old document from a fresh one")
	case res.Freshness == (attestation.Freshness{}) && !s.InsecureAllowNoFreshness:
		return errorf(FreshnessUnstated, "found a result of an exchange without a nonce or an age limit")
	case len(res.Image.PCRs) == 0 && !s.InsecureAllowAnyImage:
		return errorf(AnyImage, "found a result of a verifier with InsecureAnyImage: nothing says what code would receive the secret")
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	if at := now(); at.After(res.FreshUntil) {
		return errorf(ResultExpired, "found a result that was fresh until %s, expected one that is fresh at %s", res.FreshUntil.UTC().Format(time.RFC3339), at.UTC().Format(time.RFC3339))
	}
	if res.Debug && !s.InsecureAllowDebug {
		return errorf(DebugMode, "found an enclave in debug mode: nothing says what code would receive the secret")
	}
	if !res.Document.HasKnownModuleID() && !s.InsecureAllowAnyModuleID {
		return errorf(UnknownModule, "found a module ID of a form that no recorded document has: nothing says what would receive the secret")
	}
	if len(plaintext) > MaxPlaintextSize {
		return errorf(TooLarge, "found a plaintext of %d bytes, expected at most %d", len(plaintext), MaxPlaintextSize)
	}
	return nil
}

// commitmentLabel begins what a document says of a post-quantum key.
const commitmentLabel = "nitroattest/recipient/key v1"

// checkClassical is check for keys that a quantum computer breaks.
func (s Sealer) checkClassical(res *attestation.Result, plaintext []byte) error {
	if err := s.check(res, plaintext); err != nil {
		return err
	}
	if s.PostQuantum {
		return errorf(Downgrade, "Sealer.PostQuantum is set, expected a key for SealHybrid")
	}
	if s.InsecureAllowDowngrade {
		return nil
	}
	for _, field := range committingFields(res) {
		if bytes.HasPrefix(field.value, []byte(commitmentLabel)) {
			return errorf(Downgrade, "found a commitment to a post-quantum key in %s, expected that key and SealHybrid", field.name)
		}
	}
	return nil
}

// namedField is a field of a document in which an enclave can commit to a key.
type namedField struct {
	name  string
	value []byte
}

func committingFields(res *attestation.Result) []namedField {
	return []namedField{{"user_data", res.Document.UserData}, {"public_key", res.Document.PublicKey}}
}
