package pcr_test

import (
	"strings"
	"testing"

	"github.com/nitroattest/nitroattest/internal/form/formtest"
	"github.com/nitroattest/nitroattest/pcr"
)

func TestFormsAreThoseOfTheExpressions(t *testing.T) {
	t.Parallel()
	digits := strings.Repeat("0f", 48)
	formtest.Compare(t, `^[0-9A-Za-z:_-]+$`, pcr.IsPlain, "PCR0", "a:b_c-d")
	formtest.Compare(t, `^\S+[ \t]+(?i:PCR)[0-9]*$`, pcr.IsRegisterLine, "00ff PCR0", "00ff\t pcr31", "0 Pcr", "PCR0", "a b PCR0")
	formtest.Compare(t, `^(?i:0x)?[0-9A-Fa-f]{96}$`, pcr.IsBareValue, digits, "0x"+digits, "0X"+digits, "0x")
}
