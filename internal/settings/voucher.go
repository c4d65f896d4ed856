package settings

import (
	"crypto"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/nitroattest/nitroattest/pcr"
	"github.com/nitroattest/nitroattest/pcr/signedpolicy"
)

// Voucher is who vouches for a policy, for what and until when.
type Voucher struct {
	Name        string    `json:"name"`
	Version     uint64    `json:"version"`
	Issued      time.Time `json:"issued"`
	Expires     time.Time `json:"expires"`
	SHA256      string    `json:"statement_sha256"`
	Keys        []string  `json:"keys,omitempty"` // that signed, by their IDs
	Threshold   int       `json:"threshold,omitempty"`
	Certificate *Signer   `json:"certificate,omitempty"` // in place of keys

	Subjects []signedpolicy.Subject `json:"-"`
	Revoked  []string               `json:"-"`
	Of       int                    `json:"-"` // keys that may sign
	// NameChecked is whether the user said which name the policy has to have, and
	// VersionKept whether something remembers the highest version.
	NameChecked bool `json:"-"`
	VersionKept bool `json:"-"`
}

// Signer is what the certificate of a Sigstore bundle says of who signed.
type Signer struct {
	Issuer     string      `json:"issuer"`
	Identity   string      `json:"identity"`
	Repository string      `json:"repository,omitempty"`
	Commit     string      `json:"commit,omitempty"`
	Ref        string      `json:"ref,omitempty"`
	Workflow   string      `json:"workflow,omitempty"`
	Run        string      `json:"run,omitempty"`
	Trigger    string      `json:"trigger,omitempty"`
	Signed     []time.Time `json:"signed"`
}

// NewVoucher returns what a statement says, whose payload has the digest.
func NewVoucher(s *signedpolicy.Statement, digest [sha256.Size]byte) *Voucher {
	return &Voucher{
		Name: s.Name, Version: s.Version, Issued: s.Issued, Expires: s.Expires,
		SHA256: fmt.Sprintf("%x", digest), Subjects: s.Subjects, Revoked: s.Revoked,
	}
}

// Vouching says whose signatures on a policy count.
type Vouching struct {
	Keys      []crypto.PublicKey
	Threshold int                // zero: all of them
	Name      string             // that the policy has to have; empty: any, which the Voucher says
	Now       func() time.Time   // nil: time.Now
	Seen      signedpolicy.Store // nil: nothing remembers the highest version
}

// Read verifies an envelope and returns the policy in it and who vouches for
// it. It returns no policy beside an error.
func (v Vouching) Read(envelope []byte) (pcr.Policy, *Voucher, error) {
	distinct, err := countDistinct(v.Keys)
	if err != nil {
		return pcr.Policy{}, nil, err
	}
	config := signedpolicy.Config{Keys: v.Keys, Threshold: v.Threshold, Name: v.Name, Now: v.Now, Seen: v.Seen}
	if config.Threshold == 0 {
		config.Threshold = distinct
	}
	if config.Threshold < 1 || config.Threshold > distinct {
		return pcr.Policy{}, nil, &Mistake{Setting: PolicyThreshold, Detail: fmt.Sprintf("found %d, expected 1 to %d, the number of distinct keys", config.Threshold, distinct)}
	}
	if config.Name == "" {
		unverified, err := signedpolicy.ParseUnverified(envelope)
		if err != nil {
			return pcr.Policy{}, nil, err
		}
		config.Name = unverified.Statement.Name
	}
	verifier, err := signedpolicy.NewVerifier(config)
	if err != nil {
		return pcr.Policy{}, nil, err
	}
	verified, err := verifier.VerifySigners(envelope)
	if err != nil {
		return pcr.Policy{}, nil, err
	}
	voucher := NewVoucher(&verified.Statement, verified.SHA256)
	voucher.Keys, voucher.Threshold, voucher.Of = verified.Signers, config.Threshold, distinct
	voucher.NameChecked, voucher.VersionKept = v.Name != "", v.Seen != nil
	return verified.Statement.Policy, voucher, nil
}

func countDistinct(keys []crypto.PublicKey) (int, error) {
	ids := map[string]bool{}
	for _, key := range keys {
		id, err := signedpolicy.KeyID(key)
		if err != nil {
			return 0, err
		}
		ids[id] = true
	}
	return len(ids), nil
}

// Signers says in a few words who signed.
func (v *Voucher) Signers() string {
	if v.Certificate != nil {
		return v.Certificate.Identity
	}
	short := make([]string, len(v.Keys))
	for i, id := range v.Keys {
		short[i] = id[:16]
	}
	return fmt.Sprintf("%d of %d keys (%s)", len(v.Keys), v.Of, strings.Join(short, ", "))
}

// Summary is one line for people.
func (v *Voucher) Summary() string {
	return fmt.Sprintf("%s version %d, until %s, signed by %s", v.Name, v.Version, v.Expires.Format(time.RFC3339), v.Signers())
}
