package pcr_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
)

func published(t *testing.T, name string, kind pcr.Kind) (pcr.Reading, error) {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "testdata", "policies", name))
	require.NoError(t, err)
	defer file.Close()
	return pcr.Read(file, kind)
}

func TestReadReadsEveryPublishedForm(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		form      pcr.Form
		names     []string
		registers []int
		warning   string
	}{
		"flat.json":      {pcr.FormRegisters, []string{"image"}, []int{0, 1, 2}, ""},
		"flatlower.json": {pcr.FormRegisters, []string{"image"}, []int{0, 1, 2}, ""},
		"lines.pcrs":     {pcr.FormLines, []string{"image"}, []int{0, 1, 2}, ""},
		"history.json":   {pcr.FormReleases, []string{"2025-04-03T19:57:15Z", "2025-05-02T02:00:36Z"}, []int{0, 1, 2}, "2 releases have a signature, which was not verified"},
		"enclaver.txt":   {pcr.FormMeasurements, []string{"image"}, []int{0, 1, 2}, "the JSON, which begins in line 2"},
	} {
		got, err := published(t, name, "")
		require.NoError(t, err, name)
		assert.Equal(t, want.form, got.Form, name)
		var names []string
		for _, image := range got.Policy.Images {
			names = append(names, image.Name)
			assert.Equal(t, want.registers, image.PCRs.Registers(), name)
		}
		assert.Equal(t, want.names, names, name)
		if want.warning == "" {
			assert.Empty(t, got.Warnings, name)
		} else if assert.Len(t, got.Warnings, 1, name) {
			assert.Contains(t, got.Warnings[0], want.warning, name)
		}
	}
}

func TestReadRefusesPublishedValuesThatDoNotDo(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		kind   pcr.Kind
		reason pcr.Reason
		text   string
	}{
		"null.json":           {"", pcr.UnsupportedCondition, "Null (line 1, column 9): asks only whether there is an attestation document, and says nothing of its image"},
		"kp_sign.json":        {"", pcr.UnsupportedCondition, "Statement[0] (line 1, column 38): Action: none of the actions takes a Recipient, so that the condition never holds"},
		"kms-allow-deny.json": {"", pcr.PinsNoCode, "an application extends register 17 itself, and any application can give it any such value"},
		"tpm_pcr4.json":       {pcr.NitroTPM, pcr.PinsNoCode, "the command line of a stub can come from outside of the image and is in PCR12"},
		"tpm_zero23.json":     {pcr.NitroTPM, pcr.PinsNoCode, "is in PCR12"},
		"tpm_many.json":       {pcr.NitroTPM, pcr.PinsNoCode, "system extensions come from outside of the image and are in PCR13 alone"},
	} {
		got, err := published(t, name, want.kind)
		require.ErrorIs(t, err, want.reason, name)
		require.ErrorContains(t, err, want.text, name)
		assert.Zero(t, got, name)
	}
}

func TestReadTakesTextAsToolsWriteIt(t *testing.T) {
	t.Parallel()
	want, err := readPolicy(good)
	require.NoError(t, err)
	text := expand(good)
	units := utf16.Encode([]rune("\ufeff" + text))
	var little, big []byte
	for _, unit := range units {
		little = append(little, byte(unit), byte(unit>>8))
		big = append(big, byte(unit>>8), byte(unit))
	}
	for name, text := range map[string]string{
		"byte order mark":      "\xef\xbb\xbf" + text,
		"UTF-16 little-endian": string(little),
		"UTF-16 big-endian":    string(big),
		"CRLF":                 strings.ReplaceAll(text, ", ", ",\r\n"),
		"0x":                   strings.Replace(text, `"a0`, `"0xa0`, 1),
		"capitals":             strings.ReplaceAll(text, "a0a0", "A0A0"),
	} {
		got, err := readPolicy(text)
		require.NoError(t, err, name)
		assert.Equal(t, want, got, name)
	}
	requireRefused(t, string(little[:len(little)-1]), `malformed-policy: found UTF-16 with an odd number of bytes`)
	requireRefused(t, "\xff\xfe\x00\xd8", `malformed-policy: found half of a surrogate pair in UTF-16`)
	requireRefused(t, "\xff\xfe\x00\xd8a\x00", `malformed-policy: found half of a surrogate pair in UTF-16`)
	requireRefused(t, "\xef\xbb\xbf\xef\xbb\xbf{}", `unknown-form: `+noFormText("found text that is no JSON; "))
}

func noFormText(prefix string) string {
	return prefix + strings.TrimPrefix(noForm, "unknown-form: ")
}

func TestReadRefusesLinesWithOneFault(t *testing.T) {
	t.Parallel()
	const lines = "<a1> PCR1\r\n\r\n<a2>\tpcr2\n"
	_, err := readPolicy(lines)
	require.NoError(t, err)
	for text, message := range map[string]string{
		lines + "<a0> PCR0 x":     `invalid-field: line 4, column 1: found 3 words, expected 96 hex digits and PCR<n>`,
		lines + "<a0>":            `invalid-field: line 4, column 1: found 1 words, expected 96 hex digits and PCR<n>`,
		lines + " <a0> PCR32":     `invalid-field: line 4, column 99: found register "PCR32", expected PCR0 to PCR31`,
		lines + "<a0> PCR01":      `invalid-field: line 4, column 98: found register "PCR01", expected PCR0 to PCR31`,
		lines + "<a0> PCR1":       `invalid-field: line 4, column 98: register 1 is given twice`,
		lines + "a0 PCR0":         `invalid-field: line 4, column 1: found 2 characters, expected 96 hex digits`,
		lines + "<00> PCR0":       `zero-register: images[0].pcrs.0: all zero: zero is no measurement and would match an enclave in debug mode or an unused register`,
		"<a1> PCR1":               `pins-no-code: images[0].pcrs: pins no code: list PCR0, or PCR1 with PCR2, or PCR8; PCR1 is the kernel, which runs any application`,
		lines + "a PCR0\nb PCR99": `invalid-field: line 4, column 1: found 1 characters, expected 96 hex digits; invalid-field: line 5, column 3: found register "PCR99", expected PCR0 to PCR31`,
		"<a0>":                    `unknown-form: found one value and not of which register, expected lines like "<96 hex digits> PCR0"`,
	} {
		policy, err := readPolicy(text)
		require.EqualError(t, err, message, text)
		assert.Zero(t, policy)
	}
}

// What was not verified is counted, and nothing is said where there is nothing.
func TestReadSaysWhichReleasesHaveASignature(t *testing.T) {
	t.Parallel()
	for signatures, want := range map[string][]string{
		"":                 nil,
		`, "signature": 1`: {"1 releases have a signature, which was not verified: it covers one register, and nothing says whose key made it"},
	} {
		text := expand(`[{"PCR0": "<a0>", "timestamp": 1743710235}, {"PCR0": "<b0>", "timestamp": 1743710236` + signatures + `}]`)
		reading, err := pcr.Read(strings.NewReader(text), pcr.Enclave)
		require.NoError(t, err)
		assert.Equal(t, want, reading.Warnings)
	}
}

func TestReadRefusesRegistersWithOneFault(t *testing.T) {
	t.Parallel()
	release := func(members string) string { return `[{"PCR0": "<a0>", "timestamp": 1743710235}, {` + members + `}]` }
	_, err := readPolicy(release(`"PCR0": "<b0>", "timestamp": "2025-04-15T02:25:23+02:00", "signature": 1`))
	require.NoError(t, err)
	requireAllRefused(t, []refusal{
		{"unknown key", `{"PCR0": "<a0>", "PCRS": 1}`, `invalid-field: PCRS: unknown key, expected PCR0 to PCR31 and HashAlgorithm`},
		{"two cases", `{"PCR0": "<a0>", "pcr0": "<a0>"}`, `invalid-field: pcr0: register 0 is given twice`},
		{"prefix twice", `{"PCR0": "<a0>", "pcrPCR1": "<a0>"}`, `invalid-field: pcrPCR1: unknown key, expected PCR0 to PCR31 and HashAlgorithm`},
		{"mixed case", `{"PCR0": "<a0>", "Pcr1": "<a0>"}`, `invalid-field: Pcr1: unknown key, expected PCR0 to PCR31 and HashAlgorithm`},
		{"hash", `{"PCR0": "<a0>", "HashAlgorithm": "Sha256"}`, `invalid-field: HashAlgorithm: found "Sha256", expected "Sha384 { ... }"`},
		{"short", `{"PCR0": "a0"}`, `invalid-field: PCR0: found 2 characters, expected 96 hex digits`},
		{"zero", `{"PCR0": "<00>"}`, `zero-register: PCR0: all zero: zero is no measurement and would match an enclave in debug mode or an unused register`},
		{"no time", release(`"PCR0": "<b0>"`), `invalid-field: [1]: timestamp: missing; it is what a verdict calls the image`},
		{"no number", release(`"PCR0": "<b0>", "timestamp": 1.5`), `invalid-field: [1].timestamp: found 1.5, expected seconds since 1970`},
		{"no date", release(`"PCR0": "<b0>", "timestamp": "today"`), `invalid-field: [1].timestamp: found "today", expected a time like 2025-04-15T02:25:23Z`},
		{"null time", release(`"PCR0": "<b0>", "timestamp": null`), `invalid-field: [1].timestamp: found null, expected a time`},
		{"zero release", release(`"PCR0": "<00>", "timestamp": 1`), `zero-register: [1].PCR0: all zero: zero is no measurement and would match an enclave in debug mode or an unused register`},
		{"key of one", `{"PCR0": "<a0>", "timestamp": 1}`, `invalid-field: timestamp: unknown key, expected PCR0 to PCR31 and HashAlgorithm`},
		{"banner before a policy", "Policy:\n" + good, `unknown-form: found text before the JSON, which begins in line 2, expected it only where a build tool printed measurements; cut it off`},
		{"banner after", `{"PCR0": "<a0>"}` + "\ndone", `malformed-policy: found 'd', expected the end after the JSON value`},
		{"text", "PCR0 is good", `unknown-form: ` + noFormText("found text that is no JSON; ")},
	})
}

// Whatever is wrong with a policy is told at once, each with its place.
func TestReadPolicyTellsAllMistakes(t *testing.T) {
	t.Parallel()
	_, err := readPolicy(`{"images": [
  {"name": "v1", "pcrs": {"0": "a0", "40": "<a0>"}},
  {"pcrs": {"8": 1}, "color": "red"}
]}`)
	require.EqualError(t, err, `invalid-field: images[0].pcrs.0 (line 2, column 32): found 2 characters, expected 96 hex digits; `+
		`invalid-field: images[0].pcrs.40 (line 2, column 44): found register "40", expected "0" to "31" or "PCR0" to "PCR31"; `+
		`invalid-field: images[1].pcrs.8 (line 3, column 18): found a number, expected a string; `+
		`invalid-field: images[1].color (line 3, column 31): unknown key, expected "name", "pcrs", "exchange" and "source"; `+
		`invalid-field: images[1].name (line 3, column 3): missing or empty; it is what a verdict calls the image`)
	_, err = readPolicy(`{"images": [{"name": "v1", "pcrs": {"0": "<00>"}}, {"name": "v1", "pcrs": {"3": "<a3>"}}]}`)
	for _, reason := range []pcr.Reason{pcr.ZeroRegister, pcr.DuplicateName, pcr.PinsNoCode} {
		require.ErrorIs(t, err, reason)
	}
	var first *pcr.Error
	require.ErrorAs(t, err, &first)
	assert.Equal(t, pcr.Error{Reason: pcr.ZeroRegister, Field: "images[0].pcrs.0", Line: 1, Column: 42, Detail: first.Detail}, *first)

	_, err = readPolicy(`{"images": [` + strings.Repeat(`1,`, 99) + `1]}`)
	require.ErrorContains(t, err, "images[9]")
	require.ErrorContains(t, err, "; and 90 more")
	require.NotContains(t, err.Error(), "images[10]")
}

// A hostile text costs a small multiple of its size.
func TestReadPolicyBoundsItsMemory(t *testing.T) {
	const size = 1 << 20
	for name, text := range map[string]string{
		"numbers": "[" + strings.Repeat("0,", size/2-2) + "0]",
		"arrays":  "[" + strings.Repeat("[],", size/3-2) + "[]]",
		"objects": "[" + strings.Repeat("{},", size/3-2) + "{}]",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := readPolicy(text)
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, pcr.MalformedPolicy, name)
		require.ErrorContains(t, err, "found more than 50000 values", name)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32*size), name)
	}
}
