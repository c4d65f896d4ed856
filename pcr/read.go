package pcr

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/nitroattest/nitroattest/internal/savedtext"
)

// maxPolicySize bounds what ReadPolicy takes. A policy with a thousand images
// of four registers has half of it.
const maxPolicySize = 1 << 20

// Form is a form in which reference values are published.
type Form string

// The forms that [ReadPolicy] reads.
const (
	FormPolicy       Form = "policy"       // {"images": [...]}
	FormMeasurements Form = "measurements" // {"Measurements": {...}}, what AWS's tools print
	FormEnclaves     Form = "enclaves"     // an array of those, from nitro-cli describe-enclaves
	FormRegisters    Form = "registers"    // {"PCR0": "<hex>", ...}
	FormReleases     Form = "releases"     // an array of those, each with a timestamp
	FormLines        Form = "lines"        // <hex> PCR0
	FormKeyPolicy    Form = "key-policy"   // AWS KMS
)

// Reading is a policy with what there is to say of the text it was read from.
type Reading struct {
	Policy   Policy
	Form     Form
	Warnings []string // what was found and does not count: a signature, text before the JSON
}

// ReadPolicy reads a policy from any of these forms:
//
//   - {"images": [{"name": "v1.2.0", "pcrs": {"0": "<96 hex digits>", ...}}]},
//     with registers also spelled "PCR0", and every image named. An image may
//     have "exchange": [16, 17] and "source": "...", see [Image]. A policy for
//     EC2 instances with NitroTPM has "kind": "nitrotpm" beside the images;
//   - what nitro-cli build-enclave or describe-eif prints,
//     {"Measurements": {"HashAlgorithm": "Sha384 { ... }", "PCR0": ...}, ...},
//     or describe-enclaves, an array of such objects; the image is named by
//     its ImageName and ImageVersion or EnclaveName, else "image". One banner of
//     a build tool, whole lines before the JSON, is skipped;
//   - what AWS's nitro-tpm-pcr-compute prints, {"Measurements":
//     {"HashAlgorithm": "SHA384 { ... }", "PCR4": ..., "PCR7": ..., "PCR12": ...}},
//     told from the output of nitro-cli by its registers: none of those that pin
//     an enclave's code, and PCR4 or PCR7. It is of a boot to which nothing was
//     added from outside, and so PCR13 is zero where it is not listed;
//   - the registers alone, {"PCR0": ..., "PCR1": ...}, or an array of such
//     objects with a timestamp each (seconds since 1970, or RFC 3339), which is
//     their name. A signature in one is not verified, for it covers one register
//     of them, and nobody said whose key it is;
//   - lines of "<96 hex digits> PCR0";
//   - a condition of an AWS KMS key policy with the keys
//     kms:RecipientAttestation:ImageSha384 and kms:RecipientAttestation:PCR<n>,
//     as {"StringEqualsIgnoreCase": {...}} or inside a statement or a whole key
//     policy, see below. kms:RecipientAttestation:NitroTPMPCR<n> makes a policy
//     for EC2 instances with NitroTPM.
//
// The text is UTF-8, or UTF-16 with a byte order mark. PCR names outside of the
// first form may be in lower case, and values may begin with 0x. All else is
// strict: keys that are unknown or given twice, values that are not 96 hex
// digits and policies that do not pass [Policy.Validate] are errors that say
// where they are, as many as there are. At most 1 MiB is read. A Policy is
// returned only without an error.
//
// # Key policies
//
// A key policy is read for the images that it lets use the key. Several values
// of one key are alternatives, and so several images; all keys of a condition
// have to hold. A statement that allows an action to no image by attestation
// names no image (and is a warning where the action could ask for one). A
// condition on attestation never holds for an action without a Recipient, such
// as kms:Sign: a statement that allows no other is an error. A Deny with
// StringNotEquals or StringNotEqualsIgnoreCase on attestation keys narrows the
// images to those that it leaves, and one with StringEquals takes images away.
// Everything is reckoned for each action and each principal; where those would
// end with different images, where a Deny takes away all, and where a condition
// cannot be evaluated by the image alone (Null, StringLike, ...IfExists,
// ForAnyValue:...), the error names the statement.
func ReadPolicy(r io.Reader) (Policy, error) {
	reading, err := Read(r, "")
	return reading.Policy, err
}

// Read is [ReadPolicy] for callers who want to know more of the text. With a
// kind, what does not say its kind is taken to be of this one, and what says
// another is an error; with none, the text tells.
func Read(r io.Reader, kind Kind) (Reading, error) {
	if err := kind.Validate(); err != nil {
		return Reading{}, err
	}
	return (&reader{kind: kind.canonical(), fixed: kind != ""}).read(r)
}

// reader reads one policy.
type reader struct {
	kind     Kind // canonical
	fixed    bool // kind is what the caller asks for, whatever the text looks like
	form     Form
	warnings []string
	root     node // of the JSON, if it is JSON
}

func (r *reader) on() *platform { return r.kind.platform() }

func (r *reader) warn(format string, args ...any) {
	r.warnings = append(r.warnings, fmt.Sprintf(format, args...))
}

func (r *reader) read(from io.Reader) (Reading, error) {
	data, err := io.ReadAll(io.LimitReader(from, maxPolicySize+1))
	if err != nil {
		return Reading{}, &Error{Reason: Unreadable, Err: err}
	}
	if len(data) > maxPolicySize {
		return Reading{}, &Error{Reason: MalformedPolicy, Detail: fmt.Sprintf("found more than %d bytes, expected at most that", maxPolicySize)}
	}
	text, err := decodeText(data)
	if err != nil {
		return Reading{}, err
	}
	policy, err := r.finish(r.anyForm(text))
	if err != nil {
		return Reading{}, err
	}
	return Reading{policy, r.form, r.warnings}, nil
}

// finish makes a policy of the images, or says what is wrong with them where it
// was read.
func (r *reader) finish(images []sourced, err error) (Policy, error) {
	if err != nil {
		return Policy{}, err
	}
	policy := Policy{Kind: r.kind}
	for _, image := range images {
		policy.Images = append(policy.Images, image.Image)
	}
	var wrong mistakes
	for _, f := range policy.findings() {
		e := &Error{Reason: f.reason, Field: f.path(), Detail: f.detail}
		if f.image != none {
			images[f.image].locate(e, f)
		} else if n, ok := r.root.member(f.part); ok {
			n.locate(e)
		}
		wrong.add(e)
	}
	if err := wrong.err(); err != nil {
		return Policy{}, err
	}
	return policy, nil
}

// locate says where a fault was read.
func (s sourced) locate(e *Error, f fault) {
	if n, ok := s.registers[f.register]; ok {
		n.locate(e)
		return
	}
	if s.at.document == nil {
		return
	}
	if n, ok := s.at.member(f.part); ok && s.own {
		n.locate(e)
		return
	}
	s.at.locate(e)
	if s.own {
		e.Field += "." + f.part
	}
}

func (r *reader) anyForm(text []byte) ([]sourced, error) {
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	start := len(text) - len(trimmed)
	switch {
	case len(trimmed) == 0:
		return nil, &Error{Reason: MalformedPolicy, Detail: "found nothing, expected a policy"}
	case isRegisterLines(text):
		r.form = FormLines
		images, err := registerLines(text)
		if err == nil && !r.fixed {
			r.kind = kindOfBank(images[0].PCRs)
		}
		return images, err
	case isBareValue(string(bytes.TrimSpace(trimmed))):
		return nil, &Error{Reason: UnknownForm, Detail: "found one value and not of which register, expected lines like \"<96 hex digits> PCR0\""}
	case strings.IndexByte(`{["-0123456789`, trimmed[0]) < 0 && !slices.Contains([]string{"null", "true", "false"}, string(bytes.TrimSpace(trimmed))):
		return r.behindBanner(text, start)
	}
	n, err := parseJSON(&document{text, true}, start)
	if err != nil {
		return nil, err
	}
	return r.json(n)
}

// behindBanner reads what a build tool printed after a line or more of its own.
func (r *reader) behindBanner(text []byte, from int) ([]sourced, error) {
	d := &document{text, true}
	start, ok := savedtext.JSONStart(text)
	if !ok {
		line, column := d.position(from)
		return nil, &Error{Reason: UnknownForm, Line: line, Column: column, Detail: "found text that is no JSON; " + expectedForms}
	}
	line, _ := d.position(start)
	n, err := parseJSON(d, start)
	if err != nil {
		return nil, err
	}
	images, err := r.json(n)
	if err == nil && r.form != FormMeasurements && r.form != FormRegisters {
		return nil, &Error{Reason: UnknownForm, Line: 1, Column: 1, Detail: fmt.Sprintf("found text before the JSON, which begins in line %d, expected it only where a build tool printed measurements; cut it off", line)}
	}
	r.warn("skipped the text before the JSON, which begins in line %d", line)
	return images, err
}

// expectedForms is for a text in none of the forms.
const expectedForms = `expected a policy {"images": [...]}, the output of nitro-cli build-enclave, describe-eif or describe-enclaves, registers {"PCR0": "..."}, or a condition of an AWS KMS key policy`

func (r *reader) json(n node) ([]sourced, error) {
	r.root = n
	if !r.fixed {
		r.kind = kindOf(n)
	}
	var read func(node) ([]sourced, error)
	if r.form, read = r.formOf(n); read == nil {
		return nil, n.fail(UnknownForm, "%s", expectedForms)
	}
	return read(n)
}

// formOf tells the forms apart by one key that only one of them has.
func (r *reader) formOf(n node) (Form, func(node) ([]sourced, error)) {
	if elements, ok := n.value.([]node); ok {
		if len(elements) == 0 {
			return "", nil
		}
		if _, ok := elements[0].member("Measurements"); ok {
			return FormEnclaves, r.enclavesForm
		}
		if elements[0].listsRegisters() {
			return FormReleases, r.releasesForm
		}
		return "", nil
	}
	if _, ok := n.member("images"); ok {
		return FormPolicy, r.policyForm
	}
	if _, ok := n.member("Measurements"); ok {
		return FormMeasurements, r.measurementsForm
	}
	if isKeyPolicy(n) {
		return FormKeyPolicy, r.keyPolicyForm
	}
	if n.listsRegisters() {
		return FormRegisters, r.registersForm
	}
	return "", nil
}

// listsRegisters reports whether n is an object with a key like PCR0.
func (n node) listsRegisters() bool {
	members, _ := n.value.([]member)
	return slices.ContainsFunc(members, func(m member) bool {
		_, ok := parsePCR(m.name)
		return ok
	})
}
