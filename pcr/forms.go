package pcr

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

func (r *reader) policyForm(n node) ([]sourced, error) {
	members, err := n.object()
	if err != nil {
		return nil, err
	}
	var images []sourced
	var wrong mistakes
	for _, m := range members {
		switch m.name {
		case "images":
			elements, err := m.value.array()
			wrong.add(err)
			for _, element := range elements {
				image, err := readImage(element)
				wrong.add(err)
				images = append(images, image)
			}
		case "kind":
			wrong.add(r.readKind(m.value))
		default:
			wrong.add(m.value.errorf("unknown key, expected \"kind\" and \"images\""))
		}
	}
	return images, wrong.err()
}

func readImage(n node) (sourced, error) {
	image := sourced{at: n, own: true, registers: map[int]node{}}
	members, err := n.object()
	if err != nil {
		return image, err
	}
	var wrong mistakes
	for _, m := range members {
		switch m.name {
		case "name":
			image.Name, err = m.value.text()
		case "source":
			image.Source, err = m.value.text()
		case "pcrs":
			image.PCRs, err = readBank(m.value)
			image.remember(m.value)
		case "exchange":
			image.Exchange, err = readRegisters(m.value)
		default:
			err = m.value.errorf("unknown key, expected \"name\", \"pcrs\", \"exchange\" and \"source\"")
		}
		wrong.add(err)
	}
	if name, ok := n.member("name"); !ok || name.value == "" || image.Name != "" && strings.TrimSpace(image.Name) == "" {
		e := n.fail(InvalidField, "missing or empty; it is what a verdict calls the image")
		e.Field += ".name"
		wrong.add(e)
	}
	return image, wrong.err()
}

// remember notes where each register stands.
func (s *sourced) remember(pcrs node) {
	if s.registers == nil {
		s.registers = map[int]node{}
	}
	members, _ := pcrs.value.([]member)
	for _, m := range members {
		register, ok := parseRegister(m.name)
		if !ok {
			register, ok = parsePCR(m.name)
		}
		if ok {
			s.registers[register] = m.value
		}
	}
}

// readRegisters reads a list of indexes.
func readRegisters(n node) ([]int, error) {
	elements, err := n.array()
	if err != nil {
		return nil, err
	}
	if len(elements) == 0 {
		return nil, n.errorf("empty, expected registers, or no such key")
	}
	registers := make([]int, len(elements))
	for i, element := range elements {
		digits, _ := element.value.(number)
		register, ok := parseRegister(string(digits))
		if !ok || strings.HasPrefix(string(digits), "PCR") {
			return nil, element.errorf("found %s, expected a register, a number from 0 to 31", element.found())
		}
		registers[i] = register
	}
	return registers, nil
}

// found is a number as it is written, or the kind of another value.
func (n node) found() string {
	if digits, ok := n.value.(number); ok {
		return string(digits)
	}
	return n.kind()
}

// readKind reads the kind of a policy, which has to be the one asked for.
func (r *reader) readKind(n node) error {
	text, err := n.text()
	if err != nil {
		return err
	}
	kind := Kind(text)
	if kind.Validate() != nil || kind == "" {
		return n.fail(WrongKind, "found %q, expected %q or %q", text, Enclave, NitroTPM)
	}
	if r.fixed && !kind.Is(r.kind) {
		return n.fail(WrongKind, "found %q, expected %q, which was asked for", text, r.kind.name())
	}
	r.kind = kind.canonical()
	return nil
}

// kindOf tells the kind of a policy whose reader leaves it to the text. Nothing
// that could be used for enclaves is taken to be for NitroTPM.
func kindOf(n node) Kind {
	if kind, ok := n.member("kind"); ok && kind.value == string(NitroTPM) {
		return NitroTPM
	}
	if elements, ok := n.value.([]node); ok && len(elements) > 0 {
		return kindOf(elements[0])
	}
	if m, ok := n.member("Measurements"); ok {
		return kindOf(m)
	}
	if n.listsRegisters() {
		members, _ := n.value.([]member)
		bank := Bank{}
		for _, m := range members {
			if register, ok := parsePCR(m.name); ok {
				bank[register] = Value{}
			}
		}
		return kindOfBank(bank)
	}
	if n.mentions(nitroTPM.kmsPCR) && !n.mentions(enclave.kmsPCR) && !n.mentions(enclave.kmsImage) {
		return NitroTPM
	}
	return ""
}

// kindOfBank goes by the registers that are listed.
func kindOfBank(b Bank) Kind {
	if pinsNoEnclave(b) == "" || b.has(RegisterKernel) || b.has(RegisterApplication) || !b.has(RegisterBootLoader) && !b.has(RegisterSecureBoot) {
		return ""
	}
	return NitroTPM
}

// mentions reports whether some key in n, at any depth, begins with prefix.
func (n node) mentions(prefix string) bool {
	switch value := n.value.(type) {
	case []node:
		return slices.ContainsFunc(value, func(n node) bool { return n.mentions(prefix) })
	case []member:
		return slices.ContainsFunc(value, func(m member) bool {
			return strings.HasPrefix(m.name, prefix) || m.value.mentions(prefix)
		})
	}
	return false
}

// registersForm reads {"PCR0": "...", "HashAlgorithm": "..."}.
func (r *reader) registersForm(n node) ([]sourced, error) {
	image, err := r.registers(n, nil)
	return []sourced{image}, err
}

// registers reads an object whose keys are registers, HashAlgorithm, and others
// that are given.
func (r *reader) registers(n node, others map[string]func(node) error) (sourced, error) {
	image := sourced{at: n, Image: Image{Name: unnamed, PCRs: Bank{}}}
	members, err := n.object()
	if err != nil {
		return image, err
	}
	var wrong mistakes
	for _, m := range members {
		if other := others[m.name]; other != nil {
			wrong.add(other(m.value))
			continue
		}
		if m.name == "HashAlgorithm" {
			wrong.add(r.checkHashAlgorithm(m.value))
			continue
		}
		register, ok := parsePCR(m.name)
		if !ok {
			wrong.add(m.value.errorf("unknown key, expected PCR0 to PCR31 and HashAlgorithm"))
			continue
		}
		wrong.add(image.PCRs.read(member{strconv.Itoa(register), m.value}))
	}
	image.remember(n)
	return image, wrong.err()
}

// releasesForm reads an array of releases, each with its registers and a time.
func (r *reader) releasesForm(n node) ([]sourced, error) {
	elements, err := n.array()
	if err != nil {
		return nil, err
	}
	var set imageSet
	var wrong mistakes
	signed := 0
	for _, element := range elements {
		name := ""
		image, err := r.registers(element, map[string]func(node) error{
			"timestamp": func(n node) (err error) {
				name, err = readTime(n)
				return err
			},
			"signature": func(node) error {
				signed++
				return nil
			},
		})
		if image.Name = name; name == "" && err == nil {
			err = element.errorf("timestamp: missing; it is what a verdict calls the image")
		}
		wrong.add(err)
		set.add(image)
	}
	if signed > 0 {
		r.warn("%d releases have a signature, which was not verified: it covers one register, and nothing says whose key made it", signed)
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	return set.images(), nil
}

// readTime reads seconds since 1970 or RFC 3339, and returns the latter in UTC.
func readTime(n node) (string, error) {
	const layout = "2006-01-02T15:04:05Z07:00"
	switch value := n.value.(type) {
	case number:
		if seconds, err := strconv.ParseInt(string(value), 10, 64); err == nil && seconds > 0 && seconds < 1<<34 {
			return time.Unix(seconds, 0).UTC().Format(layout), nil
		}
		return "", n.errorf("found %s, expected seconds since 1970", value)
	case string:
		if at, err := time.Parse(time.RFC3339, value); err == nil {
			return at.UTC().Format(layout), nil
		}
		return "", n.errorf("found %q, expected a time like 2025-04-15T02:25:23Z", value)
	}
	return "", n.errorf("found %s, expected a time", n.kind())
}
