package pcr

import (
	"maps"
	"slices"
	"strings"
)

// kmsPrefix begins the condition keys of AWS KMS for cryptographic attestation
// (AWS KMS Developer Guide, "Condition keys for attested platforms").
const kmsPrefix = "kms:RecipientAttestation:"

// maxAlternatives bounds the images that one condition, or a whole key policy,
// may stand for.
const maxAlternatives = 1024

// Members of a key policy and of a statement (IAM User Guide, "IAM JSON policy
// elements reference"), without those that turn a meaning round, like NotAction.
var (
	policyMembers    = []string{"Version", "Id", "Statement"}
	statementMembers = []string{"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
)

// isKeyPolicy recognises the four sizes in which a condition is passed
// around: the whole key policy, one statement, the condition block, and the
// map under its operator.
func isKeyPolicy(n node) bool {
	members, _ := n.value.([]member)
	return slices.ContainsFunc(members, func(m member) bool {
		return m.name == "Statement" || m.name == "Condition" ||
			strings.HasPrefix(m.name, "String") || strings.HasPrefix(m.name, kmsPrefix)
	})
}

func (r reader) keyPolicyForm(n node) (Policy, error) {
	var images imageSet
	var err error
	if statements, ok := n.member("Statement"); ok {
		err = r.statements(&images, n, statements)
	} else if _, ok := n.member("Condition"); ok {
		err = r.statement(&images, n)
	} else {
		err = r.condition(&images, n)
	}
	if err != nil {
		return Policy{}, err
	}
	return Policy{Images: images.list}, nil
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

// statements reads a whole key policy. The images are all those that some
// statement allows something to.
func (r reader) statements(images *imageSet, policy, n node) error {
	if err := policy.only(policyMembers); err != nil {
		return err
	}
	statements := []node{n}
	if elements, ok := n.value.([]node); ok {
		statements = elements
	}
	for _, statement := range statements {
		if _, err := statement.object(); err != nil {
			return err
		}
		if _, ok := statement.member("Effect"); !ok {
			return statement.errorf("Effect: missing")
		}
		if err := r.statement(images, statement); err != nil {
			return err
		}
	}
	if len(images.list) == 0 {
		return n.errorf("no statement has a condition on %s<...>", kmsPrefix)
	}
	return nil
}

// statement reads what one statement allows. One that does not ask for
// attestation, for administrators for example, says nothing of images, whatever
// it allows or denies; one that denies by images would have to be taken off,
// which is not done here.
func (r reader) statement(images *imageSet, n node) error {
	if err := n.only(statementMembers); err != nil {
		return err
	}
	condition, ok := n.member("Condition")
	if !ok {
		return nil
	}
	if _, err := condition.object(); err != nil {
		return err
	}
	if !mentionsAttestation(condition) {
		return nil
	}
	if effect, ok := n.member("Effect"); ok {
		text, err := effect.text()
		if err != nil {
			return err
		}
		if text != "Allow" {
			return effect.errorf("found %q, expected \"Allow\": only what a key policy allows names good images", text)
		}
	}
	return r.condition(images, condition)
}

// mentionsAttestation ignores case, as AWS does with condition keys. One that is
// not spelled as documented is refused when it is read.
func mentionsAttestation(condition node) bool {
	operators, _ := condition.value.([]member)
	for _, operator := range operators {
		keys, _ := operator.value.value.([]member)
		for _, key := range append(keys, operator) {
			if len(key.name) >= len(kmsPrefix) && strings.EqualFold(key.name[:len(kmsPrefix)], kmsPrefix) {
				return true
			}
		}
	}
	return false
}

// condition reads {"StringEquals": {key: value}} or the inner map. All
// keys have to hold at once and each key may list alternatives, so the images
// are all the combinations.
func (r reader) condition(images *imageSet, n node) error {
	members, err := n.object()
	if err != nil {
		return err
	}
	var keys []kmsKey
	bare := 0
	for _, m := range members {
		switch {
		case m.name == "StringEquals" || m.name == "StringEqualsIgnoreCase":
			inner, err := m.value.object()
			if err != nil {
				return err
			}
			for _, key := range inner {
				keys = append(keys, kmsKey{key, m.name == "StringEquals"})
			}
		case strings.HasPrefix(m.name, kmsPrefix):
			keys = append(keys, kmsKey{m, false})
			bare++
		default:
			return m.value.errorf("found a condition that cannot be evaluated here, expected \"StringEquals\" or \"StringEqualsIgnoreCase\"")
		}
	}
	if bare > 0 && bare < len(members) {
		return n.errorf("found keys beside operators, expected one or the other")
	}
	banks := []Bank{{}}
	for _, key := range keys {
		if banks, err = r.combine(banks, key, maxAlternatives-images.added); err != nil {
			return err
		}
	}
	for _, bank := range banks {
		images.add(Image{Name: unnamed, PCRs: bank})
	}
	return nil
}

// kmsKey is a condition key with its values. Under StringEquals case matters.
type kmsKey struct {
	member
	exactCase bool
}

// combine multiplies the alternatives so far by those of one more key. It keeps
// count before anything is built: repeated statements add no image, but work.
func (r reader) combine(banks []Bank, key kmsKey, most int) ([]Bank, error) {
	register, err := r.kmsRegister(key.member)
	if err != nil {
		return nil, err
	}
	values, err := kmsValues(key.value, key.exactCase)
	if err != nil {
		return nil, err
	}
	if len(banks)*len(values) > most {
		return nil, key.value.errorf("the conditions stand for more than %d images", maxAlternatives)
	}
	var out []Bank
	for _, bank := range banks {
		if _, ok := bank[register]; ok {
			return nil, key.value.errorf("register %d is given twice", register)
		}
		for _, value := range values {
			next := maps.Clone(bank)
			next[register] = value
			out = append(out, next)
		}
	}
	return out, nil
}

func (r reader) kmsRegister(key member) (int, error) {
	if r.on().kmsImage != "" && key.name == r.on().kmsImage {
		return RegisterImage, nil
	}
	digits, ok := strings.CutPrefix(key.name, r.on().kmsPCR)
	if !ok || digits == "" || strings.HasPrefix(digits, "P") {
		expected := r.on().kmsPCR + "<n>"
		if r.on().kmsImage != "" {
			expected = r.on().kmsImage + " or " + expected
		}
		return 0, key.value.errorf("unknown key, expected %s", expected)
	}
	register, err := parseRegister(digits)
	if err != nil {
		return 0, key.value.errorf("%w", err)
	}
	return register, nil
}

func kmsValues(n node, exactCase bool) ([]Value, error) {
	elements, ok := n.value.([]node)
	if !ok {
		elements = []node{n}
	}
	if len(elements) == 0 {
		return nil, n.errorf("empty: no value could ever match")
	}
	values := make([]Value, len(elements))
	for i, element := range elements {
		value, err := readValue(element)
		if err != nil {
			return nil, err
		}
		if exactCase && element.value != value.String() {
			return nil, element.errorf("found upper-case digits under StringEquals, which AWS KMS compares with lower-case ones; expected lower case")
		}
		if slices.Contains(values[:i], value) {
			return nil, element.errorf("the value is given twice")
		}
		values[i] = value
	}
	return values, nil
}
