package pcr_test

import (
	"encoding/json"
	"errors"
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
		{"nothing", ``, `malformed-policy: found nothing, expected a policy`},
		{"space", " \n", `malformed-policy: found nothing, expected a policy`},
		{"cut off", good[:len(good)-1], `malformed-policy: found the end of the text, expected ',' or '}'`},
		{"cut off in a key", `{"ima`, `malformed-policy: found the end of the text, expected '"' at the end of the string`},
		{"cut off before a value", `{"images":`, `malformed-policy: found the end of the text, expected a JSON value`},
		{"trailing brace", `{}}`, `malformed-policy: found '}', expected the end after the JSON value`},
		{"trailing value", `{} {}`, `malformed-policy: found '{', expected the end after the JSON value`},
		{"trailing NUL", "{}\x00", `malformed-policy: found '\x00', expected the end after the JSON value`},
	})
}

// Every error names the line and the column, in characters, from 1.
func TestReadPolicyRefusesJSONWithASyntaxError(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{/**/}`:                 `line 1, column 2: found '/', expected a key in quotes`,
		`[1 2]`:                  `line 1, column 4: found '2', expected ',' or ']'`,
		`[1,]`:                   `line 1, column 4: found ']', expected a JSON value`,
		`[1}`:                    `line 1, column 3: found '}', expected ',' or ']'`,
		`{images: []}`:           `line 1, column 2: found 'i', expected a key in quotes`,
		`{1: []}`:                `line 1, column 2: found '1', expected a key in quotes`,
		`{"a" 1}`:                `line 1, column 6: found '1', expected ':'`,
		`[tru]`:                  `line 1, column 2: found 't', expected a JSON value`,
		`{"images": nil}`:        `line 1, column 12: found 'n', expected a JSON value`,
		"{\"ima\nges\": []}":     `line 1, column 6: found '\n', expected no control character in a string`,
		"{\r\n  \"é\": [\n1 2]}": `line 3, column 3: found '2', expected ',' or ']'`,
		`["\x"]`:                 `line 1, column 4: found 'x', expected an escape sequence of JSON`,
		`["\u12g4"]`:             `line 1, column 7: found 'g', expected a hex digit`,
		`["\ud800"]`:             `line 1, column 3: found half of a surrogate pair, expected a character`,
		`["\ud800\u0041"]`:       `line 1, column 3: found half of a surrogate pair, expected a character`,
		`[01]`:                   `line 1, column 3: found '1', expected ',' or ']'`,
		`[-]`:                    `line 1, column 3: found ']', expected a digit`,
		`[1.]`:                   `line 1, column 4: found ']', expected a digit`,
		`[1e+]`:                  `line 1, column 5: found ']', expected a digit`,
		"[\"\xff\"]":             `line 1, column 3: found the byte 0xff, which is not UTF-8, expected text`,
	} {
		policy, err := readPolicy(text)
		require.ErrorIs(t, err, pcr.MalformedPolicy, text)
		assert.EqualError(t, err, "malformed-policy: "+want, text)
		assert.Zero(t, policy)
	}
}

// What the parser takes, the standard library's takes too, with the same
// strings; the bounds and repeated keys aside, the other way round as well.
func TestTheParserAgreesWithEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀"`, `-0.5e-7`, `0`, `10E+2`, `[]`, `{}`, ` [ 1 , "" , null , true , false , { "a" : { } } ] `,
		`{"":0}`, `[1`, `{"a":}`, `.5`, `+1`, `1.e2`, `nul`, `"\a"`, "\"\t\"", `[,1]`, `{,}`, `{"a":1,}`, `""""`, `[1]]`, `--1`, `1e`,
	} {
		_, err := readPolicy(`{"images": [], "x": ` + text + `}`)
		assert.Equal(t, !json.Valid([]byte(text)), errors.Is(err, pcr.MalformedPolicy), text)
	}
	policy, err := readPolicy(`{"images": [{"name": "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀", "pcrs": {"0": "<a0>"}}]}`)
	require.NoError(t, err)
	assert.Equal(t, "\"\\/\b\f\n\r\té😀é😀", policy.Images[0].Name)
}

func TestReadPolicyRefusesRepeatedKeysWhereverTheyStand(t *testing.T) {
	requireAllRefused(t, []refusal{
		{"in a part that is not read", `{"Measurements": {"PCR0": "<a0>"}, "Signing": {"a": 1, "a": 2}}`, `malformed-policy: Signing.a: the key is given twice`},
		{"in an element of an array", `{"images": [{"name": "v1", "pcrs": {"0": "<a0>"}}, {"x": 1, "x": 1}]}`, `malformed-policy: images[1].x: the key is given twice`},
		{"under keys that need quotes", `{"a.b": {"\u001b[0]": {"x": 1, "x": 1}}}`, `malformed-policy: "a.b"."\x1b[0]".x: the key is given twice`},
		{"in the second array", `[[], [{"": 1, "": 1}]]`, `malformed-policy: [1][0]."": the key is given twice`},
	})
}

func TestReadPolicyBoundsNesting(t *testing.T) {
	nested := func(levels int) string {
		return `{"Measurements": {"PCR0": "<a0>"}, "x": ` + strings.Repeat("[", levels) + strings.Repeat("]", levels) + `}`
	}
	_, err := readPolicy(nested(31))
	require.NoError(t, err)
	requireRefused(t, nested(32), `malformed-policy: x`+strings.Repeat("[0]", 31)+`: nested more than 32 levels deep`)
	requireRefused(t, strings.Repeat("[", 500_000), `malformed-policy: `+strings.Repeat("[0]", 32)+`: nested more than 32 levels deep`)
	_, err = readPolicy(strings.Repeat(`{"a":`, 100_000))
	assert.ErrorContains(t, err, "a.a.a (line 1, column 161): nested more than 32 levels deep")
}

func TestReadPolicyBoundsItsInput(t *testing.T) {
	const limit = 1 << 20
	text := expand(good)
	padded := text + strings.Repeat(" ", limit-len(text))
	_, err := readPolicy(padded)
	require.NoError(t, err)
	requireRefused(t, padded+" ", `malformed-policy: found more than 1048576 bytes, expected at most that`)
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
		`null`:                         `invalid-field: found null, expected an object`,
		`[]`:                           `invalid-field: found an array, expected an object`,
		`{}`:                           `empty-policy: images: empty: a policy without an image would accept nothing`,
		`{"images": [], "images": []}`: `malformed-policy: images: the key is given twice`,
		`{"Images": []}`:               `invalid-field: Images: unknown key, expected "kind" and "images"`,
		`{"images": [{"name": "v1"}]}`: `empty-policy: images[0].pcrs: empty: an image without a register would match everything`,
		`{"images": [{"name": "v1", "extra":1}]}`: `invalid-field: images[0].extra: unknown key, expected "name", "pcrs", "exchange" and "source"`,
		`{"Measurements": {"PCR0": "<a0>"}}`:      `invalid-field: Measurements: unknown key, expected "kind" and "images"`,
	} {
		t.Run(text, func(t *testing.T) {
			require.EqualError(t, json.Unmarshal([]byte(expand(`{"policy": `+text+`}`)), &file), message)
			assert.Equal(t, kept, file.Policy, "a failed read leaves the policy alone")
		})
	}
	require.EqualError(t, file.Policy.UnmarshalJSON([]byte(good+"x")), `malformed-policy: found 'x', expected the end after the JSON value`)
}

func TestUnmarshalOfABankIsAsStrict(t *testing.T) {
	var bank pcr.Bank
	require.NoError(t, json.Unmarshal([]byte(expand(`{"PCR0": "<a0>", "31": "<00>"}`)), &bank))
	want := pcr.Bank{0: filled(0xa0), 31: {}}
	assert.Equal(t, want, bank, "a bank may hold zero, a policy may not")

	for text, message := range map[string]string{
		`null`:                          `invalid-field: found null, expected an object`,
		`{"0": "<a0>", "0": "<a0>"}`:    `malformed-policy: 0: the key is given twice`,
		`{"0": "<a0>", "PCR0": "<a0>"}`: `invalid-field: PCR0: register 0 is given twice`,
		`{"32": "<a0>"}`:                `invalid-field: 32: found register "32", expected "0" to "31" or "PCR0" to "PCR31"`,
		`{"0": null}`:                   `invalid-field: 0: found null, expected a string`,
	} {
		t.Run(text, func(t *testing.T) {
			require.EqualError(t, json.Unmarshal([]byte(expand(text)), &bank), message)
			assert.Equal(t, want, bank, "a failed read leaves the bank alone")
		})
	}
	require.EqualError(t, bank.UnmarshalJSON(nil), "malformed-policy: found the end of the text, expected a JSON value")
}
