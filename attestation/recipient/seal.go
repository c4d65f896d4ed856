package recipient

import (
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
}

// Seal encrypts plaintext, at most [MaxPlaintextSize] bytes and possibly none,
// to the RSA public key in a verified document, in the very form in which AWS
// KMS answers an enclave. [Open] reads it, and so does whatever reads
// CiphertextForRecipient.
//
// The document's public_key has to be the DER of a SubjectPublicKeyInfo with an
// RSA key of 2048 to 4096 bits and an exponent over 2^16.
//
// Seal takes what [attestation.Verifier.Verify] returned, while it is fresh,
// and not from an enclave in debug mode. The error is an *[Error] of one of
// these reasons: [UnverifiedResult], [ResultExpired], [DebugMode], [TooLarge] and
// [InvalidKey]. It cannot tell which policy the verifier had: under
// InsecureAnyImage the secret goes to whatever code asked for it.
func Seal(res *attestation.Result, plaintext []byte) ([]byte, error) {
	return Sealer{}.Seal(res, plaintext)
}

// SealHPKE encrypts plaintext, at most [MaxPlaintextSize] bytes and possibly
// none, to the X25519 or P-384 public key in a verified document with HPKE
// (RFC 9180). [OpenHPKE] reads it; the package documentation has the form.
//
// The document's public_key is the 32 bytes of an X25519 key, the 97 bytes of
// an uncompressed P-384 point (SEC 1), or the DER of a SubjectPublicKeyInfo of
// either. Nothing tells 32 bytes that are an Ed25519 key from an X25519 key;
// what is sealed to one, nobody can open. X25519 is an error in the FIPS
// 140-only mode of the standard library.
//
// Results and errors are as for [Seal].
func SealHPKE(res *attestation.Result, plaintext []byte) ([]byte, error) {
	return Sealer{}.SealHPKE(res, plaintext)
}

// Seal does what the function [Seal] does.
func (s Sealer) Seal(res *attestation.Result, plaintext []byte) ([]byte, error) {
	if err := s.check(res, plaintext); err != nil {
		return nil, err
	}
	return sealRSA(res.Document.PublicKey, plaintext)
}

// SealHPKE does what the function [SealHPKE] does.
func (s Sealer) SealHPKE(res *attestation.Result, plaintext []byte) ([]byte, error) {
	if err := s.check(res, plaintext); err != nil {
		return nil, err
	}
	return sealHPKE(res.Document.PublicKey, plaintext)
}

// check refuses what is not the fresh result of a verification.
func (s Sealer) check(res *attestation.Result, plaintext []byte) error {
	if !res.Verified() {
		return errorf(UnverifiedResult, "found a result that no verifier returned, expected one from Verify")
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
	if len(plaintext) > MaxPlaintextSize {
		return errorf(TooLarge, "found a plaintext of %d bytes, expected at most %d", len(plaintext), MaxPlaintextSize)
	}
	return nil
}
