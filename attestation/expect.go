package attestation

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/nitroattest/nitroattest/pcr"
)

// Expect says what one exchange expects of the document beside the policy. It
// has to state freshness: a Nonce, a MaxAge, both, or InsecureNoFreshness. The
// zero value is an error unless the verifier is Recorded.
//
// Nil means that nothing is expected of a field. Where the value comes out of a
// map, a session or a file, a value that got lost is nil too, and asks for
// nothing. Two things make that loud, and a program should have one of them:
// [Required] around the value, or [Config.Require] for the verifier.
//
//	attestation.Expect{Nonce: attestation.Required(session.Nonce), MaxAge: time.Minute}
type Expect struct {
	// Nonce is the challenge that the relying party gave out for this exchange.
	// Nil: none, and age alone has to do; empty: an error.
	Nonce []byte
	// MaxAge is how old the document may be, by its timestamp. Zero: no limit.
	// Within it, a document can be replayed.
	MaxAge time.Duration
	// InsecureNoFreshness accepts a document of any age, which can be replayed
	// until its leaf certificate expires, up to three hours.
	InsecureNoFreshness bool
	// UserData is what user_data has to be. Nil: anything; empty: present and
	// empty, which an absent field is not.
	UserData []byte
	// PublicKey is what public_key has to be, like UserData.
	PublicKey []byte
	// NoUserData says that user_data has to be null or absent. Set beside
	// UserData it is an error.
	NoUserData bool
	// NoPublicKey says that public_key has to be null or absent, like NoUserData.
	NoPublicKey bool
	// PCRs are registers that this exchange requires beside the image, whichever
	// image it is: what an application measured after it had booted, such as its
	// configuration. Every one has to be in the document with this value; zero
	// asks for a register that is there and zero. For enclaves they are 16 to 31.
	// For NitroTPM they are those of the operating system and its applications,
	// 8 to 16 and 23; 16 and 23 can be reset by the instance, so they tell what
	// was measured last, not everything that was. Nil: none; empty: an error.
	PCRs pcr.Bank
}

// Required returns a value that an exchange has to have, so that one that got
// lost is never taken for one that nobody asked for: it turns nil into an empty
// slice. An empty Nonce is an error, and an empty UserData or PublicKey is only
// satisfied by a document whose field is present and empty.
func Required(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return value
}

// Requirements are what every Expect of a [Verifier] has to state, see
// [Config.Require].
type Requirements struct {
	Nonce     bool // Expect.Nonce is set
	UserData  bool // Expect.UserData or Expect.NoUserData is set
	PublicKey bool // Expect.PublicKey or Expect.NoPublicKey is set
}

// validate returns an error that names the field of Expect that cannot be
// used.
func (e *Expect) validate(config *Config) error {
	if e.Nonce != nil && len(e.Nonce) == 0 {
		return errors.New("attestation: Expect.Nonce: empty: an expected nonce has at least one byte; nil means that none is expected")
	}
	if e.MaxAge < 0 {
		return fmt.Errorf("attestation: Expect.MaxAge: found %s, expected a positive duration", e.MaxAge)
	}
	if err := e.validateFreshness(config.Recorded); err != nil {
		return err
	}
	for _, field := range []struct {
		name     string
		set, no  bool
		required bool
	}{
		{"Nonce", e.Nonce != nil, false, config.Require.Nonce},
		{"UserData", e.UserData != nil, e.NoUserData, config.Require.UserData},
		{"PublicKey", e.PublicKey != nil, e.NoPublicKey, config.Require.PublicKey},
	} {
		if field.set && field.no {
			return fmt.Errorf("attestation: Expect.No%s: set beside Expect.%[1]s, expected one of them", field.name)
		}
		if field.required && !field.set && !field.no {
			return fmt.Errorf("attestation: Expect.%s: nil, and Config.Require.%[1]s says that every exchange has one", field.name)
		}
	}
	return e.validateRegisters(config.Kind)
}

func (e *Expect) validateFreshness(recorded bool) error {
	if recorded {
		if e.MaxAge > 0 {
			return errors.New("attestation: Expect.MaxAge: set for a Config.Recorded verifier, by whose clock every document is new")
		}
		return nil
	}
	if e.Nonce == nil && e.MaxAge == 0 && !e.InsecureNoFreshness {
		return errors.New("attestation: Expect: states no freshness: set Nonce, MaxAge or InsecureNoFreshness")
	}
	return nil
}

func (e *Expect) validateRegisters(kind Kind) error {
	if e.PCRs != nil && len(e.PCRs) == 0 {
		return errors.New("attestation: Expect.PCRs: empty: nil means that no register is expected")
	}
	for _, register := range e.PCRs.Registers() {
		if !kind.Application(register) {
			expected := "16 to 31"
			if kind == NitroTPM {
				expected = "8 to 16 or 23"
			}
			return fmt.Errorf("attestation: Expect.PCRs[%d]: %s, which belongs into an image of the policy; expected registers %s, which change after boot",
				register, kind.Describe(register), expected)
		}
	}
	return nil
}

// matches compares in constant time. Absent and empty are different.
func matches(want, got []byte) bool {
	return got != nil && subtle.ConstantTimeCompare(want, got) == 1
}
