package pcr_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
)

func TestAPolicyForNitroTPMReadsBack(t *testing.T) {
	t.Parallel()
	policy := pcr.Policy{Kind: pcr.NitroTPM, Images: []pcr.Image{{Name: "v1", PCRs: pcr.Bank{4: filled(0xa4), 12: {}, 13: {}}}}}
	data, err := json.Marshal(policy)
	require.NoError(t, err)
	assert.Equal(t, expand(`{"kind":"nitrotpm","images":[{"name":"v1","pcrs":{"12":"<00>","13":"<00>","4":"<a4>"}}]}`), string(data))
	for name, read := range map[string]func() (pcr.Policy, error){
		"ReadPolicy":      func() (pcr.Policy, error) { return readPolicy(string(data)) },
		"Kind.ReadPolicy": func() (pcr.Policy, error) { return readNitroTPMPolicy(string(data)) },
		"Unmarshal": func() (p pcr.Policy, err error) {
			err = json.Unmarshal(data, &p)
			return p, err
		},
		"Clone": func() (pcr.Policy, error) { return policy.Clone(), nil },
	} {
		got, err := read()
		require.NoError(t, err, name)
		assert.Equal(t, policy, got, name)
	}
}

func TestTheKindOfEnclavesIsLeftOut(t *testing.T) {
	t.Parallel()
	want, err := readPolicy(good)
	require.NoError(t, err)
	assert.Zero(t, want.Kind)
	got, err := readPolicy(strings.Replace(good, `{"images"`, `{"kind": "enclave", "images"`, 1))
	require.NoError(t, err)
	assert.Equal(t, want, got)
	got.Kind = pcr.Enclave
	require.NoError(t, got.Validate())
	data, err := json.Marshal(got)
	require.NoError(t, err)
	assert.NotContains(t, string(data), "kind")
}

func TestAPolicyOfAnotherKindIsRefused(t *testing.T) {
	t.Parallel()
	const tpm = `{"kind": "nitrotpm", "images": [{"name": "v1", "pcrs": {"4": "<a4>", "12": "<00>", "13": "<00>"}}]}`
	_, err := readPolicy(tpm)
	require.NoError(t, err)
	_, err = pcr.Enclave.ReadPolicy(strings.NewReader(expand(tpm)))
	assert.Equal(t, `wrong-kind: kind: found "nitrotpm", expected "enclave", which was asked for`, unplaced(err))
	_, err = readNitroTPMPolicy(strings.Replace(tpm, "nitrotpm", "enclave", 1))
	assert.Equal(t, `wrong-kind: kind: found "enclave", expected "nitrotpm", which was asked for`, unplaced(err))
	requireRefused(t, strings.Replace(tpm, "nitrotpm", "tdx", 1), `wrong-kind: kind: found "tdx", expected "enclave" or "nitrotpm"`)
	requireRefused(t, strings.Replace(tpm, `"nitrotpm"`, `""`, 1), `wrong-kind: kind: found "", expected "enclave" or "nitrotpm"`)
	_, err = pcr.Kind("tdx").ReadPolicy(strings.NewReader(expand(tpm)))
	require.ErrorContains(t, err, `found "tdx"`)
	require.ErrorContains(t, pcr.Policy{Kind: "tdx", Images: []pcr.Image{{PCRs: pinned(0)}}}.Validate(), `found "tdx"`)
}

// Without a kind asked for, the registers and keys that only one kind has tell.
func TestReadPolicyTellsTheKindOfOtherForms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]pcr.Kind{
		`{"Measurements": {"HashAlgorithm": "SHA384 { ... }", "PCR4": "<a4>", "PCR7": "<a7>", "PCR12": "<00>"}}`: pcr.NitroTPM,
		`{"Measurements": {"PCR7": "<a7>", "PCR13": "<00>"}}`:                                                    pcr.NitroTPM,
		`{"StringEquals": {` + tpmKey("7", "<a7>") + `, ` + tpmKey("13", "<00>") + `}}`:                          pcr.NitroTPM,
		`{"Measurements": {"PCR0": "<a0>", "PCR4": "<a4>"}}`:                                                     "",
		`{"Measurements": {"PCR8": "<a8>", "PCR7": "<a7>"}}`:                                                     "",
	} {
		got, err := readPolicy(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got.Kind, text)
	}
}
