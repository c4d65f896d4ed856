package kms_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/pcr"
)

func TestConditions(t *testing.T) {
	w := newWorld(t)
	good := document(t, w.enclave, 0)
	other := document(t, w.enclave.Instance().NewEnclave(attestationtest.WithImage(pcr.Bank{0: {1}, 1: {1}, 2: {1}})), 0)
	image := w.enclave.Image().PCRs
	zero, one := image[0].String(), image[1].String()
	upper := strings.ToUpper(zero)

	for _, test := range []struct {
		condition          string
		good, other, plain bool // who may decrypt: the two enclaves, and who has no document
	}{
		{`{"StringEquals": {"kms:RecipientAttestation:ImageSha384": "` + zero + `"}}`, true, false, false},
		{`{"StringEquals": {"kms:RecipientAttestation:PCR0": "` + zero + `"}}`, true, false, false},
		{`{"StringEquals": {"KMS:recipientattestation:pcr0": "` + zero + `"}}`, true, false, false},
		{`{"StringEquals": {"kms:RecipientAttestation:PCR0": "` + upper + `"}}`, false, false, false},
		{`{"StringEqualsIgnoreCase": {"kms:RecipientAttestation:PCR0": "` + upper + `"}}`, true, false, false},
		{`{"StringEquals": {"kms:RecipientAttestation:PCR1": "` + zero + `"}}`, false, false, false},
		{`{"StringEquals": {"kms:RecipientAttestation:PCR0": "` + zero + `", "kms:RecipientAttestation:PCR1": "` + one + `"}}`, true, false, false},
		{`{"StringEquals": {"kms:RecipientAttestation:PCR0": "` + zero + `", "kms:RecipientAttestation:PCR1": "` + zero + `"}}`, false, false, false},
		{`{"StringEquals": {"kms:RecipientAttestation:PCR0": ["` + one + `", "` + zero + `"]}}`, true, false, false},
		{`{"StringEquals": {"kms:RecipientAttestation:PCR31": "` + zero + `"}}`, false, false, false},
		{`{"StringLike": {"kms:RecipientAttestation:PCR0": "` + zero[:6] + `*"}}`, true, false, false},
		{`{"StringLike": {"kms:RecipientAttestation:PCR0": "*` + zero[5:90] + `??????"}}`, true, false, false},
		{`{"StringLike": {"kms:RecipientAttestation:PCR0": "?` + zero + `"}}`, false, false, false},
		{`{"StringLike": {"kms:RecipientAttestation:PCR0": "*"}}`, true, true, false},
		{`{"StringNotEquals": {"kms:RecipientAttestation:PCR0": "` + zero + `"}}`, false, true, true},
		{`{"StringNotEquals": {"kms:RecipientAttestation:PCR0": ["` + one + `", "` + zero + `"]}}`, false, true, true},
		{`{"StringNotEqualsIgnoreCase": {"kms:RecipientAttestation:PCR0": "` + upper + `"}}`, false, true, true},
		{`{"StringNotLike": {"kms:RecipientAttestation:PCR0": "` + zero[:6] + `*"}}`, false, true, true},
		{`{"StringNotEquals": {"kms:RecipientAttestation:PCR0": "` + zero + `"}, "Null": {"kms:RecipientAttestation:PCR0": "false"}}`, false, true, false},
		{`{"Null": {"kms:RecipientAttestation:ImageSha384": "true"}}`, false, false, true},
	} {
		t.Run(test.condition, func(t *testing.T) {
			blob := w.encrypt(t, w.createKey(t, allowIf(test.condition)))
			for _, sender := range []struct {
				input   *awskms.DecryptInput
				allowed bool
			}{
				{&awskms.DecryptInput{CiphertextBlob: blob, Recipient: recipientFor(good)}, test.good},
				{&awskms.DecryptInput{CiphertextBlob: blob, Recipient: recipientFor(other)}, test.other},
				{&awskms.DecryptInput{CiphertextBlob: blob}, test.plain},
			} {
				_, err := w.client.Decrypt(t.Context(), sender.input)
				if sender.allowed {
					assert.NoError(t, err)
				} else {
					assertRefused(t, err, "AccessDeniedException", "no statement of the key policy allows it")
				}
			}
		})
	}
}

func TestStatements(t *testing.T) {
	w := newWorld(t)
	allow := func(principal, action string) string {
		return fmt.Sprintf(`{"Effect": "Allow", "Principal": %s, "Action": %s, "Resource": "*"}`, principal, action)
	}
	deny := func(principal, action string) string {
		return strings.Replace(allow(principal, action), "Allow", "Deny", 1)
	}
	for _, test := range []struct {
		statements    string
		role, visitor bool
	}{
		{allow(`"*"`, `"kms:Decrypt"`), true, true},
		{allow(`{"AWS": "*"}`, `"kms:Decrypt"`), true, true},
		{allow(`{"AWS": "`+account+`"}`, `"kms:Decrypt"`), true, true},
		{allow(`{"AWS": "arn:aws:iam::`+account+`:root"}`, `"kms:*"`), true, true},
		{allow(`{"AWS": "arn:aws:iam::444455556666:root"}`, `"kms:*"`), false, false},
		{allow(`{"AWS": "`+role+`"}`, `"kms:Decrypt"`), true, false},
		{allow(`{"AWS": ["`+role+`", "`+visitor+`"]}`, `["kms:GenerateDataKey", "KMS:dec*"]`), true, true},
		{allow(`"*"`, `"kms:GenerateDataKey"`), false, false},
		{allow(`"*"`, `"kms:*"`) + "," + deny(`{"AWS": "`+visitor+`"}`, `"kms:Decrypt"`), true, false},
		{deny(`"*"`, `"kms:Decrypt"`) + "," + allow(`"*"`, `"kms:*"`), false, false},
	} {
		t.Run(test.statements, func(t *testing.T) {
			blob := w.encrypt(t, w.createKey(t, policyWith(test.statements)))
			_, err := w.client.Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: blob})
			assert.Equal(t, test.role, err == nil, "%v", err)
			_, err = newClient(w.url, visitorKey).Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: blob})
			assert.Equal(t, test.visitor, err == nil, "%v", err)
		})
	}
}

func TestSingleStatement(t *testing.T) {
	w := newWorld(t)
	key := w.createKey(t, `{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*"}}`)
	w.encrypt(t, key)
}

func TestPoliciesThatCannotBeEvaluated(t *testing.T) {
	w := newWorld(t)
	pcr0 := `"kms:RecipientAttestation:PCR0": "00"`
	for _, test := range []struct{ policy, message string }{
		{`{`, "ends too early"},
		{`[]`, "cannot unmarshal"},
		{`{"Version": "2012-10-17", "Statement": []}`, "there is no statement"},
		{`{"Version": "2030-01-01", "Statement": []}`, "found Version"},
		{policyWith(`{"Effect": "Maybe", "Principal": "*", "Action": "kms:*", "Resource": "*"}`), "found Effect"},
		{policyWith(`{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}`), "there is no Principal"},
		{policyWith(`{"Effect": "Allow", "NotPrincipal": "*", "Action": "kms:*", "Resource": "*"}`), "NotPrincipal"},
		{policyWith(`{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "kms:*", "Resource": "*"}`), "Service"},
		{policyWith(`{"Effect": "Allow", "Principal": "*", "Resource": "*"}`), "there is no Action"},
		{policyWith(`{"Effect": "Allow", "Principal": "*", "Action": [], "Resource": "*"}`), "empty list"},
		{policyWith(`{"Effect": "Allow", "Principal": "*", "NotAction": "kms:Decrypt", "Resource": "*"}`), "NotAction"},
		{policyWith(`{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "arn:aws:kms:*"}`), "found Resource"},
		{policyWith(`{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}`) + "{}", "after the JSON value"},
		{allowIf(`null`), "found null"},
		{allowIf(`{}`), "the Condition is empty"},
		{allowIf(`{"StringEquals": {}}`), "StringEquals is empty"},
		{allowIf(`{"StringEquals": {"kms:RecipientAttestation:PCR0": []}}`), "empty list"},
		{allowIf(`{"StringEqualsIfExists": {` + pcr0 + `}}`), `operator "StringEqualsIfExists"`},
		{allowIf(`{"ForAnyValue:StringEquals": {` + pcr0 + `}}`), `operator "ForAnyValue:StringEquals"`},
		{allowIf(`{"BinaryEquals": {` + pcr0 + `}}`), `operator "BinaryEquals"`},
		{allowIf(`{"StringEquals": {"kms:RecipientAttestation:PCR32": "00"}}`), "condition key"},
		{allowIf(`{"StringEquals": {"kms:RecipientAttestation:PCR00": "00"}}`), "condition key"},
		{allowIf(`{"StringEquals": {"kms:RecipientAttestation:NitroTPMPCR4": "00"}}`), "condition key"},
		{allowIf(`{"StringEquals": {"kms:ViaService": "s3"}}`), "condition key"},
		{allowIf(`{"StringEquals": {"kms:RecipientAttestation:PCR0": "${aws:username}"}}`), "policy variable"},
		{allowIf(`{"Null": {"kms:RecipientAttestation:PCR0": "no"}}`), `expected "true" or "false"`},
		{allowIf(`{"StringEquals": {` + pcr0 + `}, "StringEquals": {"kms:RecipientAttestation:PCR1": "00"}}`), "twice"},
		{allowIf(`{"StringEquals": {` + pcr0 + `, "kms:recipientattestation:pcr0": "01"}}`), "twice"},
		{policyWith(`{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*", "Condition": {"StringEquals": {` + pcr0 + `}}, "condition": {"Null": {"kms:RecipientAttestation:PCR0": "true"}}}`), "twice"},
		{policyWith(`{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Reſource": "*"}`), "not ASCII"},
		{strings.Repeat("[", 20), "levels"},
	} {
		t.Run(test.policy, func(t *testing.T) {
			_, err := w.client.CreateKey(t.Context(), &awskms.CreateKeyInput{Policy: aws.String(test.policy)})
			assertRefused(t, err, "MalformedPolicyDocumentException", test.message)
		})
	}
}

// The key policy of AWS's documentation, which package pcr reads too.
func TestPolicyAgreesWithPackagePCR(t *testing.T) {
	w := newWorld(t)
	text := imageIs(w.enclave)
	policy, err := pcr.ReadPolicy(strings.NewReader(text))
	require.NoError(t, err)
	_, err = policy.Match(w.enclave.Image().PCRs)
	require.NoError(t, err)
	w.createKey(t, text)
}
