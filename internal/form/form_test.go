package form_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/nitroattest/nitroattest/internal/form"
	"github.com/nitroattest/nitroattest/internal/form/formtest"
)

func TestOnly(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"0", "09af", "abcdef0123456789"} {
		assert.True(t, form.Only(text, form.LowerHex), text)
	}
	for _, text := range []string{"", "g", "A", "0 ", " 0", "0a\n", "0g0", "é", "\xff", "0\xff0", "\x000"} {
		assert.False(t, form.Only(text, form.LowerHex), text)
	}
}

func TestParseModuleID(t *testing.T) {
	t.Parallel()
	for id, expected := range map[string]form.ModuleID{
		"i-0123456789abcdef0-enc0123456789abcdef": {Instance: "i-0123456789abcdef0", Type: "enc", Suffix: "0123456789abcdef"},
		"i-0-tpm0000000000000000":                 {Instance: "i-0", Type: "tpm", Suffix: "0000000000000000"},
		"i-0-enc1":                                {Instance: "i-0", Type: "enc", Suffix: "1"},
	} {
		found, ok := form.ParseModuleID(id)
		assert.True(t, ok, id)
		assert.Equal(t, expected, found)
	}
	for _, id := range []string{
		"", "-", "i-", "i-0", "i-0-", "i-0-en", "i-0-enc", "i--enc1", "0-enc1", "I-0-enc1", "i-0-ENC1", "i-0-nsm1",
		"i-0-enc1-enc1", "i-0-enc1g", "i-0g-enc1", "i-0-enc1\n", " i-0-enc1", "i-0--enc1", "i-0-enc-1",
	} {
		_, ok := form.ParseModuleID(id)
		assert.False(t, ok, id)
	}
}

func TestFormsAreThoseOfTheExpressions(t *testing.T) {
	t.Parallel()
	seeds := []string{"i-0123456789abcdef0-enc0123456789abcdef", "i-0-tpm0", "i-0", "9", "f", "F", "z", "Z"}
	for set, expression := range map[string]string{
		form.Digits:       `^[0-9]+$`,
		form.LowerHex:     `^[0-9a-f]+$`,
		form.Hex:          `^[0-9A-Fa-f]+$`,
		form.LowerLetters: `^[a-z]+$`,
		form.Letters:      `^[A-Za-z]+$`,
	} {
		formtest.Compare(t, expression, func(text string) bool { return form.Only(text, set) }, seeds...)
	}
	formtest.Compare(t, `^i-[0-9a-f]+$`, form.IsInstance, seeds...)
	formtest.Compare(t, `^i-[0-9a-f]+-(enc|tpm)[0-9a-f]+$`, func(text string) bool {
		m, ok := form.ParseModuleID(text)
		return ok && m.Instance+"-"+m.Type+m.Suffix == text
	}, seeds...)
}
