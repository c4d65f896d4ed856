package attestation

import (
	"strings"
	"testing"

	"github.com/nitroattest/nitroattest/internal/form/formtest"
)

func TestModuleIDFormsAreThoseOfTheExpressions(t *testing.T) {
	t.Parallel()
	seeds := []string{
		"i-0123456789abcdef0-enc0123456789abcdef", "i-0123456789abcdef0-tpm0000000000000000", "i-0-enc1", "sandbox.1_a-2",
		strings.Repeat("a", 128),
	}
	for kind, expression := range moduleIDForms {
		formtest.Compare(t, expression, func(id string) bool { return knownModuleID(kind, id) }, seeds...)
	}
	formtest.Compare(t, `^[0-9A-Za-z][0-9A-Za-z._-]{0,127}$`, otherModuleID, seeds...)
}
