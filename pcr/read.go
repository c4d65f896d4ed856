package pcr

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxPolicySize bounds what ReadPolicy takes. A policy with a thousand images
// of four registers has half of it.
const maxPolicySize = 1 << 20

// ReadPolicy reads a policy from JSON in any of these forms:
//
//   - {"images": [{"name": "v1.2.0", "pcrs": {"0": "<96 hex digits>", ...}}]},
//     with registers also spelled "PCR0", and every image named;
//   - what nitro-cli build-enclave or describe-eif prints,
//     {"Measurements": {"HashAlgorithm": "Sha384 { ... }", "PCR0": ...}, ...},
//     or describe-enclaves, an array of such objects; the image is named by
//     its ImageName and ImageVersion or EnclaveName, else "image";
//   - a condition of an AWS KMS key policy with the keys
//     kms:RecipientAttestation:ImageSha384 and kms:RecipientAttestation:PCR<n>,
//     as {"StringEqualsIgnoreCase": {...}} or inside a statement or a whole key
//     policy. Several values of one key are alternatives, and so several
//     images.
//
// Keys that are unknown or given twice, values that are not 96 hex digits and
// policies that do not pass [Policy.Validate] are errors that say where in the
// JSON they are. At most 1 MiB is read. A Policy is returned only without an
// error.
func ReadPolicy(r io.Reader) (Policy, error) { return reader{enclave}.read(r) }

// reader reads the policies of one platform.
type reader struct{ on *platform }

func (r reader) read(from io.Reader) (Policy, error) {
	data, err := io.ReadAll(io.LimitReader(from, maxPolicySize+1))
	if err != nil {
		return Policy{}, fmt.Errorf("policy: %w", err)
	}
	if len(data) > maxPolicySize {
		return Policy{}, fmt.Errorf("policy: found more than %d bytes, expected at most that", maxPolicySize)
	}
	policy, err := r.anyForm(data)
	if err != nil {
		var invalid *PolicyError
		if errors.As(err, &invalid) {
			return Policy{}, err
		}
		return Policy{}, fmt.Errorf("policy: %w", err)
	}
	return policy, nil
}

func (r reader) anyForm(data []byte) (Policy, error) {
	n, err := parseJSON(data)
	if err != nil {
		return Policy{}, err
	}
	read, err := r.formOf(n)
	if err != nil {
		return Policy{}, err
	}
	policy, err := read(n)
	if err != nil {
		return Policy{}, err
	}
	if err := policy.validate(r.on); err != nil {
		return Policy{}, err
	}
	return policy, nil
}

// formOf tells the forms apart by one key that only one of them has.
func (r reader) formOf(n node) (func(node) (Policy, error), error) {
	if elements, ok := n.value.([]node); ok {
		if len(elements) > 0 {
			if _, ok := elements[0].member("Measurements"); ok {
				return r.enclavesForm, nil
			}
		}
		return nil, errNoPolicy
	}
	if _, ok := n.member("images"); ok {
		return r.policyForm, nil
	}
	if _, ok := n.member("Measurements"); ok {
		return r.measurementsForm, nil
	}
	if isKeyPolicy(n) {
		return r.keyPolicyForm, nil
	}
	return nil, errNoPolicy
}

func (r reader) policyForm(n node) (Policy, error) {
	members, err := n.object()
	if err != nil {
		return Policy{}, err
	}
	var policy Policy
	for _, m := range members {
		if m.name != "images" {
			return Policy{}, m.value.errorf("unknown key, expected \"images\"")
		}
		elements, err := m.value.array()
		if err != nil {
			return Policy{}, err
		}
		for _, element := range elements {
			image, err := readImage(element)
			if err != nil {
				return Policy{}, err
			}
			policy.Images = append(policy.Images, image)
		}
	}
	return policy, nil
}

func readImage(n node) (Image, error) {
	members, err := n.object()
	if err != nil {
		return Image{}, err
	}
	var image Image
	for _, m := range members {
		switch m.name {
		case "name":
			image.Name, err = m.value.text()
		case "pcrs":
			image.PCRs, err = readBank(m.value)
		default:
			err = m.value.errorf("unknown key, expected \"name\" and \"pcrs\"")
		}
		if err != nil {
			return Image{}, err
		}
	}
	if strings.TrimSpace(image.Name) == "" {
		return Image{}, n.errorf("name: missing or empty; it is what a verdict calls the image")
	}
	return image, nil
}
