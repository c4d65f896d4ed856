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
	bank := pcr.Bank{4: filled(0xa4), 7: filled(0xa7), 12: {}, 13: {}}
	for text, name := range map[string]string{
		`{"images": [{"name": "v1", "pcrs": {"4": "<a4>", "PCR7": "<a7>", "12": "<00>", "13": "<00>"}}]}`:                                                    "v1",
		`{"Measurements": {"HashAlgorithm": "SHA384 { ... }", "PCR4": "<a4>", "PCR7": "<a7>", "PCR12": "<00>"}}`:                                             "image",
		`{"StringEqualsIgnoreCase": {` + tpmKey("4", "<a4>") + `, ` + tpmKey("7", "<a7>") + `, ` + tpmKey("12", "<00>") + `, ` + tpmKey("13", "<00>") + `}}`: "image",
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
		`{"images": [{"name": "v1", "pcrs": {"0": "<a0>"}}]}`:                               `pins-no-code: images[0].pcrs: pins no code: list PCR4 with PCR12 and PCR13, or PCR7 of an instance with Secure Boot on with PCR13`,
		`{"Measurements": {"HashAlgorithm": "Sha512_48 { .. }", "PCR7": "<a7>"}}`:           `invalid-field: Measurements.HashAlgorithm: found "Sha512_48 { .. }", expected "SHA384 { ... }"`,
		`{"kms:RecipientAttestation:PCR7": "<a7>"}`:                                         `invalid-field: kms:RecipientAttestation:PCR7: ` + unknownKey,
		`{"kms:RecipientAttestation:ImageSha384": "<a0>"}`:                                  `invalid-field: kms:RecipientAttestation:ImageSha384: ` + unknownKey,
		`{"kms:RecipientAttestation:PCR4": "<a4>", ` + tpmKey("7", "<a7>") + `}`:            `invalid-field: kms:RecipientAttestation:PCR4: ` + unknownKey,
		`{"images": [{"name": "v1", "pcrs": {"7": "<a7>", "24": "<a8>"}}]}`:                 `invalid-register: images[0].pcrs.24: found register 24, expected 0 to 23`,
		`{"images": [{"name": "v1", "pcrs": {"7": "<a7>", "32": "<a8>"}}]}`:                 `invalid-field: images[0].pcrs.32: found register "32", expected "0" to "31" or "PCR0" to "PCR31"`,
		`{"images": [{"name": "v1", "pcrs": {"7": "<a7>"}, "kind": "nitrotpm"}]}`:           `invalid-field: images[0].kind: unknown key, expected "name", "pcrs", "exchange" and "source"`,
		`{"images": [{"name": "v1", "pcrs": {"4": "<a4>", "12": "<00>", "PCR4": "<a4>"}}]}`: `invalid-field: images[0].pcrs.PCR4: register 4 is given twice`,
	} {
		t.Run(message, func(t *testing.T) {
			policy, err := readNitroTPMPolicy(text)
			require.Error(t, err)
			assert.Equal(t, message, unplaced(err))
			assert.Zero(t, policy)
		})
	}
}

// Checks 23 and 27 for NitroTPM.
func TestValidateNitroTPM(t *testing.T) {
	const (
		noCode     = "pins no code: list PCR4 with PCR12 and PCR13, or PCR7 of an instance with Secure Boot on with PCR13"
		extensions = noCode + "; system extensions come from outside of the image and are in PCR13 alone, which is zero where there are none"
		reset      = "the instance can reset this register, so that its value proves nothing"
		unused     = "all zero: nothing was measured; only PCR11, PCR12, PCR13, PCR14 and PCR23 can mean something by it"
	)
	with := func(bank pcr.Bank, register int, value pcr.Value) pcr.Bank {
		bank[register] = value
		return bank
	}
	for name, c := range map[string]struct {
		bank          pcr.Bank
		field, detail string // empty: valid
	}{
		"image":                             {pinned(4, 12, 13), "", ""},
		"image and no command line":         {with(pinned(4, 13), 12, pcr.Value{}), "", ""},
		"image and no system extensions":    {with(pinned(4, 12), 13, pcr.Value{}), "", ""},
		"Secure Boot":                       {with(pinned(7), 13, pcr.Value{}), "", ""},
		"everything":                        {pinned(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 22), "", ""},
		"nothing extended":                  {with(with(with(pinned(7, 13), 11, pcr.Value{}), 14, pcr.Value{}), 23, pcr.Value{}), "", ""},
		"Secure Boot off beside the loader": {with(pinned(4, 12, 13), 7, secureBootOff(t)), "", ""},
		"Secure Boot off":                   {with(pinned(13), 7, secureBootOff(t)), "pcrs", noCode + "; this PCR7 is that of every instance with Secure Boot off"},
		"image without PCR13":               {pinned(4, 12), "pcrs", extensions},
		"Secure Boot without PCR13":         {pinned(7), "pcrs", extensions},
		"boot loader alone":                 {pinned(4, 13), "pcrs", noCode + "; the command line of a stub can come from outside of the image and is in PCR12, which is zero where it does not"},
		"command line alone":                {pinned(12, 13), "pcrs", noCode},
		"zero command line alone":           {pcr.Bank{12: {}, 13: {}}, "pcrs", noCode},
		"registers of an enclave":           {pinned(0, 1, 2, 8), "pcrs", noCode},
		"zeros alone":                       {pcr.Bank{11: {}, 13: {}, 14: {}, 23: {}}, "pcrs", noCode},
		"zero boot loader":                  {with(pinned(12, 13), 4, pcr.Value{}), "pcrs.4", unused},
		"zero Secure Boot":                  {pcr.Bank{7: {}, 13: {}}, "pcrs.7", unused},
		"zero beside":                       {with(pinned(7, 13), 9, pcr.Value{}), "pcrs.9", unused},
		"register 16":                       {pinned(7, 13, 16), "pcrs.16", reset},
		"register 16 zero":                  {with(pinned(7, 13), 16, pcr.Value{}), "pcrs.16", reset},
		"register 23":                       {pinned(7, 13, 23), "pcrs.23", reset},
		"register 24":                       {pinned(7, 13, 24), "pcrs.24", "found register 24, expected 0 to 23"},
		"register -1":                       {pinned(7, 13, -1), "pcrs", "found register -1, expected 0 to 23"},
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
			require.ErrorContains(t, err, "images[0]."+c.field+": "+c.detail)
			assert.Equal(t, err, matchErr)
			assert.Zero(t, image)
		})
	}
	assert.EqualError(t, pcr.Policy{Kind: pcr.NitroTPM}.Validate(), "empty-policy: images: empty: a policy without an image would accept nothing")
}

func TestMatchNitroTPMRefusesADocumentThatLacksAListedRegister(t *testing.T) {
	policy := pcr.Policy{Kind: pcr.NitroTPM, Images: []pcr.Image{{Name: "v1", PCRs: pcr.Bank{4: filled(0xa4), 12: {}, 13: {}}}}}
	image, err := policy.Match(pcr.Bank{4: filled(0xa4), 13: {}})
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
