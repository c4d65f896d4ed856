package kms

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// attestationPrefix begins the condition keys that are known, in lower case.
const attestationPrefix = "kms:recipientattestation:"

var attestationKey = regexp.MustCompile(`^` + attestationPrefix + `(imagesha384|pcr([0-9]|[12][0-9]|3[01]))$`)

// conditions are the values by operator and condition key; all have to hold.
type conditions map[string]map[string]stringList

// An operator compares the value of a condition key with one of the policy.
type operator struct {
	equal  func(policy, value string) bool
	negate bool
}

// The string operators (IAM User Guide, "IAM JSON policy elements: Condition
// operators"). The condition keys for attestation are all strings.
var operators = map[string]operator{
	"StringEquals":              {equal: exactly},
	"StringNotEquals":           {equal: exactly, negate: true},
	"StringEqualsIgnoreCase":    {equal: strings.EqualFold},
	"StringNotEqualsIgnoreCase": {equal: strings.EqualFold, negate: true},
	"StringLike":                {equal: matchWildcard},
	"StringNotLike":             {equal: matchWildcard, negate: true},
}

func exactly(policy, value string) bool { return policy == value }

// null is the operator that asks whether a key is absent.
const null = "Null"

func (c conditions) check() error {
	if c != nil && len(c) == 0 {
		return fmt.Errorf("the Condition is empty")
	}
	for name, keys := range c {
		if _, ok := operators[name]; !ok && name != null {
			return fmt.Errorf("found the condition operator %q, which cannot be evaluated here", name)
		}
		if len(keys) == 0 {
			return fmt.Errorf("the condition operator %s is empty", name)
		}
		for key, values := range keys {
			if !attestationKey.MatchString(strings.ToLower(key)) {
				return fmt.Errorf("found the condition key %q, which cannot be evaluated here", key)
			}
			if err := checkValues(name, values); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	return nil
}

func checkValues(name string, values stringList) error {
	if len(values) == 0 {
		return fmt.Errorf("there is no value")
	}
	for _, value := range values {
		if strings.Contains(value, "${") {
			return fmt.Errorf("found a policy variable, which cannot be evaluated here")
		}
		if name == null && value != "true" && value != "false" {
			return fmt.Errorf("found %q, expected \"true\" or \"false\"", value)
		}
	}
	return nil
}

func (c conditions) hold(attributes map[string]string) bool {
	for name, keys := range c {
		for key, values := range keys {
			value, present := attributes[strings.ToLower(key)]
			if !holds(name, values, value, present) {
				return false
			}
		}
	}
	return true
}

// holds evaluates one operator on one key. Several values are alternatives, and
// with a negated operator none of them may match. A key that the request does
// not have satisfies the negated operators and no others: an Allow with
// StringNotEquals alone lets requests without a document pass, as it does in
// AWS.
func holds(name string, values stringList, value string, present bool) bool {
	if name == null {
		return slices.Contains(values, fmt.Sprint(!present))
	}
	op, ok := operators[name]
	if !ok {
		return false
	}
	matches := present && slices.ContainsFunc(values, func(v string) bool { return op.equal(v, value) })
	return matches != op.negate
}

// matchWildcard matches a pattern in which * stands for any characters and ? for
// one. It takes time in proportion to the product of the lengths at worst.
func matchWildcard(pattern, s string) bool {
	p, i := 0, 0
	star, resume := -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			resume++
			p, i = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
