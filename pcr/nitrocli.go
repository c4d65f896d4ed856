package pcr

import (
	"slices"
	"strings"
)

// measurementsForm reads the output of nitro-cli build-enclave and
// describe-eif. Beside the measurements it holds descriptions, which AWS may
// add to; only those that say the file is broken are looked at.
func (r reader) measurementsForm(n node) (Policy, error) {
	const damaged = ", expected true: nitro-cli says otherwise when the image file is damaged or its signature is wrong"
	if m, ok := n.member("CheckCRC"); ok && m.value != true {
		return Policy{}, m.errorf("found %s%s", m.kind(), damaged)
	}
	// It is null for an image without a signature.
	if m, ok := n.member("SignatureCheck"); ok && m.value != true && m.value != nil {
		return Policy{}, m.errorf("found %s%s", m.kind(), damaged)
	}
	image, err := r.measurements(n)
	return Policy{Images: []Image{image}}, err
}

// enclavesForm reads the output of nitro-cli describe-enclaves. Enclaves
// that run the same image are one image of the policy.
func (r reader) enclavesForm(n node) (Policy, error) {
	elements, err := n.array()
	if err != nil {
		return Policy{}, err
	}
	var images imageSet
	for _, element := range elements {
		image, err := r.measurements(element)
		if err != nil {
			return Policy{}, err
		}
		images.add(image)
	}
	return Policy{Images: images.list}, nil
}

func (r reader) measurements(n node) (Image, error) {
	m, ok := n.member("Measurements")
	if !ok {
		return Image{}, n.errorf("Measurements: missing")
	}
	members, err := m.object()
	if err != nil {
		return Image{}, err
	}
	registers := make([]member, 0, len(members))
	for _, m := range members {
		if m.name == "HashAlgorithm" {
			if err := r.checkHashAlgorithm(m.value); err != nil {
				return Image{}, err
			}
			continue
		}
		registers = append(registers, m)
	}
	bank, err := readBank(node{at: m.at, value: registers})
	if err != nil {
		return Image{}, err
	}
	return Image{Name: measuredName(n), PCRs: bank}, nil
}

// checkHashAlgorithm takes the names that AWS's tools print for SHA-384, each
// followed by what their debug form has: "Sha384 { ... }".
func (r reader) checkHashAlgorithm(n node) error {
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
