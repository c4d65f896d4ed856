package attestation

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"time"
)

// Expect says what one exchange expects of the document beside the policy. It
// has to state freshness: a Nonce, a MaxAge, both, or InsecureNoFreshness. The
// zero value is an error unless the verifier is Recorded.
type Expect struct {
	// Nonce is the challenge that the relying party gave out for this exchange.
	// Nil: none; empty: an error. With MaxAge set as well, nil means that age
	// alone will do, so see to it that a challenge that got lost is not nil.
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
}

// validate returns an error that names the field of Expect that cannot be
// used.
func (e Expect) validate(recorded bool) error {
	if e.Nonce != nil && len(e.Nonce) == 0 {
		return errors.New("attestation: Expect.Nonce: empty: an expected nonce has at least one byte; nil means that none is expected")
	}
	if e.MaxAge < 0 {
		return fmt.Errorf("attestation: Expect.MaxAge: found %s, expected a positive duration", e.MaxAge)
	}
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

// matches compares in constant time. Absent and empty are different.
func matches(want, got []byte) bool {
	return got != nil && subtle.ConstantTimeCompare(want, got) == 1
}
