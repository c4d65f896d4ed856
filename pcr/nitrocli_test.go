package pcr_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
)

const measurements = `{"HashAlgorithm": "Sha384 { ... }", "PCR0": "<a0>", "PCR1": "<a1>", "PCR2": "<a2>"}`

var measured = pcr.Bank{0: filled(0xa0), 1: filled(0xa1), 2: filled(0xa2)}

func TestReadPolicyReadsWhatBuildEnclavePrints(t *testing.T) {
	got, err := readPolicy(`{"Measurements": ` + measurements + `}`)
	require.NoError(t, err)
	assert.Equal(t, pcr.Policy{Images: []pcr.Image{{Name: "image", PCRs: measured}}}, got)
}

func TestReadPolicyReadsWhatDescribeEIFPrints(t *testing.T) {
	got, err := readPolicy(`{
		"EifVersion": 4,
		"Measurements": {"HashAlgorithm": "Sha384 { ... }", "PCR0": "<a0>", "PCR1": "<a1>", "PCR2": "<a2>", "PCR8": "<a8>"},
		"IsSigned": true,
		"SigningCertificate": {"IssuerName": {"commonName": "signer"}, "Algorithm": "ecdsa-with-SHA384"},
		"CheckCRC": true,
		"SignatureCheck": true,
		"ImageName": "hello",
		"ImageVersion": "1.0",
		"Metadata": {"BuildTime": "2025-01-01T00:00:00Z"},
		"CustomMetadata": null
	}`)
	require.NoError(t, err)
	bank := pcr.Bank{0: filled(0xa0), 1: filled(0xa1), 2: filled(0xa2), 8: filled(0xa8)}
	assert.Equal(t, pcr.Policy{Images: []pcr.Image{{Name: "hello 1.0", PCRs: bank}}}, got)
}

func TestReadPolicyNamesAMeasuredImage(t *testing.T) {
	for fields, want := range map[string]string{
		``:                       "image",
		`, "ImageName": "hello"`: "hello",
		`, "ImageName": " hello ", "ImageVersion": " 2 "`: "hello 2",
		`, "ImageVersion": "2"`:                           "2",
		`, "ImageName": "", "ImageVersion": ""`:           "image",
		`, "ImageName": null, "ImageVersion": 2`:          "image",
		`, "EnclaveName": "e", "ImageName": "hello"`:      "e",
		`, "EnclaveName": " ", "ImageName": "hello"`:      "hello",
	} {
		t.Run(want+fields, func(t *testing.T) {
			got, err := readPolicy(`{"Measurements": ` + measurements + fields + `}`)
			require.NoError(t, err)
			require.Len(t, got.Images, 1)
			assert.Equal(t, want, got.Images[0].Name)
		})
	}
}

func TestReadPolicyReadsEverySpellingOfTheHashAlgorithm(t *testing.T) {
	for _, spelling := range []string{"Sha384 { ... }", "Sha384 { .. }", "Sha512_48 { .. }", "Sha384"} {
		got, err := readPolicy(`{"Measurements": {"HashAlgorithm": "` + spelling + `", "PCR0": "<a0>"}}`)
		require.NoError(t, err, spelling)
		assert.Equal(t, pcr.Bank{0: filled(0xa0)}, got.Images[0].PCRs)
	}
	for _, spelling := range []string{"", "Sha256 { ... }", "Sha512 { .. }", "sha384 { ... }", "SHA384", "Sha3847", " Sha384"} {
		requireRefused(t, `{"Measurements": {"HashAlgorithm": "`+spelling+`", "PCR0": "<a0>"}}`,
			`invalid-field: Measurements.HashAlgorithm: found "`+spelling+`", expected "Sha384 { ... }"`)
	}
}

// It is null for an image without a signature, and says nothing wrong of it.
func TestReadPolicyTakesANullSignatureCheck(t *testing.T) {
	got, err := readPolicy(`{"CheckCRC": true, "SignatureCheck": null, "Measurements": ` + measurements + `}`)
	require.NoError(t, err)
	assert.Equal(t, measured, got.Images[0].PCRs)
}

func TestReadPolicyRefusesMeasurementsWithOneFault(t *testing.T) {
	file := func(member string) string { return `{` + member + `, "Measurements": {"PCR0": "<a0>"}}` }
	const damaged = `, expected true: nitro-cli says otherwise when the image file is damaged or its signature is wrong`
	requireAllRefused(t, []refusal{
		{"CRC wrong", file(`"CheckCRC": false`), `invalid-field: CheckCRC: found false` + damaged},
		{"CRC null", file(`"CheckCRC": null`), `invalid-field: CheckCRC: found null` + damaged},
		{"CRC text", file(`"CheckCRC": "true"`), `invalid-field: CheckCRC: found a string` + damaged},
		{"signature wrong", file(`"CheckCRC": true, "SignatureCheck": false`), `invalid-field: SignatureCheck: found false` + damaged},
		{"signature an array", file(`"SignatureCheck": [true]`), `invalid-field: SignatureCheck: found an array` + damaged},
		{"measurements null", `{"Measurements": null}`, `invalid-field: Measurements: found null, expected an object`},
		{"measurements empty", `{"Measurements": {}}`, `empty-policy: Measurements: empty: an image without a register would match everything`},
		{"measurements in another case", `{"measurements": {"PCR0": "<a0>"}}`, noForm},
		{"hash algorithm null", `{"Measurements": {"HashAlgorithm": null, "PCR0": "<a0>"}}`, `invalid-field: Measurements.HashAlgorithm: found null, expected a string`},
		{"unknown measurement", `{"Measurements": {"PCR0": "<a0>", "ImageHash": "<a1>"}}`, `invalid-field: Measurements.ImageHash: unknown key, expected PCR0 to PCR31 and HashAlgorithm`},
		{"register twice", `{"Measurements": {"PCR0": "<a0>", "0": "<a0>"}}`, `invalid-field: Measurements.0: unknown key, expected PCR0 to PCR31 and HashAlgorithm`},
		{"debug measurements", `{"Measurements": {"PCR0": "<00>"}}`, `zero-register: Measurements.PCR0: all zero: zero is no measurement and would match an enclave in debug mode or an unused register`},
		{"only the boot", `{"Measurements": {"PCR1": "<a1>"}}`, `pins-no-code: Measurements: pins no code: list PCR0, or PCR1 with PCR2, or PCR8; PCR1 is the kernel, which runs any application`},
	})
}

func TestReadPolicyReadsWhatDescribeEnclavesPrints(t *testing.T) {
	got, err := readPolicy(`[
		{"EnclaveName": "web", "EnclaveID": "i-1-enc1", "State": "RUNNING", "Flags": "NONE", "Measurements": ` + measurements + `},
		{"EnclaveName": "web", "EnclaveID": "i-1-enc2", "State": "RUNNING", "Flags": "NONE", "Measurements": ` + measurements + `},
		{"EnclaveName": "web", "EnclaveID": "i-1-enc3", "State": "RUNNING", "Flags": "NONE", "Measurements": {"PCR0": "<b0>"}},
		{"EnclaveName": "web 2", "EnclaveID": "i-1-enc4", "State": "RUNNING", "Flags": "NONE", "Measurements": {"PCR0": "<c0>"}},
		{"EnclaveName": "web", "EnclaveID": "i-1-enc5", "State": "RUNNING", "Flags": "NONE", "Measurements": {"PCR0": "<d0>"}}
	]`)
	require.NoError(t, err)
	assert.Equal(t, pcr.Policy{Images: []pcr.Image{
		{Name: "web", PCRs: measured}, // once, for two enclaves run it
		{Name: "web 2", PCRs: pcr.Bank{0: filled(0xb0)}},
		{Name: "web 2 2", PCRs: pcr.Bank{0: filled(0xc0)}},
		{Name: "web 3", PCRs: pcr.Bank{0: filled(0xd0)}},
	}}, got)
}

func TestReadPolicyRefusesEnclavesWithOneFault(t *testing.T) {
	requireAllRefused(t, []refusal{
		{"one without measurements", `[{"Measurements": {"PCR0": "<a0>"}}, {}]`, `invalid-field: [1]: Measurements: missing`},
		{"one that is no object", `[{"Measurements": {"PCR0": "<a0>"}}, 1]`, `invalid-field: [1]: Measurements: missing`},
		{"measurements null", `[{"Measurements": null}]`, `invalid-field: [0].Measurements: found null, expected an object`},
		{"one in debug mode", `[{"Measurements": {"PCR0": "<a0>"}}, {"Measurements": {"PCR0": "<00>"}}]`, `zero-register: [1].Measurements.PCR0: all zero: zero is no measurement and would match an enclave in debug mode or an unused register`},
		{"value of the second", `[{"Measurements": {"PCR0": "<a0>"}}, {"Measurements": {"PCR1": "00"}}]`, `invalid-field: [1].Measurements.PCR1: found 2 characters, expected 96 hex digits`},
	})
}
