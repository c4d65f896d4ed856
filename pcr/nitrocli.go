package pcr

import "strings"

// readMeasurementsForm reads the output of nitro-cli build-enclave and
// describe-eif. Beside the measurements it holds descriptions, which AWS may
// add to; only those that say the file is broken are looked at.
func readMeasurementsForm(n node) (Policy, error) {
	const damaged = ", expected true: nitro-cli says otherwise when the image file is damaged or its signature is wrong"
	if m, ok := n.member("CheckCRC"); ok && m.value != true {
		return Policy{}, m.errorf("found %s%s", m.kind(), damaged)
	}
	// It is null for an image without a signature.
	if m, ok := n.member("SignatureCheck"); ok && m.value != true && m.value != nil {
		return Policy{}, m.errorf("found %s%s", m.kind(), damaged)
	}
	image, err := readMeasurements(n)
	return Policy{Images: []Image{image}}, err
}

// readEnclavesForm reads the output of nitro-cli describe-enclaves. Enclaves
// that run the same image are one image of the policy.
func readEnclavesForm(n node) (Policy, error) {
	elements, err := n.array()
	if err != nil {
		return Policy{}, err
	}
	var images imageSet
	for _, element := range elements {
		image, err := readMeasurements(element)
		if err != nil {
			return Policy{}, err
		}
		images.add(image)
	}
	return Policy{Images: images.list}, nil
}

func readMeasurements(n node) (Image, error) {
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
			if err := checkHashAlgorithm(m.value); err != nil {
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

// checkHashAlgorithm takes the two names that releases of AWS's tools print
// for SHA-384, each followed by a debug form of the hasher: "Sha384 { ... }"
// and "Sha512_48 { .. }".
func checkHashAlgorithm(n node) error {
	name, err := n.text()
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(name, " ")
	if first != "Sha384" && first != "Sha512_48" {
		return n.errorf("found %q, expected \"Sha384 { ... }\"", name)
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
