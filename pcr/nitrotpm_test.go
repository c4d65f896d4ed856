package pcr_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
)

func readNitroTPMPolicy(text string) (pcr.Policy, error) {
	return pcr.NitroTPM.ReadPolicy(strings.NewReader(expand(text)))
}

func TestReadNitroTPMPolicyReadsEveryForm(t *testing.T) {
	bank := pcr.Bank{4: filled(0xa4), 7: filled(0xa7), 12: {}}
	for text, name := range map[string]string{
		`{"images": [{"name": "v1", "pcrs": {"4": "<a4>", "PCR7": "<a7>", "12": "<00>"}}]}`:                                    "v1",
		`{"Measurements": {"HashAlgorithm": "SHA384 { ... }", "PCR4": "<a4>", "PCR7": "<a7>", "PCR12": "<00>"}}`:               "image",
		`{"StringEqualsIgnoreCase": {` + tpmKey("4", "<a4>") + `, ` + tpmKey("7", "<a7>") + `, ` + tpmKey("12", "<00>") + `}}`: "image",
	} {
		t.Run(text[:10], func(t *testing.T) {
			got, err := readNitroTPMPolicy(text)
			require.NoError(t, err)
			assert.Equal(t, pcr.Policy{Kind: pcr.NitroTPM, Images: []pcr.Image{{Name: name, PCRs: bank}}}, got)
		})
	}
}

func tpmKey(register, value string) string {
	return `"kms:RecipientAttestation:NitroTPMPCR` + register + `": "` + value + `"`
}

func TestReadNitroTPMPolicyRefusesWhatIsForEnclaves(t *testing.T) {
	const unknownKey = `unknown key, expected kms:RecipientAttestation:NitroTPMPCR<n>`
	for text, message := range map[string]string{
		`{"images": [{"name": "v1", "pcrs": {"0": "<a0>"}}]}`:                               `policy: Images[0].PCRs: pins no code: list PCR4 with PCR12, or PCR7 of an instance with Secure Boot on`,
		`{"Measurements": {"HashAlgorithm": "Sha512_48 { .. }", "PCR7": "<a7>"}}`:           `policy: Measurements.HashAlgorithm: found "Sha512_48 { .. }", expected "SHA384 { ... }"`,
		`{"kms:RecipientAttestation:PCR7": "<a7>"}`:                                         `policy: kms:RecipientAttestation:PCR7: ` + unknownKey,
		`{"kms:RecipientAttestation:ImageSha384": "<a0>"}`:                                  `policy: kms:RecipientAttestation:ImageSha384: ` + unknownKey,
		`{"kms:RecipientAttestation:PCR4": "<a4>", ` + tpmKey("7", "<a7>") + `}`:            `policy: kms:RecipientAttestation:PCR4: ` + unknownKey,
		`{"images": [{"name": "v1", "pcrs": {"7": "<a7>", "24": "<a8>"}}]}`:                 `policy: Images[0].PCRs: found a register outside of 0 to 23`,
		`{"images": [{"name": "v1", "pcrs": {"7": "<a7>", "32": "<a8>"}}]}`:                 `policy: images[0].pcrs.32: found register "32", expected "0" to "31" or "PCR0" to "PCR31"`,
		`{"images": [{"name": "v1", "pcrs": {"7": "<a7>"}, "kind": "nitrotpm"}]}`:           `policy: images[0].kind: unknown key, expected "name" and "pcrs"`,
		`{"images": [{"name": "v1", "pcrs": {"4": "<a4>", "12": "<00>", "PCR4": "<a4>"}}]}`: `policy: images[0].pcrs.PCR4: register 4 is given twice`,
	} {
		t.Run(message, func(t *testing.T) {
			policy, err := readNitroTPMPolicy(text)
			require.EqualError(t, err, message)
			assert.Zero(t, policy)
		})
	}
}

// Checks 23 and 27 for NitroTPM.
func TestValidateNitroTPM(t *testing.T) {
	const (
		noCode   = "pins no code: list PCR4 with PCR12, or PCR7 of an instance with Secure Boot on"
		reset    = "the instance can reset this register, so that its value proves nothing"
		unused   = "all zero: nothing was measured; only PCR12 and PCR13 can mean something by it"
		overflow = "found a register outside of 0 to 23"
	)
	with := func(bank pcr.Bank, register int, value pcr.Value) pcr.Bank {
		bank[register] = value
		return bank
	}
	for name, c := range map[string]struct {
		bank          pcr.Bank
		field, detail string // empty: valid
	}{
		"boot loader and command line":      {pinned(4, 12), "", ""},
		"boot loader and no command line":   {with(pinned(4), 12, pcr.Value{}), "", ""},
		"Secure Boot":                       {pinned(7), "", ""},
		"everything":                        {pinned(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 22), "", ""},
		"no system extensions":              {with(pinned(4, 12), 13, pcr.Value{}), "", ""},
		"Secure Boot off":                   {pcr.Bank{7: secureBootOff(t)}, "PCRs", noCode},
		"Secure Boot off beside the loader": {with(pinned(4, 12), 7, secureBootOff(t)), "", ""},
		"boot loader alone":                 {pinned(4), "PCRs", noCode},
		"command line alone":                {pinned(12), "PCRs", noCode},
		"zero command line alone":           {pcr.Bank{12: {}}, "PCRs", noCode},
		"registers of an enclave":           {pinned(0, 1, 2, 8), "PCRs", noCode},
		"zero boot loader":                  {with(pinned(12), 4, pcr.Value{}), "PCRs[4]", unused},
		"zero Secure Boot":                  {pcr.Bank{7: {}}, "PCRs[7]", unused},
		"zero beside":                       {with(pinned(7), 9, pcr.Value{}), "PCRs[9]", unused},
		"register 16":                       {pinned(7, 16), "PCRs[16]", reset},
		"register 23":                       {pinned(7, 23), "PCRs[23]", reset},
		"register 24":                       {pinned(7, 24), "PCRs", overflow},
		"register -1":                       {pinned(7, -1), "PCRs", overflow},
		"register 16 in place of the image": {pinned(16), "PCRs[16]", reset},
	} {
		t.Run(name, func(t *testing.T) {
			policy := pcr.Policy{Kind: pcr.NitroTPM, Images: []pcr.Image{{Name: "v1", PCRs: c.bank}}}
			err := policy.Validate()
			image, matchErr := policy.Match(c.bank)
			if c.detail == "" {
				require.NoError(t, err)
				require.NoError(t, matchErr)
				assert.Equal(t, policy.Images[0], image)
				return
			}
			assert.Equal(t, &pcr.PolicyError{Field: "Images[0]." + c.field, Detail: c.detail}, err)
			assert.Equal(t, err, matchErr)
			assert.Zero(t, image)
		})
	}
	assert.EqualError(t, pcr.Policy{Kind: pcr.NitroTPM}.Validate(), "policy: Images: empty: a policy without an image would accept nothing")
}

func TestMatchNitroTPMRefusesADocumentThatLacksAListedRegister(t *testing.T) {
	policy := pcr.Policy{Kind: pcr.NitroTPM, Images: []pcr.Image{{Name: "v1", PCRs: pcr.Bank{4: filled(0xa4), 12: {}}}}}
	image, err := policy.Match(pcr.Bank{4: filled(0xa4)})
	require.EqualError(t, err, `the registers match no image of the policy: image "v1": PCR12 absent`)
	assert.Zero(t, image)
}

func TestDescribeNitroTPM(t *testing.T) {
	for register, want := range map[int]string{
		0: "firmware", 1: "firmware configuration", 2: "firmware", 3: "firmware configuration", 4: "boot loader and kernel",
		5: "boot configuration", 7: "Secure Boot state and keys", 11: "operating system", 12: "kernel command line",
		16: "can be reset by the instance", 23: "can be reset by the instance",
	} {
		assert.Equal(t, want, pcr.NitroTPM.Describe(register), register)
	}
}

// secureBootOff is PCR7 as AWS's tool prints it in the recorded output.
func secureBootOff(t *testing.T) pcr.Value {
	file, err := os.Open("../testdata/uki/nitro-tpm-pcr-compute.json")
	require.NoError(t, err)
	defer file.Close()
	policy, err := pcr.NitroTPM.ReadPolicy(file)
	require.NoError(t, err)
	return policy.Images[0].PCRs[pcr.RegisterSecureBoot]
}
