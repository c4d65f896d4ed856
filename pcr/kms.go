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
	if statements, ok := n.member("Statement"); ok {
		return r.statements(statements)
	}
	if condition, ok := n.member("Condition"); ok {
		return r.statement(n, condition)
	}
	return r.condition(n)
}

// statements reads a whole key policy. Statements that do not ask for
// attestation, those for administrators for example, say nothing of images.
func (r reader) statements(n node) (Policy, error) {
	statements := []node{n}
	if elements, ok := n.value.([]node); ok {
		statements = elements
	}
	var images imageSet
	for _, statement := range statements {
		condition, ok := statement.member("Condition")
		if !ok || !mentionsAttestation(condition) {
			continue
		}
		p, err := r.statement(statement, condition)
		if err != nil {
			return Policy{}, err
		}
		for _, image := range p.Images {
			images.add(image)
		}
		if len(images.list) > maxAlternatives {
			return Policy{}, n.errorf("the conditions stand for more than %d images", maxAlternatives)
		}
	}
	if len(images.list) == 0 {
		return Policy{}, n.errorf("no statement has a condition on %s<...>", kmsPrefix)
	}
	return Policy{Images: images.list}, nil
}

func mentionsAttestation(condition node) bool {
	operators, _ := condition.value.([]member)
	for _, operator := range operators {
		keys, _ := operator.value.value.([]member)
		for _, key := range keys {
			if strings.HasPrefix(key.name, kmsPrefix) {
				return true
			}
		}
	}
	return false
}

func (r reader) statement(statement, condition node) (Policy, error) {
	if effect, ok := statement.member("Effect"); ok {
		text, err := effect.text()
		if err != nil {
			return Policy{}, err
		}
		if text != "Allow" {
			return Policy{}, effect.errorf("found %q, expected \"Allow\": only what a key policy allows names good images", text)
		}
	}
	return r.condition(condition)
}

// condition reads {"StringEquals": {key: value}} or the inner map. All
// keys have to hold at once and each key may list alternatives, so the images
// are all the combinations.
func (r reader) condition(n node) (Policy, error) {
	members, err := n.object()
	if err != nil {
		return Policy{}, err
	}
	var keys []member
	for _, m := range members {
		switch {
		case m.name == "StringEquals" || m.name == "StringEqualsIgnoreCase":
			inner, err := m.value.object()
			if err != nil {
				return Policy{}, err
			}
			keys = append(keys, inner...)
		case strings.HasPrefix(m.name, kmsPrefix):
			keys = append(keys, m)
		default:
			return Policy{}, m.value.errorf("found a condition that cannot be evaluated here, expected \"StringEquals\" or \"StringEqualsIgnoreCase\"")
		}
	}
	banks := []Bank{{}}
	for _, key := range keys {
		if banks, err = r.combine(banks, key); err != nil {
			return Policy{}, err
		}
	}
	var images imageSet
	for _, bank := range banks {
		images.add(Image{Name: unnamed, PCRs: bank})
	}
	return Policy{Images: images.list}, nil
}

// combine multiplies the alternatives so far by those of one more key.
func (r reader) combine(banks []Bank, key member) ([]Bank, error) {
	register, err := r.kmsRegister(key)
	if err != nil {
		return nil, err
	}
	values, err := kmsValues(key.value)
	if err != nil {
		return nil, err
	}
	if len(banks)*len(values) > maxAlternatives {
		return nil, key.value.errorf("the condition stands for more than %d images", maxAlternatives)
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
	if r.on.kmsImage != "" && key.name == r.on.kmsImage {
		return RegisterImage, nil
	}
	digits, ok := strings.CutPrefix(key.name, r.on.kmsPCR)
	if !ok || digits == "" || strings.HasPrefix(digits, "P") {
		expected := r.on.kmsPCR + "<n>"
		if r.on.kmsImage != "" {
			expected = r.on.kmsImage + " or " + expected
		}
		return 0, key.value.errorf("unknown key, expected %s", expected)
	}
	register, err := parseRegister(digits)
	if err != nil {
		return 0, key.value.errorf("%w", err)
	}
	return register, nil
}

func kmsValues(n node) ([]Value, error) {
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
		if slices.Contains(values[:i], value) {
			return nil, element.errorf("the value is given twice")
		}
		values[i] = value
	}
	return values, nil
}
