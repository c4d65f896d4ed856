package pcr

import (
	"slices"
	"strings"
)

// measurementsForm reads the output of nitro-cli build-enclave and
// describe-eif. Beside the measurements it holds descriptions, which AWS may
// add to; only those that say the file is broken are looked at.
func (r *reader) measurementsForm(n node) ([]sourced, error) {
	const damaged = ", expected true: nitro-cli says otherwise when the image file is damaged or its signature is wrong"
	if m, ok := n.member("CheckCRC"); ok && m.value != true {
		return nil, m.errorf("found %s%s", m.kind(), damaged)
	}
	// It is null for an image without a signature.
	if m, ok := n.member("SignatureCheck"); ok && m.value != true && m.value != nil {
		return nil, m.errorf("found %s%s", m.kind(), damaged)
	}
	image, err := r.measurements(n)
	return []sourced{image}, err
}

// enclavesForm reads the output of nitro-cli describe-enclaves. Enclaves
// that run the same image are one image of the policy.
func (r *reader) enclavesForm(n node) ([]sourced, error) {
	elements, err := n.array()
	if err != nil {
		return nil, err
	}
	var set imageSet
	var wrong mistakes
	for _, element := range elements {
		image, err := r.measurements(element)
		wrong.add(err)
		set.add(image)
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	return set.images(), nil
}

func (r *reader) measurements(n node) (sourced, error) {
	m, ok := n.member("Measurements")
	if !ok {
		return sourced{}, n.errorf("Measurements: missing")
	}
	image, err := r.registers(m, nil)
	image.Name = measuredName(n)
	// AWS's tool computes a boot to which nothing is added from outside, and from
	// 1.1.0 on prints one of the two registers that say so.
	if r.kind == NitroTPM && image.PCRs.has(RegisterCommandLine) && !image.PCRs.has(RegisterSystemExtensions) && image.PCRs[RegisterCommandLine].IsZero() {
		image.PCRs[RegisterSystemExtensions] = Value{}
		r.warn("PCR13 is not listed and taken to be zero, like PCR12: the tool measures a boot without system extensions")
	}
	return image, err
}

// checkHashAlgorithm takes the names that AWS's tools print for SHA-384, each
// followed by what their debug form has: "Sha384 { ... }".
func (r *reader) checkHashAlgorithm(n node) error {
	name, err := n.text()
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(name, " ")
	if !slices.Contains(r.on().hashNames, first) {
		return n.errorf("found %q, expected \"%s { ... }\"", name, r.on().hashNames[0])
	}
	return nil
}

func measuredName(n node) string {
	text := func(key string) string {
		m, _ := n.member(key)
		s, _ := m.value.(string)
		return strings.TrimSpace(s)
	}
	if name := text("EnclaveName"); name != "" {
		return name
	}
	if name := strings.TrimSpace(text("ImageName") + " " + text("ImageVersion")); name != "" {
		return name
	}
	return unnamed
}
