package vectors

import (
	"encoding/json"
	"fmt"
)

// File is the whole file.
type File struct {
	Schema        string            `json:"schema"`
	Generator     string            `json:"generator"`
	NumberOfTests int               `json:"numberOfTests"`
	Header        []string          `json:"header"`
	Notes         map[string]Note   `json:"notes"`    // by flag
	Roots         map[string]string `json:"roots"`    // PEM, by name
	Policies      map[string]Policy `json:"policies"` // by name
	TestGroups    []Group           `json:"testGroups"`
}

// Note says what a flag stands for.
type Note struct {
	Checks      []string `json:"checks"` // names of package attestation's checks; empty: of none
	Description string   `json:"description"`
}

// Policy is a policy in the JSON form that pcr.ReadPolicy reads.
type Policy struct {
	Images []Image `json:"images"`
}

// Image is one image of a Policy.
type Image struct {
	Name string            `json:"name"`
	PCRs map[string]string `json:"pcrs"` // hex, by decimal index
	// Exchange are registers for which the expectation has to have a value.
	Exchange []int `json:"exchange,omitempty"`
}

// The types of groups.
const (
	Documents = "document" // every test by a verifier of its own
	Sequence  = "sequence" // one verifier for all tests, in their order
	Policies  = "policy"   // policies that can or cannot be used
)

// Group is a list of tests of one type.
type Group struct {
	Type    string `json:"type"`
	Comment string `json:"comment"`
	Tests   []Test `json:"tests"`
}

// Test is one case. Tests of documents have Evidence or EvidenceFile, Time,
// Config and Expectation; tests of policies have PolicyText and Kind.
type Test struct {
	ID      int      `json:"tcId"`
	Name    string   `json:"name"`
	Comment string   `json:"comment"`
	Flags   []string `json:"flags"`

	Evidence     []byte       `json:"evidence,omitzero"`      // base64 in the file, empty in one test
	EvidenceFile string       `json:"evidenceFile,omitempty"` // relative to the file
	Time         string       `json:"time,omitempty"`         // RFC 3339
	Config       *Config      `json:"config,omitempty"`
	Expectation  *Expectation `json:"expectation,omitempty"`

	PolicyText string `json:"policyText,omitempty"`
	Kind       string `json:"kind,omitempty"`

	// Attacker is who can make the case. Acceptable: invalid, but a lawful verifier
	// of another design may accept it.
	Attacker   string `json:"attacker"`
	Acceptable bool   `json:"acceptable,omitempty"`

	Result string `json:"result"`          // "valid" or "invalid"
	Reason string `json:"reason"`          // of an invalid document
	Image  string `json:"image,omitempty"` // the one that a valid document matches
}

// Who can make a document out of a genuine one. Whoever can do less is named.
// Policies have an author.
const (
	Anyone  = "anyone"  // who got hold of a genuine document, without a key of AWS's
	Enclave = "enclave" // who can start enclaves or instances of their own, by images and requests of their choice
	Issuer  = "issuer"  // nobody but AWS's hypervisors and authorities, by a fault or a change of theirs
	Author  = "author"  // who writes the policy of the relying party, by a mistake
)

// The results.
const (
	Valid   = "valid"
	Invalid = "invalid"
)

// Config is how a verifier is set up.
type Config struct {
	Kind       string      `json:"kind"`
	Root       string      `json:"root"`   // a name in File.Roots
	Policy     string      `json:"policy"` // a name in File.Policies
	Revocation *Revocation `json:"revocation"`
}

// Revocation is what a verifier knows to be revoked.
type Revocation struct {
	Unknown      string          `json:"unknown"` // "refuse" or "accept"
	CRLs         [][]byte        `json:"crls"`    // DER, base64 in the file
	Certificates []CertificateID `json:"certificates"`
	Modules      []string        `json:"modules"`
}

// CertificateID is an issuer as RFC 2253 text and a serial number in hex.
type CertificateID struct {
	Issuer string `json:"issuer"`
	Serial string `json:"serial"`
}

// Expectation is what one exchange expects. Without a nonce and an age limit a
// document of any age is fresh.
type Expectation struct {
	Nonce         *string `json:"nonce"` // hex
	MaxAgeSeconds *int    `json:"maxAgeSeconds"`
	UserData      *string `json:"userData"`  // hex
	PublicKey     *string `json:"publicKey"` // hex
	NoUserData    bool    `json:"noUserData"`
	NoPublicKey   bool    `json:"noPublicKey"`
	// PCRs are hex by decimal index; null: none.
	PCRs map[string]string `json:"pcrs"`
}

// Marshal returns the file as it is committed, with every test numbered.
func (f *File) Marshal() ([]byte, error) {
	f.NumberOfTests = 0
	for _, g := range f.TestGroups {
		for i := range g.Tests {
			f.NumberOfTests++
			g.Tests[i].ID = f.NumberOfTests
		}
	}
	out, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return nil, fmt.Errorf("vectors: %w", err)
	}
	return append(out, '\n'), nil
}
