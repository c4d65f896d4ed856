package keypolicy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/cmd/nitroattest/internal/keypolicy"
	"github.com/nitroattest/nitroattest/pcr"
)

func bank(registers map[int]byte) pcr.Bank {
	b := pcr.Bank{}
	for register, digit := range registers {
		b[register] = pcr.Value{digit}
	}
	return b
}

func policyOf(banks ...pcr.Bank) pcr.Policy {
	var policy pcr.Policy
	for i, b := range banks {
		policy.Images = append(policy.Images, pcr.Image{Name: fmt.Sprintf("v%d", i), PCRs: b})
	}
	return policy
}

// banks are the registers of every image, sorted, each once.
func banks(policy pcr.Policy) []string {
	var out []string
	for _, image := range policy.Images {
		out = append(out, fmt.Sprint(image.PCRs))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func readBack(t *testing.T, policy pcr.Policy) (pcr.Policy, keypolicy.Document) {
	t.Helper()
	document := keypolicy.New(policy, keypolicy.Options{})
	data, err := json.Marshal(document)
	require.NoError(t, err)
	got, err := pcr.ReadPolicy(bytes.NewReader(data))
	require.NoError(t, err)
	return got, document
}

func TestImagesThatDifferInOneRegisterShareAStatement(t *testing.T) {
	for name, c := range map[string]struct {
		policy     pcr.Policy
		statements int
	}{
		"one image":              {policyOf(bank(map[int]byte{0: 1, 1: 2, 2: 3})), 1},
		"only PCR0":              {policyOf(bank(map[int]byte{0: 1}), bank(map[int]byte{0: 2}), bank(map[int]byte{0: 3})), 1},
		"PCR0 under one PCR8":    {policyOf(bank(map[int]byte{0: 1, 8: 9}), bank(map[int]byte{0: 2, 8: 9})), 1},
		"PCR3, one image":        {policyOf(bank(map[int]byte{0: 1, 3: 5}), bank(map[int]byte{0: 1, 3: 6})), 1},
		"PCR0 and PCR2":          {policyOf(bank(map[int]byte{0: 1, 1: 7, 2: 1}), bank(map[int]byte{0: 2, 1: 7, 2: 2})), 2},
		"PCR0 and then PCR8":     {policyOf(bank(map[int]byte{0: 1, 8: 8}), bank(map[int]byte{0: 2, 8: 8}), bank(map[int]byte{0: 1, 8: 9})), 2},
		"another set":            {policyOf(bank(map[int]byte{0: 1}), bank(map[int]byte{0: 2, 8: 9})), 2},
		"the same twice":         {policyOf(bank(map[int]byte{0: 1}), bank(map[int]byte{0: 1})), 1},
		"an alternative twice":   {policyOf(bank(map[int]byte{0: 1}), bank(map[int]byte{0: 2}), bank(map[int]byte{0: 2})), 1},
		"not next to each other": {policyOf(bank(map[int]byte{0: 1, 8: 8}), bank(map[int]byte{0: 5, 8: 9}), bank(map[int]byte{0: 2, 8: 8})), 2},
	} {
		t.Run(name, func(t *testing.T) {
			got, document := readBack(t, c.policy)
			assert.Equal(t, banks(c.policy), banks(got))
			assert.Len(t, document.Statement, c.statements)
		})
	}
}

// Whatever the images are, the statements accept them and nothing else.
func TestStatementsAcceptExactlyTheImages(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		var policy pcr.Policy
		for i := range 1 + random.IntN(8) {
			b := bank(map[int]byte{0: 1 + byte(random.IntN(3)), 8: 1 + byte(random.IntN(2))})
			if random.IntN(4) == 0 {
				b[3] = pcr.Value{1 + byte(random.IntN(2))}
			}
			policy.Images = append(policy.Images, pcr.Image{Name: fmt.Sprint(i), PCRs: b})
		}
		if policy.Validate() != nil {
			continue // an image of which another accepts everything
		}
		got, _ := readBack(t, policy)
		require.Equal(t, banks(policy), banks(got))
	}
}

func TestNitroTPMHasItsOwnKeys(t *testing.T) {
	policy := policyOf(bank(map[int]byte{4: 1, 7: 2, 12: 0, 13: 0}), bank(map[int]byte{4: 3, 7: 2, 12: 0, 13: 0}))
	policy.Kind = pcr.NitroTPM
	got, document := readBack(t, policy)
	assert.Equal(t, pcr.NitroTPM, got.Kind)
	assert.Equal(t, banks(policy), banks(got))
	require.Len(t, document.Statement, 1)
	assert.Contains(t, document.Statement[0].Condition.StringEqualsIgnoreCase, "kms:RecipientAttestation:NitroTPMPCR4")
}

func TestStatementsAreTheFormOfAWS(t *testing.T) {
	policy := policyOf(bank(map[int]byte{0: 1, 16: 2}))
	data, err := json.Marshal(keypolicy.New(policy, keypolicy.Options{Principal: "arn:aws:iam::123456789012:role/Webserver", Actions: []string{"kms:Decrypt"}}))
	require.NoError(t, err)
	assert.JSONEq(t, `{"Version": "2012-10-17", "Statement": [{
		"Sid": "AttestedImage1", "Effect": "Allow",
		"Principal": {"AWS": "arn:aws:iam::123456789012:role/Webserver"},
		"Action": ["kms:Decrypt"], "Resource": "*",
		"Condition": {"StringEqualsIgnoreCase": {
			"kms:RecipientAttestation:ImageSha384": "`+pcr.Value{1}.String()+`",
			"kms:RecipientAttestation:PCR16": "`+pcr.Value{2}.String()+`"}}}]}`, string(data))

	data, err = json.Marshal(keypolicy.New(policy, keypolicy.Options{}))
	require.NoError(t, err)
	assert.Contains(t, string(data), `"Action":["kms:Decrypt","kms:GenerateDataKey"]`)
	assert.NotContains(t, string(data), "Principal")
}

// AWS KMS has no debug check but the registers: a statement that a debugged
// enclave could satisfy asks that they are not zero.
func TestStatementsRefuseDebugMode(t *testing.T) {
	for name, c := range map[string]struct {
		bank  pcr.Bank
		asked bool
	}{
		"signer":                   {bank(map[int]byte{8: 1}), true},
		"signer and role":          {bank(map[int]byte{8: 1, 3: 2}), true},
		"image":                    {bank(map[int]byte{0: 1}), false},
		"kernel and application":   {bank(map[int]byte{1: 1, 2: 2}), false},
		"signer beside the kernel": {bank(map[int]byte{1: 1, 8: 2}), false},
	} {
		got, document := readBack(t, policyOf(c.bank))
		assert.Equal(t, []pcr.Bank{c.bank}, []pcr.Bank{got.Images[0].PCRs}, name)
		condition := document.Statement[0].Condition.StringNotEqualsIgnoreCase
		if !c.asked {
			assert.Empty(t, condition, name)
			continue
		}
		zero := keypolicy.Values{pcr.Value{}.String()}
		assert.Equal(t, map[string]keypolicy.Values{
			"kms:RecipientAttestation:ImageSha384": zero, "kms:RecipientAttestation:PCR1": zero, "kms:RecipientAttestation:PCR2": zero,
		}, condition, name)
	}
}

// The denials take nothing from what is allowed, and one differing register is
// enough for one of them to hold.
func TestDenialsRestateWhatIsAllowed(t *testing.T) {
	policy := policyOf(bank(map[int]byte{0: 1, 8: 9, 3: 4}), bank(map[int]byte{0: 2, 8: 9}), bank(map[int]byte{0: 3, 8: 8}))
	document := keypolicy.New(policy, keypolicy.Options{DenyOtherwise: true, Principal: "arn:aws:iam::123456789012:role/a"})
	data, err := json.Marshal(document)
	require.NoError(t, err)
	got, err := pcr.ReadPolicy(bytes.NewReader(data))
	require.NoError(t, err)
	assert.Equal(t, banks(policy), banks(got))
	denied := document.Statement[len(document.Statement)-2:]
	for i, register := range []string{"ImageSha384", "PCR8"} { // PCR3 is of one image only
		assert.Equal(t, "Deny", denied[i].Effect)
		assert.Equal(t, "*", denied[i].Principal)
		require.Len(t, denied[i].Condition.StringNotEqualsIgnoreCase, 1, "the keys of one condition would all have to differ")
		assert.Contains(t, denied[i].Condition.StringNotEqualsIgnoreCase, "kms:RecipientAttestation:"+register)
		assert.Empty(t, denied[i].Condition.StringEqualsIgnoreCase)
	}
}
