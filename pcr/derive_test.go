package pcr_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/pcr"
)

// Known answers from AWS's documentation of PCR3 and PCR4.
func TestDerivedRegistersHaveKnownAnswers(t *testing.T) {
	assert.Equal(t,
		"78fce75db17cd4e0a3fb8dad3ad128ca5e77edbb2b2c7f75329dccd99aa5f6ef4fc1f1a452e315b9e98f9e312e6921e6",
		pcr.ForRole("arn:aws:iam::123456789012:role/Webserver").String())
	assert.Equal(t,
		"08f996b5d43e047a9eb51e7f548bfee7e164fd7dc8f65541f2ac09d6545ac812719327281c401a67a10fcba87ae79ce0",
		pcr.ForInstance("i-1234567890abcdef0").String())
}

// The empty application of a one-ramdisk image: SHA-384 of nothing, extended
// into zeros, as AWS's image format documents it for PCR2.
func TestForCertificateHashesItsInputFirst(t *testing.T) {
	assert.Equal(t,
		"21b9efbc184807662e966d34f390821309eeac6802309798826296bf3e8bec7c10edb30948c90ba67310f7b964fc500a",
		pcr.ForCertificate(nil).String())
}

func TestValueTextForm(t *testing.T) {
	want := pcr.ForInstance("i-1234567890abcdef0")
	got, err := pcr.ParseValue("08F996B5D43E047A9EB51E7F548BFEE7E164FD7DC8F65541F2AC09D6545AC812719327281C401A67A10FCBA87AE79CE0")
	require.NoError(t, err)
	assert.Equal(t, want, got)

	for _, text := range []string{"", "00", want.String()[1:], want.String() + "0", want.String()[:95] + "g"} {
		kept := want
		assert.ErrorContains(t, kept.UnmarshalText([]byte(text)), "96 hex digits", text)
		assert.Equal(t, want, kept, "a failed read leaves the value alone")
	}
}
