package pcr

import (
	"fmt"
	"slices"
	"strings"
)

// kmsPrefix begins the condition keys of AWS KMS for cryptographic attestation
// (AWS KMS Developer Guide, "Condition keys for attested platforms").
const kmsPrefix = "kms:RecipientAttestation:"

// maxAlternatives bounds the images that one condition, or a whole key policy,
// may stand for.
const maxAlternatives = 1024

// recipientActions are the operations of AWS KMS that take a Recipient, and so
// an attestation document (AWS KMS Developer Guide, "Condition keys for attested
// platforms"). For every other a condition on one never holds.
var recipientActions = []string{"kms:Decrypt", "kms:DeriveSharedSecret", "kms:GenerateDataKey", "kms:GenerateDataKeyPair", "kms:GenerateRandom"}

// Members of a key policy and of a statement (IAM User Guide, "IAM JSON policy
// elements reference").
var (
	policyMembers    = []string{"Version", "Id", "Statement"}
	statementMembers = []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "Condition"}
)

// isKeyPolicy recognises the four sizes in which a condition is passed
// around: the whole key policy, one statement, the condition block, and the
// map under its operator.
func isKeyPolicy(n node) bool {
	members, _ := n.value.([]member)
	return slices.ContainsFunc(members, func(m member) bool {
		return m.name == "Statement" || m.name == "Condition" || m.name == "Null" ||
			strings.HasPrefix(m.name, "String") || strings.HasPrefix(m.name, kmsPrefix)
	})
}

func (r *reader) keyPolicyForm(n node) ([]sourced, error) {
	k := &keyPolicy{reader: r, cells: map[cell]*imageSet{}}
	if statements, ok := n.member("Statement"); ok {
		return k.statements(n, statements)
	}
	condition := n
	if _, ok := n.member("Condition"); ok {
		s, err := k.statement(n)
		if err != nil {
			return nil, err
		}
		if s.deny {
			return nil, n.fail(UnsupportedCondition, "a Deny by itself allows nothing, expected a statement with the Effect \"Allow\"")
		}
		if err := k.allow(s); err != nil {
			return nil, err
		}
		return k.result(n)
	}
	set, err := k.condition(condition)
	if err != nil {
		return nil, err
	}
	return set.images(), nil
}

// only refuses members that are not known: one that was overlooked could say
// that the policy allows less.
func (n node) only(known []string) error {
	members, err := n.object()
	if err != nil {
		return err
	}
	for _, m := range members {
		if !slices.Contains(known, m.name) {
			return m.value.errorf("unknown key, expected one of %s", strings.Join(known, ", "))
		}
	}
	return nil
}

// keyPolicy reads statements. What is allowed is kept for each action and each
// principal, so that a Deny about some of them takes nothing from the others.
type keyPolicy struct {
	*reader
	added int // images so far, to bound the work
	work  int // images looked at for cells and denials
	cells map[cell]*imageSet
	order []cell
}

type cell struct{ action, principal string }

// statement is one statement, taken apart.
type statement struct {
	node
	deny       bool
	actions    []string // those of recipientActions that it is about
	principals []string // canonical; empty: it names none; everyone is "*"
	notFor     bool     // NotPrincipal
	condition  node
	attested   bool // the condition mentions attestation
	narrowed   bool // there is a condition
}

// statements reads a whole key policy: first what is allowed, then what is taken
// away, since the order of statements means nothing.
func (k *keyPolicy) statements(policy, n node) ([]sourced, error) {
	if err := policy.only(policyMembers); err != nil {
		return nil, err
	}
	elements := []node{n}
	if list, ok := n.value.([]node); ok {
		elements = list
	}
	var denies []statement
	for _, element := range elements {
		if _, err := element.object(); err != nil {
			return nil, err
		}
		if _, ok := element.member("Effect"); !ok {
			return nil, element.errorf("Effect: missing")
		}
		s, err := k.statement(element)
		if err != nil {
			return nil, err
		}
		if s.deny {
			denies = append(denies, s)
			continue
		}
		if err := k.allow(s); err != nil {
			return nil, err
		}
	}
	if len(k.order) == 0 {
		return nil, n.fail(UnsupportedCondition, "no statement allows anything under a condition on %s<...>", kmsPrefix)
	}
	for _, s := range denies {
		if err := k.deny(s); err != nil {
			return nil, err
		}
	}
	return k.result(n)
}

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

// allow adds what one statement allows. One that does not ask for attestation
// names no image.
func (k *keyPolicy) allow(s statement) error {
	if !s.attested {
		if len(s.actions) > 0 && s.at != nil {
			k.warn("%s allows %s without attestation", s.at, strings.Join(s.actions, ", "))
		}
		return nil
	}
	if s.notFor {
		return s.fail(UnsupportedCondition, "NotPrincipal: allows it to everyone else, expected Principal")
	}
	if len(s.actions) == 0 {
		return s.fail(UnsupportedCondition, "Action: none of the actions takes a Recipient, so that the condition never holds; expected one of %s", strings.Join(recipientActions, ", "))
	}
	set, err := k.condition(s.condition)
	if err != nil {
		return err
	}
	principals := s.principals
	if len(principals) == 0 {
		principals = []string{""}
	}
	for _, action := range s.actions {
		for _, principal := range principals {
			if err := k.labour(s.node, 1+len(set.list)); err != nil {
				return err
			}
			c := cell{action, principal}
			if k.cells[c] == nil {
				k.cells[c] = &imageSet{}
				k.order = append(k.order, c)
			}
			k.cells[c].list = append(k.cells[c].list, set.list...)
		}
	}
	return nil
}

// maxLabour bounds how often an image is looked at, for a key policy of 32 KiB,
// as AWS KMS takes it, stays far below.
const maxLabour = 200_000

func (k *keyPolicy) labour(n node, images int) error {
	if k.work += images; k.work > maxLabour {
		return n.fail(UnsupportedCondition, "too many statements, principals and images to be read exactly")
	}
	return nil
}

// deny takes away what one statement denies.
func (k *keyPolicy) deny(s statement) error {
	for _, c := range k.order {
		if err := k.labour(s.node, 1+len(k.cells[c].list)); err != nil {
			return err
		}
		if !slices.Contains(s.actions, c.action) {
			continue
		}
		everyone := len(s.principals) == 0 || slices.Contains(s.principals, "*")
		same := slices.Contains(s.principals, c.principal)
		switch {
		case !s.attested && (s.narrowed || s.notFor || !everyone && !same):
			// It narrows who may ask, or when, and not for which image.
		case !s.attested:
			return s.fail(UnsupportedCondition, "denies %s whatever the image, so that nothing is left of what is allowed", c.action)
		case s.notFor:
			return s.fail(UnsupportedCondition, "NotPrincipal: whom it denies cannot be told, expected Principal")
		case !everyone && !same:
			return s.fail(UnsupportedCondition, "Principal: whether it covers %q, which an Allow names, cannot be told; expected \"*\" or the same principal", c.principal)
		default:
			if err := k.narrow(s, k.cells[c]); err != nil {
				return err
			}
		}
	}
	return nil
}

// result returns the images, which have to be the same for every action and
// principal.
func (k *keyPolicy) result(n node) ([]sourced, error) {
	var first []sourced
	keys := ""
	for i, c := range k.order {
		images := k.cells[c].images()
		text := keyOf(images)
		if i == 0 {
			first, keys = images, text
			continue
		}
		if text != keys {
			return nil, n.fail(UnsupportedCondition, "%s allows other images than %s does: which are good depends on the action or the principal; split the policy", c, k.order[0])
		}
	}
	if len(k.order) == 0 {
		return nil, n.fail(UnsupportedCondition, "no condition on %s<...>", kmsPrefix)
	}
	if len(first) == 0 {
		return nil, n.fail(UnsupportedCondition, "the statements with the Effect \"Deny\" leave no image of those that are allowed")
	}
	return first, nil
}

func (c cell) String() string {
	if c.principal == "" {
		return c.action
	}
	return fmt.Sprintf("%s for %q", c.action, c.principal)
}

// keyOf is equal for two lists exactly when they hold the same registers, in
// whatever order.
func keyOf(images []sourced) string {
	keys := make([]string, len(images))
	for i, image := range images {
		registers := image.PCRs.Registers()
		values, _ := valuesOf(nil, registers, image.PCRs)
		keys[i] = fmt.Sprint(registers, values)
	}
	slices.Sort(keys)
	return strings.Join(keys, "|")
}
