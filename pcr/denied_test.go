package pcr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
)

const attested = "kms:RecipientAttestation:"

// when is a condition with one operator; keys are "PCR0=<a0>" or "PCR0=<a0>,<b0>".
func when(operator string, keys ...string) string {
	var members []string
	for _, key := range keys {
		name, values, _ := strings.Cut(key, "=")
		members = append(members, fmt.Sprintf("%q: [\"%s\"]", attested+name, strings.ReplaceAll(values, ",", `", "`)))
	}
	return `{"` + operator + `": {` + strings.Join(members, ", ") + `}}`
}

func statementOf(effect, action, principal, condition string) string {
	s := fmt.Sprintf(`{"Effect": %q, "Action": %s, "Principal": %s, "Resource": "*"`, effect, action, principal)
	if condition != "" {
		s += `, "Condition": ` + condition
	}
	return s + "}"
}

func statements(list ...string) string {
	return `{"Version": "2012-10-17", "Statement": [` + strings.Join(list, ", ") + `]}`
}

const (
	decrypt  = `"kms:Decrypt"`
	everyone = `"*"`
	role     = `{"AWS": "arn:aws:iam::111122223333:role/a"}`
	other    = `{"AWS": "arn:aws:iam::111122223333:role/b"}`
	notEqual = "StringNotEqualsIgnoreCase"
)

// A key policy is read as a whole: what some statements allow and others deny.
func TestReadPolicyReadsAKeyPolicyAsAWhole(t *testing.T) {
	t.Parallel()
	allow := func(keys ...string) string {
		return statementOf("Allow", decrypt, role, when("StringEqualsIgnoreCase", keys...))
	}
	deny := func(operator string, keys ...string) string {
		return statementOf("Deny", decrypt, everyone, when(operator, keys...))
	}
	a0, b0 := "PCR0=<a0>", "PCR0=<b0>"
	for name, c := range map[string]struct {
		text string
		want []pcr.Bank
	}{
		"the allow restated":           {statements(allow(a0), deny(notEqual, a0)), []pcr.Bank{{0: filled(0xa0)}}},
		"restated with case":           {statements(deny("StringNotEquals", a0), allow(a0)), []pcr.Bank{{0: filled(0xa0)}}},
		"by the other name":            {statements(allow("ImageSha384=<a0>"), deny(notEqual, a0)), []pcr.Bank{{0: filled(0xa0)}}},
		"one of two is left":           {statements(allow("PCR0=<a0>,<b0>"), deny(notEqual, b0)), []pcr.Bank{{0: filled(0xb0)}}},
		"another register":             {statements(allow(a0), deny(notEqual, "PCR8=<a8>,<b8>")), []pcr.Bank{{0: filled(0xa0), 8: filled(0xa8)}, {0: filled(0xa0), 8: filled(0xb8)}}},
		"two denials":                  {statements(allow("PCR0=<a0>,<b0>"), deny(notEqual, a0), deny(notEqual, "PCR8=<a8>")), []pcr.Bank{{0: filled(0xa0), 8: filled(0xa8)}}},
		"denied unless either":         {statements(allow("PCR0=<a0>,<b0>"), deny(notEqual, a0, "PCR8=<a8>")), []pcr.Bank{{0: filled(0xa0)}, {0: filled(0xb0), 8: filled(0xa8)}}},
		"one taken away":               {statements(allow("PCR0=<a0>,<b0>"), deny("StringEquals", a0)), []pcr.Bank{{0: filled(0xb0)}}},
		"a pair taken away":            {statements(allow("PCR0=<a0>,<b0>", "PCR8=<a8>"), deny("StringEquals", a0, "PCR8=<a8>")), []pcr.Bank{{0: filled(0xb0), 8: filled(0xa8)}}},
		"denial of another action":     {statements(allow(a0), statementOf("Deny", `"kms:Sign"`, everyone, "")), []pcr.Bank{{0: filled(0xa0)}}},
		"denial of another principal":  {statements(allow(a0), statementOf("Deny", decrypt, other, "")), []pcr.Bank{{0: filled(0xa0)}}},
		"denial for another matter":    {statements(allow(a0), statementOf("Deny", decrypt, everyone, `{"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}`)), []pcr.Bank{{0: filled(0xa0)}}},
		"denial of all but the action": {statements(allow(a0), `{"Effect": "Deny", "NotAction": "kms:Dec*", "Principal": "*"}`), []pcr.Bank{{0: filled(0xa0)}}},
		"by NotAction":                 {statements(`{"Effect": "Allow", "NotAction": "kms:Encrypt", "Principal": "*", "Condition": ` + when("StringEquals", a0) + `}`), []pcr.Bank{{0: filled(0xa0)}}},
		"by wildcards":                 {statements(statementOf("Allow", `["kms:Sign", "KMS:decr?pt*"]`, everyone, when("StringEquals", a0))), []pcr.Bank{{0: filled(0xa0)}}},
		"the same for two actions":     {statements(allow(b0), allow(a0), statementOf("Allow", `"kms:GenerateDataKey"`, role, when("StringEquals", "PCR0=<a0>,<b0>"))), []pcr.Bank{{0: filled(0xb0)}, {0: filled(0xa0)}}},
		"the same for two principals":  {statements(allow(a0), statementOf("Allow", decrypt, other, when("StringEquals", a0))), []pcr.Bank{{0: filled(0xa0)}}},
		"not debug":                    {statements(statementOf("Allow", decrypt, role, `{"StringEquals": {"`+attested+`PCR8": "<a8>"}, "StringNotEquals": {"`+attested+`ImageSha384": "<00>", "`+attested+`PCR2": "<00>"}}`)), []pcr.Bank{{8: filled(0xa8)}}},
	} {
		got, err := readPolicy(c.text)
		require.NoError(t, err, name)
		var banks []pcr.Bank
		for _, image := range got.Images {
			banks = append(banks, image.PCRs)
		}
		assert.Equal(t, c.want, banks, name)
	}
}

func TestReadPolicyRefusesAKeyPolicyThatItCannotReadExactly(t *testing.T) {
	t.Parallel()
	allow := statementOf("Allow", decrypt, role, when("StringEquals", "PCR0=<a0>"))
	withNull := `{"Null": {"` + attested + `PCR0": "true"}}`
	const prefix = "unsupported-condition: Statement"
	requireAllRefused(t, []refusal{
		{"everything denied", statements(allow, statementOf("Deny", `"kms:*"`, everyone, "")), prefix + `[1]: denies kms:Decrypt whatever the image, so that nothing is left of what is allowed`},
		{"all denied to the one", statements(allow, statementOf("Deny", `"*"`, role, "")), prefix + `[1]: denies kms:Decrypt whatever the image, so that nothing is left of what is allowed`},
		{"no image left", statements(allow, statementOf("Deny", decrypt, everyone, when(notEqual, "PCR0=<b0>"))), prefix + `: the statements with the Effect "Deny" leave no image of those that are allowed`},
		{"denied to another", statements(allow, statementOf("Deny", decrypt, other, when(notEqual, "PCR0=<a0>"))), prefix + `[1]: Principal: whether it covers "AWS arn:aws:iam::111122223333:role/a", which an Allow names, cannot be told; expected "*" or the same principal`},
		{"denied to all others", statements(allow, `{"Effect": "Deny", "Action": "kms:Decrypt", "NotPrincipal": `+other+`, "Condition": `+when(notEqual, "PCR0=<a0>")+`}`), prefix + `[1]: NotPrincipal: whom it denies cannot be told, expected Principal`},
		{"allowed to all others", statements(strings.Replace(allow, `"Principal"`, `"NotPrincipal"`, 1)), prefix + `[0]: NotPrincipal: allows it to everyone else, expected Principal`},
		{"denied by Null", statements(allow, statementOf("Deny", decrypt, everyone, withNull)), prefix + `[1].Condition.Null: asks only whether there is an attestation document, and says nothing of its image, expected "StringNotEquals", "StringNotEqualsIgnoreCase", "StringEquals" or "StringEqualsIgnoreCase", alone`},
		{"denied by two operators", statements(allow, statementOf("Deny", decrypt, everyone, `{"StringEquals": {"`+attested+`PCR0": "<a0>"}, "StringNotEquals": {"`+attested+`PCR8": "<a8>"}}`)), prefix + `[1].Condition: found 2 operators in a condition of a Deny, expected one`},
		{"denied by another key too", statements(allow, statementOf("Deny", decrypt, everyone, `{"StringNotEquals": {"`+attested+`PCR0": "<a0>", "aws:SourceVpc": "vpc-1"}}`)), `invalid-field: Statement[1].Condition.StringNotEquals.aws:SourceVpc: unknown key, expected kms:RecipientAttestation:ImageSha384 or kms:RecipientAttestation:PCR<n>`},
		{"denied by a register not listed", statements(allow, statementOf("Deny", decrypt, everyone, when("StringEquals", "PCR8=<a8>"))), prefix + `[1].Condition.StringEquals.kms:RecipientAttestation:PCR8: denies values of register 8, and an image that is allowed does not list it`},
		{"denied by two registers not listed", statements(allow, statementOf("Deny", decrypt, everyone, when("StringEquals", "PCR8=<a8>", "PCR3=<a3>"))), prefix + `[1].Condition.StringEquals.kms:RecipientAttestation:PCR8: denies values of register 8, and an image that is allowed does not list it`},
		{"other images for another action", statements(allow, statementOf("Allow", `"kms:GenerateDataKey"`, role, when("StringEquals", "PCR0=<b0>"))), prefix + `: kms:GenerateDataKey for "AWS arn:aws:iam::111122223333:role/a" allows other images than kms:Decrypt for "AWS arn:aws:iam::111122223333:role/a" does: which are good depends on the action or the principal; split the policy`},
		{"other images for another principal", statements(allow, statementOf("Allow", decrypt, other, when("StringEquals", "PCR0=<b0>"))), prefix + `: kms:Decrypt for "AWS arn:aws:iam::111122223333:role/b" allows other images than kms:Decrypt for "AWS arn:aws:iam::111122223333:role/a" does: which are good depends on the action or the principal; split the policy`},
		{"one of two actions denied", statements(statementOf("Allow", `["kms:Decrypt", "kms:GenerateDataKey"]`, role, when("StringEquals", "PCR0=<a0>,<b0>")), statementOf("Deny", decrypt, everyone, when(notEqual, "PCR0=<a0>"))), prefix + `: kms:GenerateDataKey for "AWS arn:aws:iam::111122223333:role/a" allows other images than kms:Decrypt for "AWS arn:aws:iam::111122223333:role/a" does: which are good depends on the action or the principal; split the policy`},
		{"no action with a Recipient", statements(statementOf("Allow", `["kms:DescribeKey", "kms:Sign"]`, role, when("StringEquals", "PCR0=<a0>"))), prefix + `[0]: Action: none of the actions takes a Recipient, so that the condition never holds; expected one of kms:Decrypt, kms:DeriveSharedSecret, kms:GenerateDataKey, kms:GenerateDataKeyPair, kms:GenerateRandom`},
		{"Action and NotAction", statements(strings.Replace(allow, `"Principal"`, `"NotAction": "kms:Sign", "Principal"`, 1)), `invalid-field: Statement[0].NotAction: given beside Action, expected one of them`},
		{"not some value", statements(statementOf("Allow", decrypt, role, `{"StringEquals": {"`+attested+`PCR8": "<a8>"}, "StringNotEquals": {"`+attested+`PCR0": "<a0>"}}`)), prefix + `[0].Condition.StringNotEquals: accepts every other image, expected "StringEquals" or "StringEqualsIgnoreCase"`},
		{"zero of another register", statements(statementOf("Allow", decrypt, role, `{"StringEquals": {"`+attested+`PCR8": "<a8>"}, "StringNotEquals": {"`+attested+`PCR3": "<00>"}}`)), prefix + `[0].Condition.StringNotEquals: accepts every other image, expected "StringEquals" or "StringEqualsIgnoreCase"`},
		{"0x, which AWS KMS does not cut off", `{"StringEquals": {"` + attested + `PCR0": "0x<a0>"}}`, `invalid-field: StringEquals.kms:RecipientAttestation:PCR0: found 98 characters, expected 96 hex digits`},
		{"a principal by name", statements(statementOf("Allow", decrypt, `"arn:aws:iam::1:root"`, when("StringEquals", "PCR0=<a0>"))), `invalid-field: Statement[0].Principal: found "arn:aws:iam::1:root", expected "*" or an object`},
	})
}

func TestReadWarnsOfAKeyPolicyThatAllowsWithoutAttestation(t *testing.T) {
	t.Parallel()
	allow := statementOf("Allow", decrypt, role, when("StringEquals", "PCR0=<a0>"))
	got, err := pcr.Read(strings.NewReader(expand(statements(allow, statementOf("Allow", `"kms:Describe*"`, everyone, ""), statementOf("Allow", `"kms:*"`, other, "")))), "")
	require.NoError(t, err)
	assert.Equal(t, []string{"Statement[2] allows kms:Decrypt, kms:DeriveSharedSecret, kms:GenerateDataKey, kms:GenerateDataKeyPair, kms:GenerateRandom without attestation"}, got.Warnings)
}

func TestReadPolicyBoundsTheWorkOfAKeyPolicy(t *testing.T) {
	t.Parallel()
	var principals []string
	for i := range 5000 {
		principals = append(principals, fmt.Sprintf(`"arn:aws:iam::%012d:root"`, i))
	}
	_, err := readPolicy(statements(statementOf("Allow", `"*"`, `{"AWS": [`+strings.Join(principals, ", ")+`]}`, alternatives(1, 2, 32))))
	require.ErrorIs(t, err, pcr.UnsupportedCondition)
	require.ErrorContains(t, err, "too many statements, principals and images")
}
