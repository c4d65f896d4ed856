package attestationtest

import (
	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/pcr"
)

// manifest is what the exchange of these mutations expects the application to
// have measured into registers 16 and 17, and nothing into 18.
func manifest(c *Case) {
	c.PCRs = pcr.Bank{
		16: pcr.Value{}.Extend([]byte("manifest")),
		17: pcr.Value{}.Extend([]byte("manifest")).Extend([]byte("configuration")),
		18: {},
	}
}

// expected changes a register that the exchange expects.
func expected(name, comment string, apply func(*Blueprint)) Mutation {
	return Mutation{
		Name: "exchange-" + name, Topic: TopicExchangeRegisters, Reason: attestation.RegisterMismatch, Comment: comment,
		Arrange: manifest, Apply: apply,
	}
}

// null expects a field to be null.
func null(field string, reason attestation.Reason, arrange func(*Case)) []Mutation {
	mutation := func(name, comment string, value []byte) Mutation {
		return Mutation{
			Name: "expected-no-" + dashed(field) + "-" + name, Topic: TopicBinding, Reason: reason, Comment: field + " " + comment + ", where it has to be null",
			Arrange: arrange, Apply: func(b *Blueprint) { b.Set(field, cborBytes(value)) },
		}
	}
	return []Mutation{mutation("some", "has a byte", []byte{1}), mutation("empty", "is there and empty", nil)}
}

func noUserData(c *Case)  { c.UserData, c.NoUserData = nil, true }
func noPublicKey(c *Case) { c.PublicKey, c.NoPublicKey = nil, true }

func exchangeMutations() []Mutation {
	out := []Mutation{
		expected("bit", "register 16 differs from what the exchange expects in its last bit", func(b *Blueprint) { b.flipRegister(16) }),
		expected("missing", "register 17 is not listed, where the exchange expects a value", func(b *Blueprint) { b.RemovePCR(17) }),
		expected("zero", "register 17 is zero, where the exchange expects a value: nothing was measured", func(b *Blueprint) { b.SetPCR(17, pcr.Value{}) }),
		expected("not-zero", "register 18 was extended, where the exchange expects zero", func(b *Blueprint) {
			b.SetPCR(18, pcr.Value{}.Extend([]byte("more")))
		}),
		expected("zero-missing", "register 18 is not listed, where the exchange expects it to be there and zero", func(b *Blueprint) { b.RemovePCR(18) }),
		expected("swapped", "registers 16 and 17 have each other's value", func(b *Blueprint) {
			one, two := b.register(16), b.register(17)
			one.Value, two.Value = two.Value, one.Value
		}),
	}
	out = append(out, null("user_data", attestation.UserDataMismatch, noUserData)...)
	return append(out, null("public_key", attestation.PublicKeyMismatch, noPublicKey)...)
}

func exchangeVariations() []Mutation {
	registers := variation(TopicExchangeRegisters, "exchange-registers", "the exchange expects registers 16 to 18, of which the last is zero, and finds them", nil)
	registers.Arrange = manifest
	others := variation(TopicExchangeRegisters, "exchange-other-registers", "register 31, of which the exchange expects nothing, was extended", func(b *Blueprint) {
		b.SetPCR(31, pcr.Value{}.Extend([]byte("more")))
	})
	others.Arrange = manifest
	nothing := variation(TopicBinding, "no-user-data-and-no-public-key", "user_data and public_key are null, as they have to be", nil)
	nothing.Arrange = func(c *Case) { noUserData(c); noPublicKey(c) }
	return []Mutation{registers, others, nothing}
}
