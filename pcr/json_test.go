package pcr_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
)

const good = `{"images": [{"name": "v1", "pcrs": {"0": "<a0>"}}]}`

func TestReadPolicyRefusesBrokenJSON(t *testing.T) {
	_, err := readPolicy(good)
	require.NoError(t, err, "the base of the negative cases")
	requireAllRefused(t, []refusal{
		{"nothing", ``, `policy: unexpected EOF`},
		{"space", " \n", `policy: unexpected EOF`},
		{"cut off", good[:len(good)-1], `policy: unexpected EOF`},
		{"cut off in a key", `{"ima`, `policy: unexpected EOF`},
		{"cut off before a value", `{"images":`, `policy: unexpected EOF`},
		{"trailing brace", `{}}`, `policy: offset 2: found more after the JSON value, expected the end`},
		{"trailing value", `{} {}`, `policy: offset 4: found more after the JSON value, expected the end`},
		{"trailing NUL", "{}\x00", `policy: offset 2: found more after the JSON value, expected the end`},
	})
}

// The wording of these is that of encoding/json.
func TestReadPolicyRefusesJSONWithASyntaxError(t *testing.T) {
	for name, text := range map[string]string{
		"comment":              `{/**/}`,
		"byte order mark":      "\xef\xbb\xbf{}",
		"no comma":             `[1 2]`,
		"comma at the end":     `[1,]`,
		"wrong bracket":        `[1}`,
		"key without quotes":   `{images: []}`,
		"number as key":        `{1: []}`,
		"broken array element": `[tru]`,
		"broken member":        `{"images": nil}`,
		"line end in a string": "{\"ima\nges\": []}",
	} {
		t.Run(name, func(t *testing.T) {
			policy, err := readPolicy(text)
			var syntax *json.SyntaxError
			require.ErrorAs(t, err, &syntax)
			assert.ErrorContains(t, err, "policy: ")
			assert.Zero(t, policy)
		})
	}
}

func TestReadPolicyRefusesRepeatedKeysWhereverTheyStand(t *testing.T) {
	requireAllRefused(t, []refusal{
		{"in a part that is not read", `{"Measurements": {"PCR0": "<a0>"}, "Signing": {"a": 1, "a": 2}}`, `policy: Signing.a: the key is given twice`},
		{"in an element of an array", `{"images": [{"name": "v1", "pcrs": {"0": "<a0>"}}, {"x": 1, "x": 1}]}`, `policy: images[1].x: the key is given twice`},
		{"under keys that need quotes", `{"a.b": {"\u001b[0]": {"x": 1, "x": 1}}}`, `policy: "a.b"."\x1b[0]".x: the key is given twice`},
		{"in the second array", `[[], [{"": 1, "": 1}]]`, `policy: [1][0]."": the key is given twice`},
	})
}

func TestReadPolicyBoundsNesting(t *testing.T) {
	nested := func(levels int) string {
		return `{"Measurements": {"PCR0": "<a0>"}, "x": ` + strings.Repeat("[", levels) + strings.Repeat("]", levels) + `}`
	}
	_, err := readPolicy(nested(31))
	require.NoError(t, err)
	requireRefused(t, nested(32), `policy: x`+strings.Repeat("[0]", 31)+`: nested more than 32 levels deep`)
	requireRefused(t, strings.Repeat("[", 500_000), `policy: `+strings.Repeat("[0]", 32)+`: nested more than 32 levels deep`)
	_, err = readPolicy(strings.Repeat(`{"a":`, 100_000))
	assert.ErrorContains(t, err, "a.a.a: nested more than 32 levels deep")
}

func TestReadPolicyBoundsItsInput(t *testing.T) {
	const limit = 1 << 20
	text := expand(good)
	padded := text + strings.Repeat(" ", limit-len(text))
	_, err := readPolicy(padded)
	require.NoError(t, err)
	requireRefused(t, padded+" ", `policy: found more than 1048576 bytes, expected at most that`)
}

func TestPolicySurvivesJSON(t *testing.T) {
	policy := pcr.Policy{Images: []pcr.Image{
		{Name: "v1 <&> \"é\"", PCRs: pcr.Bank{0: filled(0xa0), 16: filled(0xaf)}},
		{Name: " v2", PCRs: pcr.Bank{8: filled(0xb8)}},
	}}
	data, err := json.Marshal(policy)
	require.NoError(t, err)
	got, err := pcr.ReadPolicy(strings.NewReader(string(data)))
	require.NoError(t, err)
	assert.Equal(t, policy, got)
}

func TestPolicyMarshalsToItsDocumentedForm(t *testing.T) {
	data, err := json.Marshal(pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: pcr.Bank{8: filled(0xA8), 0: filled(0xA0)}}}})
	require.NoError(t, err)
	assert.Equal(t, expand(`{"images":[{"name":"v1","pcrs":{"0":"<a0>","8":"<a8>"}}]}`), string(data))
}

func TestUnmarshalOfAPolicyIsAsStrict(t *testing.T) {
	var file struct{ Policy pcr.Policy }
	require.NoError(t, json.Unmarshal([]byte(expand(`{"policy": `+good+`}`)), &file))
	assert.Equal(t, pcr.Policy{Images: []pcr.Image{{Name: "v1", PCRs: pcr.Bank{0: filled(0xa0)}}}}, file.Policy)

	kept := file.Policy.Clone()
	for text, message := range map[string]string{
		`null`:                         `found null, expected an object`,
		`[]`:                           `found an array, expected an object`,
		`{}`:                           `policy: Images: empty: a policy without an image would accept nothing`,
		`{"images": [], "images": []}`: `images: the key is given twice`,
		`{"Images": []}`:               `Images: unknown key, expected "kind" and "images"`,
		`{"images": [{"name": "v1"}]}`: `policy: Images[0].PCRs: empty: an image without a register would match every enclave`,
		`{"images": [{"name": "v1", "extra":1}]}`: `images[0].extra: unknown key, expected "name" and "pcrs"`,
		`{"Measurements": {"PCR0": "<a0>"}}`:      `Measurements: unknown key, expected "kind" and "images"`,
	} {
		t.Run(text, func(t *testing.T) {
			require.EqualError(t, json.Unmarshal([]byte(expand(`{"policy": `+text+`}`)), &file), message)
			assert.Equal(t, kept, file.Policy, "a failed read leaves the policy alone")
		})
	}
	require.EqualError(t, file.Policy.UnmarshalJSON([]byte(good+"x")), `offset 51: found more after the JSON value, expected the end`)
}

func TestUnmarshalOfABankIsAsStrict(t *testing.T) {
	var bank pcr.Bank
	require.NoError(t, json.Unmarshal([]byte(expand(`{"PCR0": "<a0>", "31": "<00>"}`)), &bank))
	want := pcr.Bank{0: filled(0xa0), 31: {}}
	assert.Equal(t, want, bank, "a bank may hold zero, a policy may not")

	for text, message := range map[string]string{
		`null`:                          `found null, expected an object`,
		`{"0": "<a0>", "0": "<a0>"}`:    `0: the key is given twice`,
		`{"0": "<a0>", "PCR0": "<a0>"}`: `PCR0: register 0 is given twice`,
		`{"32": "<a0>"}`:                `32: found register "32", expected "0" to "31" or "PCR0" to "PCR31"`,
		`{"0": null}`:                   `0: found null, expected a string`,
	} {
		t.Run(text, func(t *testing.T) {
			require.EqualError(t, json.Unmarshal([]byte(expand(text)), &bank), message)
			assert.Equal(t, want, bank, "a failed read leaves the bank alone")
		})
	}
	require.EqualError(t, bank.UnmarshalJSON(nil), "unexpected EOF")
}
