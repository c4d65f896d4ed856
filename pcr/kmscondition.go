package pcr

import (
	"maps"
	"slices"
	"strings"
)

// unsupported says why a condition with an operator names no image.
func unsupported(operator member, deny bool) error {
	why := "cannot be evaluated here"
	switch name := operator.name; {
	case name == "Null":
		why = "asks only whether there is an attestation document, and says nothing of its image"
	case strings.HasPrefix(name, "ForAllValues:"):
		why = "holds without an attestation document, too"
	case strings.HasSuffix(name, "IfExists"):
		why = "holds without an attestation document, too"
	case strings.HasPrefix(name, "ForAnyValue:"):
		why = "is for keys with several values, which these do not have"
	case strings.HasPrefix(name, "StringLike"), strings.HasPrefix(name, "StringNotLike"):
		why = "compares with patterns, and a register is good or not"
	case strings.HasPrefix(name, "StringNot") && !deny:
		why = "accepts every other image"
	}
	expected := `"StringEquals" or "StringEqualsIgnoreCase"`
	if deny {
		expected = `"StringNotEquals", "StringNotEqualsIgnoreCase", "StringEquals" or "StringEqualsIgnoreCase", alone`
	}
	return operator.value.fail(UnsupportedCondition, "%s, expected %s", why, expected)
}

func isEquals(name string) bool { return name == "StringEquals" || name == "StringEqualsIgnoreCase" }

func isNotEquals(name string) bool {
	return name == "StringNotEquals" || name == "StringNotEqualsIgnoreCase"
}

// condition reads {"StringEquals": {key: value}} or the inner map. All
// keys have to hold at once and each key may list alternatives, so the images
// are all the combinations.
func (k *keyPolicy) condition(n node) (imageSet, error) {
	members, err := n.object()
	if err != nil {
		return imageSet{}, err
	}
	var keys []kmsKey
	bare := 0
	for _, m := range members {
		switch {
		case isEquals(m.name):
			inner, err := m.value.object()
			if err != nil {
				return imageSet{}, err
			}
			for _, key := range inner {
				keys = append(keys, kmsKey{key, m.name == "StringEquals"})
			}
		case isNotEquals(m.name):
			if err := k.notDebug(m); err != nil {
				return imageSet{}, err
			}
		case strings.HasPrefix(m.name, kmsPrefix):
			keys = append(keys, kmsKey{m, false})
			bare++
		default:
			return imageSet{}, unsupported(m, false)
		}
	}
	if bare > 0 && bare < len(members) {
		return imageSet{}, n.errorf("found keys beside operators, expected one or the other")
	}
	banks := []Bank{{}}
	for _, key := range keys {
		if banks, err = k.combine(banks, key); err != nil {
			return imageSet{}, err
		}
	}
	k.added += len(banks)
	var set imageSet
	for _, bank := range banks {
		set.add(sourced{Image: Image{Name: unnamed, PCRs: bank}, at: n})
	}
	return set, nil
}

// notDebug reads the condition that registers 0 to 2 are not zero, which refuses
// enclaves in debug mode, as a verifier does by itself.
func (k *keyPolicy) notDebug(operator member) error {
	keys, err := operator.value.object()
	if err != nil {
		return err
	}
	for _, key := range keys {
		register, err := k.kmsRegister(key)
		if err != nil {
			return err
		}
		values, err := kmsValues(key.value, false)
		if err != nil {
			return err
		}
		if k.kind == NitroTPM || register > RegisterApplication || len(values) != 1 || !values[0].IsZero() {
			return unsupported(operator, false)
		}
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
func (k *keyPolicy) combine(banks []Bank, key kmsKey) ([]Bank, error) {
	register, err := k.kmsRegister(key.member)
	if err != nil {
		return nil, err
	}
	values, err := kmsValues(key.value, key.exactCase)
	if err != nil {
		return nil, err
	}
	if len(banks)*len(values) > maxAlternatives-k.added {
		return nil, tooMany(key.value)
	}
	var out []Bank
	for _, bank := range banks {
		if bank.has(register) {
			return nil, key.value.errorf("register %d is given twice", register)
		}
		for _, value := range values {
			out = append(out, bank.with(register, value))
		}
	}
	return out, nil
}

func tooMany(n node) error {
	return n.fail(UnsupportedCondition, "the conditions stand for more than %d images", maxAlternatives)
}

func (b Bank) with(register int, value Value) Bank {
	next := maps.Clone(b)
	next[register] = value
	return next
}

// narrow takes from a set what the condition of a Deny denies. The condition
// holds, and denies, where it holds for all of its keys.
func (k *keyPolicy) narrow(s statement, set *imageSet) error {
	operators, _ := s.condition.value.([]member)
	if len(operators) != 1 || !isEquals(operators[0].name) && !isNotEquals(operators[0].name) {
		for _, operator := range operators {
			if !isEquals(operator.name) && !isNotEquals(operator.name) {
				return unsupported(operator, true)
			}
		}
		return s.condition.fail(UnsupportedCondition, "found %d operators in a condition of a Deny, expected one", len(operators))
	}
	operator := operators[0]
	members, err := operator.value.object()
	if err != nil {
		return err
	}
	exact := !strings.HasSuffix(operator.name, "IgnoreCase")
	keys := make([]deniedKey, len(members))
	for i, m := range members {
		if keys[i].register, err = k.kmsRegister(m); err != nil {
			return err
		}
		if keys[i].values, err = kmsValues(m.value, exact); err != nil {
			return err
		}
		keys[i].node = m.value
	}
	var left imageSet
	for _, image := range set.list {
		var banks []Bank
		if isNotEquals(operator.name) {
			banks = leftByNotEquals(image.PCRs, keys)
		} else if banks, err = leftByEquals(image.PCRs, keys); err != nil {
			return err
		}
		if len(left.list)+len(banks) > maxAlternatives {
			return tooMany(operator.value)
		}
		for _, bank := range banks {
			left.add(sourced{Image: Image{Name: image.Name, PCRs: bank}, at: image.at})
		}
	}
	*set = left
	return nil
}

type deniedKey struct {
	node
	register int
	values   []Value
}

// leftByNotEquals returns what of an image is not denied: the part in which some
// register has one of its values. A register that is absent is not equal, and
// denied.
func leftByNotEquals(bank Bank, keys []deniedKey) []Bank {
	var out []Bank
	for _, key := range keys {
		value, ok := bank[key.register]
		switch {
		case ok && slices.Contains(key.values, value):
			return []Bank{bank} // whatever the others are
		case !ok:
			for _, value := range key.values {
				out = append(out, bank.with(key.register, value))
			}
		}
	}
	return out
}

// leftByEquals returns the image unless it is denied. An image that says nothing
// of a register would have to say what it must not be, which no image can.
func leftByEquals(bank Bank, keys []deniedKey) ([]Bank, error) {
	var open *deniedKey
	for i, key := range keys {
		value, ok := bank[key.register]
		switch {
		case ok && !slices.Contains(key.values, value):
			return []Bank{bank}, nil
		case !ok && open == nil:
			open = &keys[i]
		}
	}
	if open != nil {
		return nil, open.fail(UnsupportedCondition, "denies values of register %d, and an image that is allowed does not list it", open.register)
	}
	return nil, nil
}

func (k *keyPolicy) kmsRegister(key member) (int, error) {
	on := k.on()
	if on.kmsImage != "" && key.name == on.kmsImage {
		return RegisterImage, nil
	}
	digits, ok := strings.CutPrefix(key.name, on.kmsPCR)
	if !ok || digits == "" || strings.HasPrefix(digits, "P") {
		expected := on.kmsPCR + "<n>"
		if on.kmsImage != "" {
			expected = on.kmsImage + " or " + expected
		}
		return 0, key.value.errorf("unknown key, expected %s", expected)
	}
	register, ok := parseRegister(digits)
	if !ok {
		return 0, key.value.errorf("found register %q, expected 0 to %d", digits, on.kind.Registers()-1)
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
	seen := make(map[Value]bool, len(elements))
	for i, element := range elements {
		text, err := element.text()
		if err != nil {
			return nil, err
		}
		// AWS KMS compares texts, and no register begins with 0x.
		value, err := exactValue(element, text)
		if err != nil {
			return nil, err
		}
		if exactCase && text != value.String() {
			return nil, element.errorf("found upper-case digits where case matters, and AWS KMS compares with lower-case ones; expected lower case")
		}
		if seen[value] {
			return nil, element.errorf("the value is given twice")
		}
		seen[value] = true
		values[i] = value
	}
	return values, nil
}
