package settings

import (
	"crypto/sha256"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/pcr"
)

// Appraisal is what is demanded of every document. The zero value demands too
// little to be used: [Appraisal.Verifier] says what is missing.
type Appraisal struct {
	// Kind is the kind of document. Zero: that of the policy, and an enclave's
	// without one.
	Kind pcr.Kind
	// Policy holds the acceptable images, and Origin says where it came from. With
	// AnyImage it is empty, and any code is acceptable.
	Policy      pcr.Policy
	Origin      Origin
	AnyImage    bool
	AllowDebug  bool // accept enclaves in debug mode
	AnyModuleID bool // accept module IDs of a form that nobody has seen

	Nonce    []byte        // nil: none is expected
	MaxAge   time.Duration // zero: no limit
	Recorded bool          // as of the document's own timestamp
	At       time.Time     // verification time; zero: now

	UserData, PublicKey     []byte   // nil: anything
	NoUserData, NoPublicKey bool     // the field has to be null
	PCRs                    pcr.Bank // registers of this exchange, beside the image; nil: none

	// Roots are trusted in place of AWS's, RootsName says what they are, and nil
	// stands for those of the Partition: PartitionAWS, which is also the zero
	// value, or PartitionGovCloud.
	Roots     *certs.Roots
	RootsName string
	Partition string
	// Revocations is nil where nothing is checked. Lists are the names of the
	// lists in it, Unknown is what it does without a current one, and Denied is
	// what it denies whatever the lists say.
	Revocations *certs.Revocations
	Lists       []string
	Unknown     certs.UnknownStatus
	Denied      []string

	// Signatures is attestation.Config.Signatures.
	Signatures attestation.SignatureVerifier

	// Words returns what the user calls a setting, "--max-age" for MaxAge for
	// example. Nil: its name in JSON.
	Words func(setting string) string

	mistakes Mistakes
	place    func(setting string) (line, column int) // in the JSON; nil: there is none
}

// Origin says where the acceptable images come from.
type Origin struct {
	Name    string   // what it is: "Policy file", "Image file", "Registers"
	Value   string   // its name or content
	File    []byte   // the policy as it was read; nil: there was no policy file
	Voucher *Voucher // who vouches for it; nil: nobody
}

// Digest is the SHA-256 of the policy as it was read.
func (o Origin) Digest() [sha256.Size]byte { return sha256.Sum256(o.File) }

// Verifier returns the verifier that appraises by a and what it has to expect of
// every document, or all Mistakes at once.
func (a *Appraisal) Verifier() (*attestation.Verifier, attestation.Expect, error) {
	if err := a.Check(); err != nil {
		return nil, attestation.Expect{}, err
	}
	v, err := attestation.NewVerifier(a.Config())
	if err != nil {
		return nil, attestation.Expect{}, err
	}
	return v, a.Expect(), nil
}

// kind is Kind, or what it stands for.
func (a *Appraisal) kind() pcr.Kind {
	if a.Kind != "" {
		return a.Kind
	}
	if a.Policy.Kind != "" {
		return a.Policy.Kind
	}
	return pcr.Enclave
}

// Config returns what the verifier is made of. It is of use after Check.
func (a *Appraisal) Config() attestation.Config {
	config := attestation.Config{
		Policy:              a.Policy,
		Kind:                a.kind(),
		Roots:               a.roots(),
		Revocations:         a.Revocations,
		Recorded:            a.Recorded,
		InsecureAllowDebug:  a.AllowDebug,
		InsecureAnyImage:    a.AnyImage,
		InsecureAnyModuleID: a.AnyModuleID,
		Signatures:          a.Signatures,
	}
	if !a.At.IsZero() {
		at := a.At
		config.Now = func() time.Time { return at }
	}
	return config
}

// Expect returns what is expected of every document. It is of use after Check.
func (a *Appraisal) Expect() attestation.Expect {
	return attestation.Expect{
		Nonce: a.Nonce, MaxAge: a.MaxAge,
		UserData: a.UserData, PublicKey: a.PublicKey, NoUserData: a.NoUserData, NoPublicKey: a.NoPublicKey,
		PCRs: a.PCRs,
	}
}

func (a *Appraisal) roots() *certs.Roots {
	switch {
	case a.Roots != nil:
		return a.Roots
	case a.Partition == PartitionGovCloud:
		return certs.AWSGovCloudRoot()
	}
	return certs.AWSNitroRootG1()
}
