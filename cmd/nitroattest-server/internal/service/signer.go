package service

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// keyOverlap is how long a key is listed after another has taken its place: the
// lifetime of the last result that it signed, and as much again for clocks that
// differ and for whoever asks for keys now and then.
const keyOverlap = 2 * earLifetime

// Signer signs attestation results with ES384 (RFC 7518, section 3.4). It is safe
// for concurrent use.
type Signer struct {
	version string
	older   bool // EARProfile03
	keys    atomic.Pointer[signingKeys]
}

// UseProfile makes results of another profile than EARProfile: EARProfile03, for
// consumers that compare the claim. It is called before the signer is in use.
func (s *Signer) UseProfile(profile string) error {
	if profile != EARProfile && profile != EARProfile03 {
		return fmt.Errorf("found the profile %q, expected %q or %q", profile, EARProfile, EARProfile03)
	}
	s.older = profile == EARProfile03
	return nil
}

func (s *Signer) profile() string {
	if s.older {
		return EARProfile03
	}
	return EARProfile
}

// signingKeys are the keys of one time. They never change.
type signingKeys struct {
	current  *signingKey
	replaced []replacedKey
}

type replacedKey struct {
	jwk   jwk
	until time.Time // it is listed
}

// ParseSigner returns a signer with a private P-384 key in PEM, PKCS #8 or SEC 1.
// The version is that of this software, which every result names.
func ParseSigner(data []byte, version string) (*Signer, error) {
	key, err := parseSigningKey(data)
	if err != nil {
		return nil, err
	}
	s := &Signer{version: version}
	s.keys.Store(&signingKeys{current: key})
	return s, nil
}

// LoadSigner is ParseSigner of a file, whose key the signer follows.
func LoadSigner(files *Files, path, version string) (*Signer, error) {
	s := &Signer{version: version}
	err := files.add(kindEARKey, func(contents [][]byte) (inUse, error) {
		key, err := parseSigningKey(contents[0])
		if err != nil {
			return inUse{}, err
		}
		s.keys.Store(s.keys.Load().replace(key, time.Now()))
		return inUse{ID: key.jwk.KeyID}, nil
	}, path)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// replace returns the keys after a key has come, the first if k is nil.
func (k *signingKeys) replace(key *signingKey, now time.Time) *signingKeys {
	keys := &signingKeys{current: key}
	if k == nil {
		return keys
	}
	// The last comes first; whoever restores a key has it listed once.
	for _, old := range append([]replacedKey{{k.current.jwk, now.Add(keyOverlap)}}, k.replaced...) {
		if old.jwk != key.jwk && now.Before(old.until) {
			keys.replaced = append(keys.replaced, old)
		}
	}
	return keys
}

// listed returns what verifies results that have not expired, the key of new
// ones first.
func (k *signingKeys) listed(now time.Time) []jwk {
	keys := []jwk{k.current.jwk}
	for _, old := range k.replaced {
		if now.Before(old.until) {
			keys = append(keys, old.jwk)
		}
	}
	return keys
}

// sign returns the compact form of a JWT. Its type is that of RFC 9782, so that
// it is not taken for a token of another purpose (RFC 8725, section 3.11).
func (s *Signer) sign(claims jwt.MapClaims) (string, error) {
	key := s.keys.Load().current
	token := jwt.NewWithClaims(jwt.SigningMethodES384, claims)
	token.Header["typ"] = "eat+jwt"
	token.Header["kid"] = key.jwk.KeyID
	return token.SignedString(key.private)
}

// keys answers GET /v1/keys with a JWK set, an empty one without a signer.
func (s *Service) keys(w http.ResponseWriter, _ *http.Request, _ *entry) error {
	set := struct {
		Keys []jwk `json:"keys"`
	}{[]jwk{}}
	if s.config.Signer != nil {
		set.Keys = s.config.Signer.keys.Load().listed(time.Now())
	}
	body, err := json.Marshal(set)
	if err != nil {
		return err
	}
	return writeBody(w, http.StatusOK, "application/jwk-set+json", body) // RFC 7517, section 8.5.2
}
