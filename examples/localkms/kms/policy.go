package kms

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/nitroattest/nitroattest/internal/jsonplace"
)

const maxPolicyDepth = 8

// keyPolicy is a key policy, of which every part can be evaluated (IAM User
// Guide, "IAM JSON policy elements").
type keyPolicy struct {
	Version   string
	ID        string `json:"Id"`
	Statement statements
}

type statements []statement

func (l *statements) UnmarshalJSON(data []byte) error {
	if data[0] == '{' {
		*l = make(statements, 1)
		return decodeStrict(data, &(*l)[0])
	}
	return decodeStrict(data, (*[]statement)(l))
}

type statement struct {
	Sid       string
	Effect    string
	Principal principal
	Action    stringList
	Resource  stringList
	Condition conditions
}

// principal is "*" or {"AWS": ...}, which mean the same.
type principal struct{ AWS stringList }

func (p *principal) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, &p.AWS)
	}
	type plain principal
	return decodeStrict(data, (*plain)(p))
}

// parsePolicy reads a key policy and refuses what [keyPolicy.allows] could not
// evaluate.
func parsePolicy(text string) (keyPolicy, error) {
	var p keyPolicy
	err := checkPolicyJSON([]byte(text))
	if err == nil {
		err = decodeStrict([]byte(text), &p)
	}
	if err == nil {
		err = p.check()
	}
	if err != nil {
		return keyPolicy{}, refuse(malformedPolicy, "Policy: %v", jsonplace.Explain([]byte(text), err))
	}
	return p, nil
}

func (p keyPolicy) check() error {
	if p.Version != "2012-10-17" && p.Version != "2008-10-17" && p.Version != "" {
		return fmt.Errorf("found Version %q, expected \"2012-10-17\"", p.Version)
	}
	if len(p.Statement) == 0 {
		return fmt.Errorf("there is no statement")
	}
	for i, s := range p.Statement {
		if err := s.check(); err != nil {
			return fmt.Errorf("statement %d: %w", i, err)
		}
	}
	return nil
}

func (s statement) check() error {
	switch {
	case s.Effect != "Allow" && s.Effect != "Deny":
		return fmt.Errorf("found Effect %q, expected \"Allow\" or \"Deny\"", s.Effect)
	case len(s.Principal.AWS) == 0:
		return fmt.Errorf("there is no Principal")
	case len(s.Action) == 0:
		return fmt.Errorf("there is no Action")
	case !slices.Equal(s.Resource, stringList{"*"}):
		return fmt.Errorf("found Resource %q, expected \"*\", which is this key", s.Resource)
	}
	return s.Condition.check()
}

// request is what a policy is evaluated for.
type request struct {
	action     string // "kms:Decrypt"
	principal  string // ARN
	account    string
	attributes map[string]string // condition keys in lower case
}

// allows tells whether some statement allows the request and none denies it
// (IAM User Guide, "Policy evaluation logic").
func (p keyPolicy) allows(r request) bool {
	allowed := false
	for _, s := range p.Statement {
		if !s.applies(r) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allowed = true
	}
	return allowed
}

func (s statement) applies(r request) bool {
	names := func(p string) bool {
		return p == "*" || p == r.principal || p == r.account || p == "arn:aws:iam::"+r.account+":root"
	}
	covers := func(pattern string) bool {
		return matchWildcard(strings.ToLower(pattern), strings.ToLower(r.action))
	}
	return slices.ContainsFunc(s.Principal.AWS, names) &&
		slices.ContainsFunc(s.Action, covers) &&
		s.Condition.hold(r.attributes)
}
