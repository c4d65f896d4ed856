package pcr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
)

const (
	keys      = `{"kms:RecipientAttestation:ImageSha384": "<a0>", "kms:RecipientAttestation:PCR3": "<a3>"}`
	condition = `{"StringEqualsIgnoreCase": ` + keys + `}`
	statement = `{"Sid": "enclave", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*", "Condition": ` + condition + `}`
	keyPolicy = `{"Version": "2012-10-17", "Id": "key", "Statement": [
		{"Sid": "admin", "Effect": "Allow", "Action": "kms:*"},
		{"Sid": "vpc", "Effect": "Deny", "Action": "kms:*", "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}},
		` + statement + `]}`
)

func TestReadPolicyReadsEverySizeOfAKeyPolicy(t *testing.T) {
	want := pcr.Policy{Images: []pcr.Image{{Name: "image", PCRs: pcr.Bank{0: filled(0xa0), 3: filled(0xa3)}}}}
	for name, text := range map[string]string{
		"keys":                            keys,
		"condition":                       condition,
		"condition with case":             `{"StringEquals": ` + keys + `}`,
		"condition block":                 `{"Condition": ` + condition + `}`,
		"statement":                       statement,
		"key policy":                      keyPolicy,
		"key policy of one statement":     `{"Statement": ` + statement + `}`,
		"PCR0 for ImageSha384":            strings.Replace(keys, "ImageSha384", "PCR0", 1),
		"two operators":                   `{"StringEquals": {"kms:RecipientAttestation:PCR0": "<a0>"}, "StringEqualsIgnoreCase": {"kms:RecipientAttestation:PCR3": ["<a3>"]}}`,
		"two statements with equal image": `{"Statement": [` + statement + `, ` + statement + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readPolicy(text)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
}

func TestReadPolicyTakesListsAsAlternatives(t *testing.T) {
	got, err := readPolicy(`{"StringEquals": {"kms:RecipientAttestation:PCR0": ["<a0>", "<b0>"], "kms:RecipientAttestation:PCR8": ["<a8>", "<b8>"]}}`)
	require.NoError(t, err)
	assert.Equal(t, pcr.Policy{Images: []pcr.Image{
		{Name: "image", PCRs: pcr.Bank{0: filled(0xa0), 8: filled(0xa8)}},
		{Name: "image 2", PCRs: pcr.Bank{0: filled(0xa0), 8: filled(0xb8)}},
		{Name: "image 3", PCRs: pcr.Bank{0: filled(0xb0), 8: filled(0xa8)}},
		{Name: "image 4", PCRs: pcr.Bank{0: filled(0xb0), 8: filled(0xb8)}},
	}}, got)
}

// What two statements allow are alternatives as well.
func TestReadPolicyTakesStatementsAsAlternatives(t *testing.T) {
	got, err := readPolicy(`{"Statement": [
		{"Effect": "Allow", "Condition": {"StringEquals": {"kms:RecipientAttestation:PCR0": "<a0>"}}},
		{"Effect": "Allow", "Condition": {"StringEquals": {"kms:RecipientAttestation:PCR8": "<a8>"}}}]}`)
	require.NoError(t, err)
	assert.Equal(t, pcr.Policy{Images: []pcr.Image{
		{Name: "image", PCRs: pcr.Bank{0: filled(0xa0)}},
		{Name: "image 2", PCRs: pcr.Bank{8: filled(0xa8)}},
	}}, got)
}

func TestReadPolicyRefusesAKeyPolicyWithOneFault(t *testing.T) {
	const prefix = "kms:RecipientAttestation:"
	const unknownKey = `unknown key, expected kms:RecipientAttestation:ImageSha384 or kms:RecipientAttestation:PCR<n>`
	const expectedEquals = `, expected "StringEquals" or "StringEqualsIgnoreCase"`
	in := func(members string) string {
		return `{"StringEquals": {"` + prefix + `PCR0": "<a0>", ` + members + `}}`
	}
	refusals := []refusal{
		{"Deny", strings.Replace(statement, "Allow", "Deny", 1), `unsupported-condition: a Deny by itself allows nothing, expected a statement with the Effect "Allow"`},
		{"Deny in a key policy", `{"Statement": [` + statement + `, {"Effect": "Deny", "Condition": {"StringNotEquals": {"` + prefix + `PCR0": "<b0>"}}}]}`, `unsupported-condition: Statement: the statements with the Effect "Deny" leave no image of those that are allowed`},
		{"allow", strings.Replace(statement, "Allow", "allow", 1), `invalid-field: Effect: found "allow", expected "Allow" or "Deny"`},
		{"Effect an array", `{"Effect": ["Allow"], "Condition": ` + condition + `}`, `invalid-field: Effect: found an array, expected a string`},
		{"StringLike", `{"StringLike": ` + keys + `}`, `unsupported-condition: StringLike: compares with patterns, and a register is good or not` + expectedEquals},
		{"StringNotEquals", `{"StringNotEquals": ` + keys + `}`, `unsupported-condition: StringNotEquals: accepts every other image` + expectedEquals},
		{"StringEqualsIfExists", `{"StringEqualsIfExists": ` + keys + `}`, `unsupported-condition: StringEqualsIfExists: holds without an attestation document, too` + expectedEquals},
		{"ForAnyValue", `{"Condition": {"ForAnyValue:StringEquals": ` + keys + `}}`, `unsupported-condition: Condition.ForAnyValue:StringEquals: is for keys with several values, which these do not have` + expectedEquals},
		{"not zero of another key", `{"StringEquals": ` + keys + `, "StringNotEquals": {"aws:SourceVpc": "<00>"}}`, `invalid-field: StringNotEquals.aws:SourceVpc: ` + unknownKey},
		{"not zero of other registers", `{"StringEquals": ` + keys + `, "StringNotEquals": {"` + prefix + `PCR3": "<00>"}}`, `unsupported-condition: StringNotEquals: accepts every other image` + expectedEquals},
		{"not zero and another value", `{"StringEquals": ` + keys + `, "StringNotEquals": {"` + prefix + `PCR1": ["<00>", "<a1>"]}}`, `unsupported-condition: StringNotEquals: accepts every other image` + expectedEquals},
		{"not zero, in fewer digits", `{"StringEquals": ` + keys + `, "StringNotEquals": {"` + prefix + `PCR1": "00"}}`, `invalid-field: StringNotEquals.kms:RecipientAttestation:PCR1: found 2 characters, expected 96 hex digits`},
		{"not equal, null", `{"StringEquals": ` + keys + `, "StringNotEquals": null}`, `invalid-field: StringNotEquals: found null, expected an object`},
		{"second operator", `{"StringEquals": ` + keys + `, "Bool": {"aws:SecureTransport": "true"}}`, `unsupported-condition: Bool: cannot be evaluated here` + expectedEquals},
		{"in a key policy", `{"Statement": [{"Effect": "Allow", "Condition": {"StringLike": ` + keys + `}}]}`, `unsupported-condition: Statement[0].Condition.StringLike: compares with patterns, and a register is good or not` + expectedEquals},
		{"key of another service", in(`"aws:SourceVpc": "vpc-1"`), `invalid-field: StringEquals.aws:SourceVpc: ` + unknownKey},
		{"key in another case", in(`"` + prefix + `pcr8": "<a8>"`), `invalid-field: StringEquals.kms:RecipientAttestation:pcr8: ` + unknownKey},
		{"NitroTPM key", in(`"` + prefix + `NitroTPMPCR4": "<a4>"`), `invalid-field: StringEquals.kms:RecipientAttestation:NitroTPMPCR4: ` + unknownKey},
		{"register missing", in(`"` + prefix + `PCR": "<a8>"`), `invalid-field: StringEquals.kms:RecipientAttestation:PCR: ` + unknownKey},
		{"prefix twice", in(`"` + prefix + `PCRPCR8": "<a8>"`), `invalid-field: StringEquals.kms:RecipientAttestation:PCRPCR8: ` + unknownKey},
		{"register 32", in(`"` + prefix + `PCR32": "<a8>"`), `invalid-field: StringEquals.kms:RecipientAttestation:PCR32: found register "32", expected 0 to 31`},
		{"register 08", in(`"` + prefix + `PCR08": "<a8>"`), `invalid-field: StringEquals.kms:RecipientAttestation:PCR08: found register "08", expected 0 to 31`},
		{"register in two names", in(`"` + prefix + `ImageSha384": "<a0>"`), `invalid-field: StringEquals.kms:RecipientAttestation:ImageSha384: register 0 is given twice`},
		{"register under two operators", `{"StringEquals": ` + keys + `, "StringEqualsIgnoreCase": ` + keys + `}`, `invalid-field: StringEqualsIgnoreCase.kms:RecipientAttestation:ImageSha384: register 0 is given twice`},
		{"no value", in(`"` + prefix + `PCR8": []`), `invalid-field: StringEquals.kms:RecipientAttestation:PCR8: empty: no value could ever match`},
		{"value null", in(`"` + prefix + `PCR8": null`), `invalid-field: StringEquals.kms:RecipientAttestation:PCR8: found null, expected a string`},
		{"value twice", in(`"` + prefix + `PCR8": ["<a8>", "<a9>", "<a8>"]`), `invalid-field: StringEquals.kms:RecipientAttestation:PCR8[2]: the value is given twice`},
		{"value short", in(`"` + prefix + `PCR8": ["<a8>", "a8"]`), `invalid-field: StringEquals.kms:RecipientAttestation:PCR8[1]: found 2 characters, expected 96 hex digits`},
		{"value with a wildcard", in(`"` + prefix + `PCR8": "*"`), `invalid-field: StringEquals.kms:RecipientAttestation:PCR8: found 1 characters, expected 96 hex digits`},
		{"zero value", in(`"` + prefix + `PCR8": "<00>"`), `zero-register: all zero: zero is no measurement and would match an enclave in debug mode or an unused register`},
		{"pins no code", `{"` + prefix + `PCR3": "<a3>"}`, `pins-no-code: pins no code: list PCR0, or PCR1 with PCR2, or PCR8`},
		{"condition empty", `{"Condition": {}}`, "unsupported-condition: no condition on kms:RecipientAttestation:<...>"},
		{"effect missing", `{"Statement": [{"Condition": ` + condition + `}]}`, `invalid-field: Statement[0]: Effect: missing`},
		{"effect in lower case", `{"Statement": [{"effect": "Deny", "Condition": ` + condition + `}]}`, `invalid-field: Statement[0]: Effect: missing`},
		{"condition in lower case", `{"Statement": [` + statement + `, {"Effect": "Deny", "condition": ` + condition + `}]}`, `invalid-field: Statement[1].condition: unknown key, expected one of Sid, Effect, Principal, NotPrincipal, Action, NotAction, Resource, Condition`},
		{"condition an array", `{"Statement": [` + statement + `, {"Effect": "Deny", "Condition": [` + condition + `]}]}`, `invalid-field: Statement[1].Condition: found an array, expected an object`},
		{"NotAction of every action", `{"Statement": [{"Effect": "Allow", "NotAction": "kms:*", "Condition": ` + condition + `}]}`, `unsupported-condition: Statement[0]: Action: none of the actions takes a Recipient, so that the condition never holds; expected one of kms:Decrypt, kms:DeriveSharedSecret, kms:GenerateDataKey, kms:GenerateDataKeyPair, kms:GenerateRandom`},
		{"key in another case under Deny", `{"Statement": [` + statement + `, {"Effect": "Deny", "Condition": {"StringEquals": {"kms:recipientattestation:PCR0": "<a0>"}}}]}`, `invalid-field: Statement[1].Condition.StringEquals.kms:recipientattestation:PCR0: ` + unknownKey},
		{"keys beside statements", `{"Statement": [` + statement + `], "kms:RecipientAttestation:PCR0": "<a0>"}`, "invalid-field: kms:RecipientAttestation:PCR0: unknown key, expected one of Version, Id, Statement"},
		{"operator beside a condition", `{"Condition": ` + condition + `, "StringEquals": ` + keys + `}`, `invalid-field: StringEquals: unknown key, expected one of Sid, Effect, Principal, NotPrincipal, Action, NotAction, Resource, Condition`},
		{"keys beside operators", `{"StringEquals": ` + keys + `, "kms:RecipientAttestation:PCR4": "<a4>"}`, `invalid-field: found keys beside operators, expected one or the other`},
		{"upper case where case matters", `{"StringEquals": {"kms:RecipientAttestation:PCR0": "` + strings.ToUpper(filled(0xa0).String()) + `"}}`, `invalid-field: StringEquals.kms:RecipientAttestation:PCR0: found upper-case digits where case matters, and AWS KMS compares with lower-case ones; expected lower case`},
		{"condition null", `{"Condition": null}`, `invalid-field: Condition: found null, expected an object`},
		{"operator without keys", `{"StringEquals": {}}`, `empty-policy: empty: an image without a register would match everything`},
		{"operator null", `{"StringEquals": null}`, `invalid-field: StringEquals: found null, expected an object`},
		{"keys beside an operator", `{"` + prefix + `PCR0": "<a0>", "Effect": "Allow"}`, `unsupported-condition: Effect: cannot be evaluated here` + expectedEquals},
	}
	refusals = append(refusals,
		refusal{"statements null", `{"Statement": null}`, `invalid-field: Statement: found null, expected an object`},
		refusal{"statement a number", `{"Statement": [1]}`, `invalid-field: Statement[0]: found a number, expected an object`},
		refusal{"statement empty", `{"Statement": {}}`, `invalid-field: Statement: Effect: missing`},
	)
	for _, none := range []string{`[]`, `[{"Effect": "Allow", "Action": "kms:*"}]`, `[{"Effect": "Allow", "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}}]`} {
		refusals = append(refusals, refusal{"statements " + none, `{"Statement": ` + none + `}`, `unsupported-condition: Statement: no statement allows anything under a condition on kms:RecipientAttestation:<...>`})
	}
	requireAllRefused(t, refusals)
}

// alternatives is a condition of registers 0 to n-1 with the given number of
// values each, none of which occurs in a condition with another seed.
func alternatives(seed, n, values int) string {
	var members []string
	for register := range n {
		var list []string
		for value := range values {
			list = append(list, fmt.Sprintf(`"%096x"`, 1+seed<<16+register<<8+value))
		}
		members = append(members, fmt.Sprintf(`"kms:RecipientAttestation:PCR%d": [%s]`, register, strings.Join(list, ",")))
	}
	return `{"StringEquals": {` + strings.Join(members, ",") + `}}`
}

func TestReadPolicyBoundsTheImagesOfACondition(t *testing.T) {
	policy, err := readPolicy(alternatives(1, 2, 32))
	require.NoError(t, err)
	assert.Len(t, policy.Images, 1024)
	requireRefused(t, alternatives(1, 2, 33), `unsupported-condition: StringEquals.kms:RecipientAttestation:PCR1: the conditions stand for more than 1024 images`)
	requireRefused(t, alternatives(1, 32, 2), `unsupported-condition: StringEquals.kms:RecipientAttestation:PCR10: the conditions stand for more than 1024 images`)
}

func TestReadPolicyBoundsTheImagesOfAKeyPolicy(t *testing.T) {
	statements := func(n int) string {
		list := make([]string, n)
		for seed := range list {
			list[seed] = `{"Effect": "Allow", "Condition": ` + alternatives(seed, 9, 2) + `}`
		}
		return `{"Statement": [` + strings.Join(list, ",") + `]}`
	}
	policy, err := readPolicy(statements(2))
	require.NoError(t, err)
	assert.Len(t, policy.Images, 1024)
	requireRefused(t, statements(3), `unsupported-condition: Statement[2].Condition.StringEquals.kms:RecipientAttestation:PCR0: the conditions stand for more than 1024 images`)
}
