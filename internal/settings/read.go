package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/nitroattest/nitroattest/internal/jsonplace"
)

// MaxSize bounds the JSON of settings: room for the largest signed policy twice.
const MaxSize = 8 << 20

// Read reads settings from one JSON object. All of its keys are optional; what
// has to be there is a policy, or that any image will do, and freshness.
//
//	kind                  "enclave" or "nitrotpm"; without it that of the policy, or "enclave"
//	policy                the acceptable images in any form that pcr.ReadPolicy takes: JSON
//	                      as it is, or a string with the text of the file; with policy_keys
//	                      a signed policy
//	policy_keys           PEM with the public keys of those who may sign the policy
//	policy_threshold      how many of them have to have signed; without it all
//	policy_name           the name that the signed policy has to have
//	insecure_any_image    true: any code will do, in place of a policy
//	insecure_allow_debug  true: enclaves in debug mode will do
//	insecure_any_module_id  true: module IDs of a form that nobody has seen will do
//	nonce                 the challenge, in hex
//	max_age               the largest age of the document, in seconds
//	recorded              true: appraise as of the document's own timestamp
//	at                    verification time in place of now, RFC 3339
//	user_data, public_key what the field has to be, in hex; "" for present and empty
//	no_user_data, no_public_key  true: the field has to be null
//	pcrs                  registers of this exchange, {"16": "<96 hex digits>"}
//	roots                 PEM with the roots to trust in place of AWS's
//	partition             "aws" or "aws-us-gov": the partition whose root to trust
//	crls                  revocation lists, an array of PEM or of DER in base64
//	missing_crl           "refuse" or "insecure-accept" where no current list is there
//	denied                what is refused whatever the lists say, an array of module IDs,
//	                      instance IDs and certificates, {"issuer": "...", "serial": "<hex>"}
//
// Reading is strict: another spelling of a key, a key given twice, null and text
// after the object are mistakes. A mistake in the settings is one of the
// Mistakes that are returned, all at once; nothing is returned beside an error.
// What cannot be read as JSON at all is the only mistake there is.
func Read(text []byte) (*Appraisal, error) {
	a := &Appraisal{}
	if err := a.read(text); err != nil {
		return nil, err
	}
	if err := a.Check(); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Appraisal) read(text []byte) error {
	whole := func(format string, args ...any) error {
		a.Fail("", format, args...)
		return a.Mistakes()
	}
	if len(text) > MaxSize {
		return whole("found more than %d bytes of settings, expected at most that", MaxSize)
	}
	if at := firstInvalid(text); at >= 0 {
		line, column := jsonplace.Position(text, at)
		return whole("found the byte 0x%02x at line %d, column %d, which is not UTF-8", text[at], line, column)
	}
	members, err := readObject(text, 0)
	if err != nil {
		return whole("%s", err)
	}
	r := &reader{Appraisal: a, text: text, members: map[string]value{}}
	a.place = func(setting string) (line, column int) {
		if v, ok := r.members[setting]; ok {
			return jsonplace.Position(text, v.offset)
		}
		return 0, 0
	}
	for _, m := range members {
		r.take(m)
	}
	r.readAll()
	return nil
}

// firstInvalid returns the offset of the first byte that is not UTF-8, or -1.
func firstInvalid(text []byte) int {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

// value is a JSON value and where it stands.
type value struct {
	raw    json.RawMessage
	offset int // in the whole text
}

type member struct {
	name   string
	offset int // of the name
	value  value
}

// readObject takes an object apart, one level deep. What it consists of is still
// text, so that each part is read by whoever knows what it has to be.
func readObject(text []byte, base int) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	// next returns where the next token or value begins.
	next := func() int {
		at := int(d.InputOffset())
		return at + len(text[at:]) - len(bytes.TrimLeft(text[at:], " \t\r\n,:"))
	}
	start, err := d.Token()
	if err != nil {
		return nil, jsonplace.Explain(text, err)
	}
	if start != json.Delim('{') {
		return nil, fmt.Errorf("found %s, expected a JSON object", kindOf(bytes.TrimSpace(text)))
	}
	var members []member
	for d.More() {
		m := member{offset: base + next()}
		name, err := d.Token()
		if err != nil {
			return nil, jsonplace.Explain(text, err)
		}
		m.name, _ = name.(string) // the decoder lets nothing else through here
		m.value.offset = base + next()
		if err := d.Decode(&m.value.raw); err != nil {
			return nil, jsonplace.Explain(text, err)
		}
		members = append(members, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, jsonplace.Explain(text, err)
	}
	end := next()
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		line, column := jsonplace.Position(text, end)
		return nil, fmt.Errorf("found more at line %d, column %d, expected the end after the JSON object", line, column)
	}
	return members, nil
}

// kindOf says what a JSON value is.
func kindOf(raw []byte) string {
	switch {
	case len(raw) == 0:
		return "nothing"
	case raw[0] == '{':
		return "an object"
	case raw[0] == '[':
		return "an array"
	case raw[0] == '"':
		return "a string"
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		return "a number"
	}
	return string(raw) // true, false or null
}

// reader reads the members of one object into an Appraisal.
type reader struct {
	*Appraisal
	text    []byte
	members map[string]value
}

// keys are what settings may have, in the order of the documentation of Read.
var keys = []string{
	Kind, Policy, PolicyKeys, PolicyThreshold, PolicyName, InsecureAnyImage, InsecureAllowDebug, InsecureAnyModuleID,
	Nonce, MaxAge, Recorded, At, UserData, PublicKey, NoUserData, NoPublicKey, PCRs,
	Roots, Partition, CRLs, MissingCRL, Denied,
}

func (r *reader) take(m member) {
	switch _, twice := r.members[m.name]; {
	case !slices.Contains(keys, m.name):
		mistake := r.failAt(m.name, "", m.offset, "unknown key")
		for _, key := range keys {
			if strings.EqualFold(strings.ReplaceAll(m.name, "_", ""), strings.ReplaceAll(key, "_", "")) {
				mistake.Detail += fmt.Sprintf(", expected %q", key)
			}
		}
	case twice:
		r.failAt(m.name, "", m.offset, "the key is given twice")
	default:
		r.members[m.name] = m.value
	}
}

// failAt notes a mistake in a setting, at an offset of the text.
func (r *reader) failAt(setting, path string, offset int, format string, args ...any) *Mistake {
	m := &Mistake{Setting: setting, Path: path, Detail: fmt.Sprintf(format, args...)}
	m.Line, m.Column = jsonplace.Position(r.text, offset)
	return r.add(m)
}
