package signedpolicy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode"

	"github.com/nitroattest/nitroattest/pcr"
)

// The types of the statement.
const (
	StatementType = "https://in-toto.io/Statement/v1"
	PredicateType = "https://github.com/nitroattest/nitroattest/reference-values/v1"
)

const (
	maxName     = 256  // bytes of a name
	maxSubjects = 1000 // files of one statement
	maxRevoked  = 1000 // names of images
	maxDigests  = 16   // of one subject
)

// Statement is what a signature vouches for.
type Statement struct {
	Name    string    // of the policy, chosen by its publisher; 1 to 256 bytes of printable text
	Version uint64    // 1 or more; a higher one replaces every lower one of the same name
	Issued  time.Time // the statement holds from this time on
	Expires time.Time // and before this one

	// Policy has the acceptable images, each with a name. What Verify returns
	// leaves out those that Revoked names, so that it can go into an
	// attestation.Config as it is.
	Policy pcr.Policy

	// Subjects are the files that the images were measured from. A statement
	// without any is about its policy: on the wire its one subject is the JSON
	// of the policy, because in-toto asks for at least one.
	Subjects []Subject

	// Revoked are names of images that were taken back. They may be in Policy
	// or not.
	Revoked []string
}

type statementJSON struct {
	Type          string        `json:"_type"`
	Subject       []subjectJSON `json:"subject"`
	PredicateType string        `json:"predicateType"`
	Predicate     predicateJSON `json:"predicate"`
}

type predicateJSON struct {
	Name    string          `json:"name"`
	Version uint64          `json:"version"`
	Issued  time.Time       `json:"issued"`
	Expires time.Time       `json:"expires"`
	Policy  json.RawMessage `json:"policy"`
	Revoked []string        `json:"revoked,omitempty"`
}

// MarshalStatement returns the statement as JSON, the payload that [Sign]
// signs. It returns an *[Error] with [MalformedStatement] when something is
// missing or out of bounds.
func MarshalStatement(s Statement) ([]byte, error) {
	out, err := newStatementJSON(s)
	if err != nil {
		return nil, err
	}
	return out.marshal()
}

// MarshalPredicate returns the predicate of the statement alone, for tools that
// make the statement around it and sign that: GitHub's actions/attest
// ("predicate-path", with [PredicateType] as "predicate-type") and cosign
// attest-blob ("--predicate", "--type").
func MarshalPredicate(s Statement) ([]byte, error) {
	out, err := newStatementJSON(s)
	if err != nil {
		return nil, err
	}
	if _, err := out.marshal(); err != nil {
		return nil, err
	}
	return json.Marshal(out.Predicate)
}

func newStatementJSON(s Statement) (*statementJSON, error) {
	if err := s.check(); err != nil {
		return nil, &Error{MalformedStatement, "", err}
	}
	policy, err := json.Marshal(s.Policy)
	if err != nil {
		return nil, &Error{MalformedStatement, "policy", err}
	}
	out := &statementJSON{
		Type:          StatementType,
		PredicateType: PredicateType,
		Predicate:     predicateJSON{s.Name, s.Version, s.Issued.UTC(), s.Expires.UTC(), policy, s.Revoked},
	}
	subjects := s.Subjects
	if len(subjects) == 0 {
		subjects = []Subject{policySubject(s.Name, policy)}
	}
	for _, subject := range subjects {
		out.Subject = append(out.Subject, subjectJSON(subject))
	}
	return out, nil
}

func (out *statementJSON) marshal() ([]byte, error) {
	data, err := json.Marshal(out)
	if err != nil {
		return nil, &Error{MalformedStatement, "", err}
	}
	// What is signed here has to be what Verify reads.
	if _, err := parseStatement(data); err != nil {
		return nil, err
	}
	return data, nil
}

// check looks at what JSON cannot tell: what was left out.
func (s Statement) check() error {
	switch {
	case s.Issued.IsZero():
		return errors.New("issued: missing, expected a time")
	case s.Expires.IsZero():
		return errors.New("expires: missing, expected a time: reference values without an end cannot be taken back")
	}
	return s.checkRead()
}

// checkRead looks at what a statement from outside can get wrong, too.
func (s Statement) checkRead() error {
	if err := checkName(s.Name); err != nil {
		return fmt.Errorf("name: %w", err)
	}
	if s.Version == 0 {
		return errors.New("version: found 0, expected 1 or more")
	}
	if !s.Issued.Before(s.Expires) {
		return fmt.Errorf("expires: found %s, expected a time after issued, %s", s.Expires.UTC().Format(time.RFC3339), s.Issued.UTC().Format(time.RFC3339))
	}
	if err := s.Policy.Validate(); err != nil {
		return err
	}
	for i, name := range s.Revoked {
		if name == "" {
			return fmt.Errorf("revoked[%d]: empty, expected the name of an image", i)
		}
		if slices.Contains(s.Revoked[:i], name) {
			return fmt.Errorf("revoked[%d]: %s is given twice", i, quoteShort(name))
		}
	}
	return nil
}

func checkName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("found %d bytes, expected 1 to %d", len(name), maxName)
	}
	for _, c := range name {
		if !unicode.IsPrint(c) || c == unicode.ReplacementChar {
			return fmt.Errorf("found %s, expected printable text", quoteShort(name))
		}
	}
	return nil
}

// parseStatement reads a payload whose signatures were verified.
func parseStatement(data []byte) (*Statement, error) {
	if len(data) > MaxEnvelope {
		return nil, &Error{MalformedStatement, fmt.Sprintf("found more than %d bytes, expected at most that", MaxEnvelope), nil}
	}
	v, err := parseJSON(data)
	if err != nil {
		return nil, &Error{MalformedStatement, "", err}
	}
	var kind, predicateType string
	var subjects []Subject
	var predicate value
	err = v.object(
		field{name: "_type", read: readText(&kind)},
		field{name: "subject", read: readSubjects(&subjects)},
		field{name: "predicateType", read: readText(&predicateType)},
		field{name: "predicate", read: func(v value) error { predicate = v; return nil }},
	)
	if err != nil {
		return nil, &Error{MalformedStatement, "", err}
	}
	if kind != StatementType {
		return nil, &Error{MalformedStatement, fmt.Sprintf("_type: found %s, expected %q", quoteShort(kind), StatementType), nil}
	}
	if predicateType != PredicateType {
		return nil, &Error{WrongPredicateType, fmt.Sprintf("predicateType: found %s, expected %q", quoteShort(predicateType), PredicateType), nil}
	}
	s := &Statement{Subjects: subjects}
	if err := s.readPredicate(predicate); err != nil {
		return nil, &Error{MalformedStatement, "", err}
	}
	return s, nil
}

func (s *Statement) readPredicate(v value) error {
	var policy value
	err := v.object(
		field{name: "name", read: readText(&s.Name)},
		field{name: "version", read: readVersion(&s.Version)},
		field{name: "issued", read: readTime(&s.Issued)},
		field{name: "expires", read: readTime(&s.Expires)},
		field{name: "policy", read: func(v value) error { policy = v; return countImages(v) }},
		field{name: "revoked", optional: true, read: func(v value) error {
			return v.elements(maxRevoked, func(v value) error {
				name, err := v.text()
				s.Revoked = append(s.Revoked, name)
				return err
			})
		}},
	)
	if err != nil {
		return err
	}
	if err := s.Policy.UnmarshalJSON(policy.raw); err != nil {
		return policy.errorf("%w", err)
	}
	if isPolicySubject(s.Subjects, s.Name, policy.raw) {
		s.Subjects = nil
	}
	return s.checkRead()
}

// countImages bounds the work before package pcr reads the policy.
func countImages(policy value) error {
	return policy.members(func(name string, member value) error {
		if name != "images" {
			return nil // package pcr knows the other keys
		}
		return member.elements(MaxImages, func(value) error { return nil })
	})
}

func readVersion(to *uint64) func(value) error {
	return func(v value) (err error) {
		if *to, err = strconv.ParseUint(string(v.raw), 10, 64); err != nil {
			return v.errorf("found %s, expected a whole number from 1 to 2^64-1", quoteShort(string(v.raw)))
		}
		return nil
	}
}

func readTime(to *time.Time) func(value) error {
	return func(v value) error {
		text, err := v.text()
		if err != nil {
			return err
		}
		if err := to.UnmarshalText([]byte(text)); err != nil {
			return v.errorf("found %s, expected a time like 2026-11-01T12:00:00Z", quoteShort(text))
		}
		*to = to.UTC()
		return nil
	}
}

// policySubject stands in for the files of a statement that has none.
func policySubject(name string, policy []byte) Subject {
	digest := sha256.Sum256(policy)
	return Subject{Name: name, Digest: map[string]string{"sha256": hex.EncodeToString(digest[:])}}
}

func isPolicySubject(subjects []Subject, name string, policy []byte) bool {
	if len(subjects) != 1 || subjects[0].Name != name || len(subjects[0].Digest) != 1 {
		return false
	}
	return subjects[0].Digest["sha256"] == policySubject(name, bytes.TrimSpace(policy)).Digest["sha256"]
}

// withoutRevoked returns the policy without the images that were taken back.
func (s *Statement) withoutRevoked() pcr.Policy {
	policy := s.Policy.Clone()
	policy.Images = slices.DeleteFunc(policy.Images, func(image pcr.Image) bool {
		return slices.Contains(s.Revoked, image.Name)
	})
	return policy
}
