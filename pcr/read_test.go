package pcr_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
)

func TestReadPolicyReadsItsOwnForm(t *testing.T) {
	want := pcr.Policy{Images: []pcr.Image{
		{Name: "v1", PCRs: pcr.Bank{0: filled(0xa0), 8: filled(0xa8)}},
		{Name: "v2", PCRs: pcr.Bank{1: filled(0xb1), 2: filled(0xb2), 31: filled(0xbf)}},
	}}
	for name, text := range map[string]string{
		"decimal registers": `{"images": [{"name": "v1", "pcrs": {"0": "<a0>", "8": "<a8>"}}, {"name": "v2", "pcrs": {"1": "<b1>", "2": "<b2>", "31": "<bf>"}}]}`,
		"PCR registers":     `{"images": [{"name": "v1", "pcrs": {"PCR0": "<a0>", "PCR8": "<a8>"}}, {"name": "v2", "pcrs": {"PCR1": "<b1>", "PCR2": "<b2>", "PCR31": "<bf>"}}]}`,
		"other order":       `{"images": [{"pcrs": {"8": "<a8>", "PCR0": "<a0>"}, "name": "v1"}, {"pcrs": {"31": "<bf>", "2": "<b2>", "1": "<b1>"}, "name": "v2"}]}`,
		"escaped keys":      "\n" + `{"\u0069mages": [{"n\u0061me": "v1", "pcrs": {"\u0030": "<a0>", "8": "<a8>"}}, {"name": "v2", "pcrs": {"1": "<b1>", "2": "<b2>", "31": "<bf>"}}]}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readPolicy(text)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
}

func TestReadPolicyReadsDigitsInEitherCase(t *testing.T) {
	text := strings.ToUpper(filled(0xab).String())
	got, err := readPolicy(`{"images": [{"name": "v1", "pcrs": {"0": "` + text + `"}}]}`)
	require.NoError(t, err)
	assert.Equal(t, filled(0xab), got.Images[0].PCRs[0])
}

// Each text is a good policy but for one thing.
func TestReadPolicyRefusesItsOwnFormWithOneFault(t *testing.T) {
	const pcr0 = `"pcrs": {"0": "<a0>"}`
	requireAllRefused(t, []refusal{
		{"no image", `{"images": []}`, `empty-policy: images: empty: a policy without an image would accept nothing`},
		{"images null", `{"images": null}`, `invalid-field: images: found null, expected an array`},
		{"images object", `{"images": {}}`, `invalid-field: images: found an object, expected an array`},
		{"images twice", `{"images": [], "images": []}`, `malformed-policy: images: the key is given twice`},
		{"images twice, once escaped", `{"images": [], "im\u0061ges": []}`, `malformed-policy: images: the key is given twice`},
		{"images in another case", `{"Images": [{"name": "v1", ` + pcr0 + `}]}`, noForm},
		{"unknown key", `{"images": [{"name": "v1", ` + pcr0 + `}], "Images": []}`, `invalid-field: Images: unknown key, expected "kind" and "images"`},
		{"image null", `{"images": [null]}`, `invalid-field: images[0]: found null, expected an object`},
		{"image string", `{"images": ["v1"]}`, `invalid-field: images[0]: found a string, expected an object`},
		{"no name", `{"images": [{` + pcr0 + `}]}`, `invalid-field: images[0].name: missing or empty; it is what a verdict calls the image`},
		{"empty name", `{"images": [{"name": "", ` + pcr0 + `}]}`, `invalid-field: images[0].name: missing or empty; it is what a verdict calls the image`},
		{"blank name", `{"images": [{"name": " \t", ` + pcr0 + `}]}`, `invalid-field: images[0].name: missing or empty; it is what a verdict calls the image`},
		{"name null", `{"images": [{"name": null, ` + pcr0 + `}]}`, `invalid-field: images[0].name: found null, expected a string`},
		{"name number", `{"images": [{"name": 1, ` + pcr0 + `}]}`, `invalid-field: images[0].name: found a number, expected a string`},
		{"name twice", `{"images": [{"name": "v1", "name": "v1", ` + pcr0 + `}]}`, `malformed-policy: images[0].name: the key is given twice`},
		{"name in another case", `{"images": [{"Name": "v1", ` + pcr0 + `}]}`, `invalid-field: images[0].Name: unknown key, expected "name", "pcrs", "exchange" and "source"; invalid-field: images[0].name: missing or empty; it is what a verdict calls the image`},
		{"same name", `{"images": [{"name": "v1", ` + pcr0 + `}, {"name": "v1", "pcrs": {"0": "<a1>"}}]}`, `duplicate-name: images[1].name: "v1" names an earlier image too`},
		{"no pcrs", `{"images": [{"name": "v1"}]}`, `empty-policy: images[0].pcrs: empty: an image without a register would match everything`},
		{"pcrs empty", `{"images": [{"name": "v1", "pcrs": {}}]}`, `empty-policy: images[0].pcrs: empty: an image without a register would match everything`},
		{"pcrs null", `{"images": [{"name": "v1", "pcrs": null}]}`, `invalid-field: images[0].pcrs: found null, expected an object`},
		{"pcrs array", `{"images": [{"name": "v1", "pcrs": []}]}`, `invalid-field: images[0].pcrs: found an array, expected an object`},
		{"pcrs twice", `{"images": [{"name": "v1", ` + pcr0 + `, ` + pcr0 + `}]}`, `malformed-policy: images[0].pcrs: the key is given twice`},
		{"pcrs in another case", `{"images": [{"name": "v1", "PCRs": {"0": "<a0>"}}]}`, `invalid-field: images[0].PCRs: unknown key, expected "name", "pcrs", "exchange" and "source"`},
		{"in the second image", `{"images": [{"name": "v1", ` + pcr0 + `}, {"name": "v2", "pcrs": {"PCR0": 0}}]}`, `invalid-field: images[1].pcrs.PCR0: found a number, expected a string`},
	})
}

func TestReadPolicyRefusesARegisterThatIsNotOne(t *testing.T) {
	for _, name := range []string{"", "PCR", "00", "01", "PCR00", "PCR01", "+1", "-1", "PCR-1", "32", "PCR32", "pcr0", "Pcr0", "PCRPCR0", "0x0", " 0", "0 ", "1e0", "9223372036854775808", "\u0660"} {
		t.Run(name, func(t *testing.T) {
			requireRefused(t,
				`{"images": [{"name": "v1", "pcrs": {"0": "<a0>", "`+name+`": "<a1>"}}]}`,
				pathOfRegister(name)+`: found register "`+name+`", expected "0" to "31" or "PCR0" to "PCR31"`)
		})
	}
}

// A name that could be taken for something else is quoted in a path.
func pathOfRegister(name string) string {
	switch name {
	case "", "+1", " 0", "0 ", "\u0660":
		name = `"` + name + `"`
	}
	return "invalid-field: images[0].pcrs." + name
}

func TestReadPolicyRefusesARegisterGivenTwice(t *testing.T) {
	image := func(pcrs string) string { return `{"images": [{"name": "v1", "pcrs": {` + pcrs + `}}]}` }
	requireAllRefused(t, []refusal{
		{"same key", image(`"0": "<a0>", "0": "<a0>"`), `malformed-policy: images[0].pcrs.0: the key is given twice`},
		{"same key escaped", image(`"0": "<a0>", "\u0030": "<a0>"`), `malformed-policy: images[0].pcrs.0: the key is given twice`},
		{"two spellings", image(`"0": "<a0>", "PCR0": "<a0>"`), `invalid-field: images[0].pcrs.PCR0: register 0 is given twice`},
		{"two spellings reversed", image(`"PCR8": "<a0>", "8": "<a0>"`), `invalid-field: images[0].pcrs.8: register 8 is given twice`},
	})
}

func TestReadPolicyRefusesAValueThatIsNotOne(t *testing.T) {
	image := func(value string) string { return `{"images": [{"name": "v1", "pcrs": {"PCR0": ` + value + `}}]}` }
	digits := filled(0xa0).String()
	requireAllRefused(t, []refusal{
		{"null", image(`null`), `invalid-field: images[0].pcrs.PCR0: found null, expected a string`},
		{"number", image(`0`), `invalid-field: images[0].pcrs.PCR0: found a number, expected a string`},
		{"true", image(`true`), `invalid-field: images[0].pcrs.PCR0: found true, expected a string`},
		{"false", image(`false`), `invalid-field: images[0].pcrs.PCR0: found false, expected a string`},
		{"array", image(`["<a0>"]`), `invalid-field: images[0].pcrs.PCR0: found an array, expected a string`},
		{"object", image(`{"a": "<a0>"}`), `invalid-field: images[0].pcrs.PCR0: found an object, expected a string`},
		{"empty", image(`""`), `invalid-field: images[0].pcrs.PCR0: found 0 characters, expected 96 hex digits`},
		{"one digit less", image(`"` + digits[1:] + `"`), `invalid-field: images[0].pcrs.PCR0: found 95 characters, expected 96 hex digits`},
		{"one digit more", image(`"` + digits + `0"`), `invalid-field: images[0].pcrs.PCR0: found 97 characters, expected 96 hex digits`},
		{"no digit", image(`"` + digits[1:] + `g"`), `invalid-field: images[0].pcrs.PCR0: found 'g' as character 96, expected 96 hex digits`},
		{"space", image(`"` + digits[1:] + ` "`), `invalid-field: images[0].pcrs.PCR0: found ' ' as character 96, expected 96 hex digits`},
		{"zero", image(`"<00>"`), `zero-register: images[0].pcrs.PCR0: all zero: zero is no measurement and would match an enclave in debug mode or an unused register`},
	})
}

const noForm = `unknown-form: expected a policy {"images": [...]}, the output of nitro-cli build-enclave, describe-eif or describe-enclaves, registers {"PCR0": "..."}, or a condition of an AWS KMS key policy`

func TestReadPolicyRefusesJSONInNoneOfTheForms(t *testing.T) {
	for _, text := range []string{`{}`, `[]`, `[{}]`, `[null]`, `[["images"]]`, `null`, `true`, `1`, `"images"`, `{"pcrs": {"0": "<a0>"}}`, `{"0": "<a0>"}`, `{"Bool": {}}`, `{"measurements": {"PCR0": "<a0>"}}`} {
		t.Run(text, func(t *testing.T) { requireRefused(t, text, noForm) })
	}
}

func TestReadPolicyPassesOnAReadError(t *testing.T) {
	broken := errors.New("disk on fire")
	policy, err := pcr.ReadPolicy(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
	assert.EqualError(t, err, "unreadable: disk on fire")
	assert.Zero(t, policy)
}
