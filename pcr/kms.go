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
