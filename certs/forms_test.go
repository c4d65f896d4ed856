package certs_test

import (
	"testing"

	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/internal/form/formtest"
)

func TestFormsAreThoseOfTheExpressions(t *testing.T) {
	t.Parallel()
	formtest.Compare(t, `^i-[0-9a-f]+(-enc[0-9a-f]{16}|-tpm[0-9a-f]+)?$`, certs.CanBeDenied,
		"i-0123456789abcdef0-enc0123456789abcdef", "i-0123456789abcdef0-tpm0000000000000000", "i-0-tpm12", "i-0123456789abcdef0")
	formtest.Compare(t, `^[0-9]+(\.[0-9]+)+$`, certs.IsDottedOID, "2.5.4.3", "1.2", "2", "..")
}
