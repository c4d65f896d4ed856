// Package keypolicy writes the images of a policy as statements of an AWS KMS
// key policy.
//
// A condition of a statement has keys, all of which have to hold, and each key
// may list values, any of which will do. A statement therefore accepts every
// combination of the values it lists. Written as one statement, two images
// that differ in two registers would let in a third that has one register of
// each; so images share a statement only when they differ in one register, and
// any statement is enough to be allowed.
//
// Sources: AWS KMS Developer Guide, "Condition keys for Nitro Enclaves" and
// "Condition keys for NitroTPM"; IAM User Guide, "Conditions with multiple
// context keys or values".
package keypolicy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/nitroattest/nitroattest/pcr"
)

// Actions are the operations of AWS KMS that answer to an attestation document.
// No other is ever allowed by a condition on one.
var Actions = []string{"kms:Decrypt", "kms:DeriveSharedSecret", "kms:GenerateDataKey", "kms:GenerateDataKeyPair", "kms:GenerateRandom"}

// DefaultActions are what an enclave with a symmetric key needs.
var DefaultActions = []string{"kms:Decrypt", "kms:GenerateDataKey"}

// Document is a policy document. It is part of a key policy: alone it would
// leave the key without an administrator.
type Document struct {
	Version   string
	Statement []Statement
}

// Statement allows the actions to what its condition describes.
type Statement struct {
	Sid       string
	Effect    string
	Principal any `json:",omitempty"` // Principal or "*"; nil: for an IAM policy, which has none
	Action    []string
	Resource  string
	Condition Condition
}

// Principal is who calls AWS KMS: the role of the parent instance.
type Principal struct{ AWS string }

// Condition says what has to hold, all of it. AWS KMS writes registers in hex;
// case carries no meaning.
type Condition struct {
	StringEqualsIgnoreCase    map[string]Values `json:",omitempty"`
	StringNotEqualsIgnoreCase map[string]Values `json:",omitempty"`
}

// Values are alternatives.
type Values []string

// Options are what a policy does not say.
type Options struct {
	Principal string   // ARN; empty: none
	Actions   []string // nil: DefaultActions
	// DenyOtherwise adds a Deny for each register that every image lists, so that
	// no other statement of the key policy, or of an IAM policy, can widen what is
	// allowed.
	DenyOtherwise bool
}

// New returns one statement for each group of images that can share one, in
// the order of the policy. It accepts exactly the images of the policy, by
// their registers.
func New(policy pcr.Policy, options Options) Document {
	actions := options.Actions
	if actions == nil {
		actions = DefaultActions
	}
	document := Document{Version: "2012-10-17", Statement: []Statement{}}
	for i, g := range groups(policy.Images) {
		s := Statement{
			Sid:       fmt.Sprintf("AttestedImage%d", i+1),
			Effect:    "Allow",
			Action:    actions,
			Resource:  "*", // in a key policy, the key
			Condition: Condition{StringEqualsIgnoreCase: map[string]Values{}},
		}
		if options.Principal != "" {
			s.Principal = Principal{options.Principal}
		}
		for _, register := range g.bank.Registers() {
			s.Condition.StringEqualsIgnoreCase[conditionKey(register, policy.Kind)] = g.values(register)
		}
		if NeedsDebugCheck(policy.Kind, pcr.Image{PCRs: g.bank}) {
			s.Condition.StringNotEqualsIgnoreCase = notDebug(policy.Kind)
		}
		document.Statement = append(document.Statement, s)
	}
	if options.DenyOtherwise {
		document.Statement = append(document.Statement, denials(policy, actions, options)...)
	}
	return document
}

// NeedsDebugCheck reports whether the registers that an image lists can be those
// of an enclave in debug mode, whose registers 0 to 2 are zero. One of them with
// a value is enough, for all three are zero together.
func NeedsDebugCheck(kind pcr.Kind, image pcr.Image) bool {
	if kind == pcr.NitroTPM {
		return false
	}
	for register := pcr.RegisterImage; register <= pcr.RegisterApplication; register++ {
		if _, ok := image.PCRs[register]; ok {
			return false
		}
	}
	return true
}

func notDebug(kind pcr.Kind) map[string]Values {
	out := map[string]Values{}
	for register := pcr.RegisterImage; register <= pcr.RegisterApplication; register++ {
		out[conditionKey(register, kind)] = Values{pcr.Value{}.String()}
	}
	return out
}

// denials has one statement for each register that all images list: the keys of
// one condition would all have to differ before it denies. A register that is
// absent, as in a request without a document, differs.
func denials(policy pcr.Policy, actions []string, options Options) []Statement {
	var out []Statement
	for _, register := range policy.Images[0].PCRs.Registers() {
		values, everywhere := valuesOf(policy, register)
		if !everywhere {
			continue
		}
		s := Statement{
			Sid: fmt.Sprintf("DenyOtherPCR%d", register), Effect: "Deny", Action: actions, Resource: "*",
			Condition: Condition{StringNotEqualsIgnoreCase: map[string]Values{conditionKey(register, policy.Kind): values}},
		}
		if options.Principal != "" {
			s.Principal = "*"
		}
		out = append(out, s)
	}
	return out
}

func valuesOf(policy pcr.Policy, register int) (Values, bool) {
	var values Values
	for _, image := range policy.Images {
		value, ok := image.PCRs[register]
		if !ok {
			return nil, false
		}
		if !slices.Contains(values, value.String()) {
			values = append(values, value.String())
		}
	}
	return values, true
}

func conditionKey(register int, kind pcr.Kind) string {
	const prefix = "kms:RecipientAttestation:"
	switch {
	case kind == pcr.NitroTPM:
		return fmt.Sprintf("%sNitroTPMPCR%d", prefix, register)
	case register == pcr.RegisterImage:
		return prefix + "ImageSha384"
	default:
		return fmt.Sprintf("%sPCR%d", prefix, register)
	}
}

// group is a set of images that differ in one register at most.
type group struct {
	bank         pcr.Bank
	varying      int // the register in which they differ, or none
	alternatives []pcr.Value
}

const none = -1

func groups(images []pcr.Image) []*group {
	var out []*group
	for _, image := range images {
		if !slices.ContainsFunc(out, func(g *group) bool { return g.take(image.PCRs) }) {
			out = append(out, &group{bank: image.PCRs, varying: none})
		}
	}
	return out
}

// take adds an image if it belongs to the group.
func (g *group) take(bank pcr.Bank) bool {
	if !slices.Equal(bank.Registers(), g.bank.Registers()) {
		return false
	}
	if maps.Equal(bank, g.bank) {
		return true
	}
	differing := none
	for register, value := range bank {
		if value == g.bank[register] {
			continue
		}
		if differing != none {
			return false
		}
		differing = register
	}
	if g.varying != none && g.varying != differing {
		return false
	}
	g.varying = differing
	if value := bank[differing]; !slices.Contains(g.alternatives, value) {
		g.alternatives = append(g.alternatives, value)
	}
	return true
}

func (g *group) values(register int) Values {
	values := Values{g.bank[register].String()}
	if register == g.varying {
		for _, value := range g.alternatives {
			values = append(values, value.String())
		}
	}
	return values
}

// MarshalJSON writes a single value as a string, the usual form.
func (v Values) MarshalJSON() ([]byte, error) {
	if len(v) == 1 {
		return json.Marshal(v[0])
	}
	return json.Marshal([]string(v))
}

// Size returns how many bytes the document has without white space.
func (d Document) Size() int {
	data, _ := json.Marshal(d) // strings and lists of them cannot fail
	return len(data)
}
