package pcr

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxPolicySize bounds what ReadPolicy takes. A policy with a thousand images
// of four registers has half of it.
const maxPolicySize = 1 << 20

// ReadPolicy reads a policy from JSON in any of these forms:
//
//   - {"images": [{"name": "v1.2.0", "pcrs": {"0": "<96 hex digits>", ...}}]},
//     with registers also spelled "PCR0", and every image named; a policy for
//     EC2 instances with NitroTPM has "kind": "nitrotpm" beside the images;
//   - what nitro-cli build-enclave or describe-eif prints,
//     {"Measurements": {"HashAlgorithm": "Sha384 { ... }", "PCR0": ...}, ...},
//     or describe-enclaves, an array of such objects; the image is named by
//     its ImageName and ImageVersion or EnclaveName, else "image";
//   - what AWS's nitro-tpm-pcr-compute prints, {"Measurements":
//     {"HashAlgorithm": "SHA384 { ... }", "PCR4": ..., "PCR7": ..., "PCR12": ...}},
//     told from the output of nitro-cli by its registers: none of those that pin
//     an enclave's code, and PCR7, or PCR4 with PCR12;
//   - a condition of an AWS KMS key policy with the keys
//     kms:RecipientAttestation:ImageSha384 and kms:RecipientAttestation:PCR<n>,
//     as {"StringEqualsIgnoreCase": {...}} or inside a statement or a whole key
//     policy. Several values of one key are alternatives, and so several
//     images. kms:RecipientAttestation:NitroTPMPCR<n> makes a policy for EC2
//     instances with NitroTPM.
//
// Keys that are unknown or given twice, values that are not 96 hex digits and
// policies that do not pass [Policy.Validate] are errors that say where in the
// JSON they are. At most 1 MiB is read. A Policy is returned only without an
// error.
func ReadPolicy(r io.Reader) (Policy, error) { return reader{}.read(r) }

// reader reads the policies of one kind.
type reader struct {
	kind  Kind // canonical
	fixed bool // kind is what the caller asks for, whatever the text looks like
}

func (r reader) on() *platform { return r.kind.platform() }

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
	if !r.fixed {
		r.kind = kindOf(n)
	}
	read, err := r.formOf(n)
	if err != nil {
		return Policy{}, err
	}
	policy, err := read(n)
	if err != nil {
		return Policy{}, err
	}
	policy.Kind = r.kind
	if err := policy.Validate(); err != nil {
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
	policy := Policy{Kind: r.kind}
	for _, m := range members {
		switch m.name {
		case "images":
		case "kind":
			if policy.Kind, err = r.readKind(m.value); err != nil {
				return Policy{}, err
			}
			continue
		default:
			return Policy{}, m.value.errorf("unknown key, expected \"kind\" and \"images\"")
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

// readKind reads the kind of a policy, which has to be the one asked for.
func (r reader) readKind(n node) (Kind, error) {
	text, err := n.text()
	if err != nil {
		return "", err
	}
	kind := Kind(text)
	if err := kind.Validate(); err != nil || kind == "" {
		return "", n.errorf("found %q, expected %q or %q", text, Enclave, NitroTPM)
	}
	if r.fixed && !kind.Is(r.kind) {
		return "", n.errorf("found %q, expected %q, which was asked for", text, r.kind.name())
	}
	return kind.canonical(), nil
}

// kindOf tells the kind of a policy whose reader leaves it to the text. Nothing
// that could be used for enclaves is taken to be for NitroTPM.
func kindOf(n node) Kind {
	if kind, ok := n.member("kind"); ok && kind.value == string(NitroTPM) {
		return NitroTPM
	}
	if m, ok := n.member("Measurements"); ok {
		return kindOfRegisters(m)
	}
	if n.mentions(nitroTPM.kmsPCR) && !n.mentions(enclave.kmsPCR) && !n.mentions(enclave.kmsImage) {
		return NitroTPM
	}
	return ""
}

func kindOfRegisters(n node) Kind {
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool {
			_, ok := n.member(name)
			return !ok
		})
	}
	if has("PCR0") || has("PCR1", "PCR2") || has("PCR8") || !has("PCR7") && !has("PCR4", "PCR12") {
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
