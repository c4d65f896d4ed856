package pcr

import (
	"slices"
	"strings"
)

// statement takes one statement apart.
func (k *keyPolicy) statement(n node) (statement, error) {
	s := statement{node: n}
	if err := n.only(statementMembers); err != nil {
		return s, err
	}
	if effect, ok := n.member("Effect"); ok {
		text, err := effect.text()
		if err != nil {
			return s, err
		}
		if text != "Allow" && text != "Deny" {
			return s, effect.errorf("found %q, expected \"Allow\" or \"Deny\"", text)
		}
		s.deny = text == "Deny"
	}
	if condition, ok := n.member("Condition"); ok {
		if _, err := condition.object(); err != nil {
			return s, err
		}
		s.condition, s.narrowed, s.attested = condition, true, mentionsAttestation(condition)
	}
	var err error
	if s.actions, err = actionsOf(n); err != nil {
		return s, err
	}
	if principal, ok := n.member("Principal"); ok {
		s.principals, err = principalsOf(principal)
	} else if other, ok := n.member("NotPrincipal"); ok {
		s.notFor = true
		_, err = principalsOf(other)
	}
	return s, err
}

// mentionsAttestation ignores case, as AWS does with condition keys. One that is
// not spelled as documented is refused when it is read.
func mentionsAttestation(condition node) bool {
	operators, _ := condition.value.([]member)
	for _, operator := range operators {
		keys, _ := operator.value.value.([]member)
		for _, key := range append(slices.Clone(keys), operator) {
			if len(key.name) >= len(kmsPrefix) && strings.EqualFold(key.name[:len(kmsPrefix)], kmsPrefix) {
				return true
			}
		}
	}
	return false
}

// actionsOf returns the operations with a Recipient that a statement is about. A
// statement without Action, as they are passed around, is about all.
func actionsOf(n node) ([]string, error) {
	list, ok := n.member("Action")
	not := false
	if !ok {
		if list, not = n.member("NotAction"); !not {
			return recipientActions, nil
		}
	} else if both, ok := n.member("NotAction"); ok {
		return nil, both.errorf("given beside Action, expected one of them")
	}
	patterns, err := list.texts()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, action := range recipientActions {
		named := slices.ContainsFunc(patterns, func(pattern string) bool { return glob(strings.ToLower(pattern), strings.ToLower(action)) })
		if named != not {
			out = append(out, action)
		}
	}
	return out, nil
}

// texts reads a string or an array of them.
func (n node) texts() ([]string, error) {
	elements, ok := n.value.([]node)
	if !ok {
		elements = []node{n}
	}
	out := make([]string, len(elements))
	for i, element := range elements {
		var err error
		if out[i], err = element.text(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// glob matches the wildcards of IAM: * is any run of characters, ? any one.
func glob(pattern, text string) bool {
	star, mark := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// principalsOf returns each principal as "AWS arn:...", and everyone as "*".
func principalsOf(n node) ([]string, error) {
	if text, ok := n.value.(string); ok {
		if text != "*" {
			return nil, n.errorf("found %q, expected \"*\" or an object", text)
		}
		return []string{"*"}, nil
	}
	members, err := n.object()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, m := range members {
		names, err := m.value.texts()
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if m.name == "AWS" && name == "*" {
				out = append(out, "*")
			} else {
				out = append(out, m.name+" "+name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
