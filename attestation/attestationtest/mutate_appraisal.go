package attestationtest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/pcr"
)

// stamped moves the timestamp.
func stamped(reason attestation.Reason, name, comment string, f func(b *Blueprint) []byte) Mutation {
	return Mutation{
		Name: "timestamp-" + name, Topic: TopicFreshness, Reason: reason, Comment: comment,
		Apply: func(b *Blueprint) { b.Set("timestamp", f(b)) },
	}
}

func timestampMutations() []Mutation {
	const stale, outOfRange = attestation.Stale, attestation.TimestampOutOfRange
	at := func(offset time.Duration) func(*Blueprint) []byte {
		return func(b *Blueprint) []byte { return timestamp(b.judged().Add(offset)) }
	}
	// Without an age limit, the bounds that the leaf sets are what is left.
	unlimited := func(m Mutation) Mutation {
		m.Arrange = func(c *Case) { c.MaxAge = 0 }
		return m
	}
	return []Mutation{
		stamped(stale, "stale", "the document is one millisecond older than the limit; its leaf has been in use for an hour",
			at(-caseMaxAge-time.Millisecond)),
		stamped(stale, "half-an-hour-old", "the document is half an hour old", at(-30*time.Minute)),
		stamped(outOfRange, "in-an-hour", "the document is from an hour ahead, within its leaf's validity", at(time.Hour)),
		unlimited(stamped(outOfRange, "in-seconds", "the timestamp is in seconds, and so in January 1970", func(b *Blueprint) []byte {
			return cborWide(majorUint, uint64(b.time.Unix()))
		})),
		stamped(outOfRange, "in-a-thousand-years", "the document is from a thousand years ahead, further than 64 bits of nanoseconds reach", func(b *Blueprint) []byte {
			return timestamp(b.time.AddDate(1000, 0, 0))
		}),
		unlimited(stamped(outOfRange, "one-millisecond", "the timestamp is 1, the earliest that is not zero", func(*Blueprint) []byte {
			return cborWide(majorUint, 1)
		})),
		unlimited(stamped(outOfRange, "before-leaf", "the document is a millisecond older than its leaf", func(b *Blueprint) []byte {
			return timestamp(b.Certificate.NotBefore.Add(-time.Millisecond))
		})),
		{
			Name: "timestamp-before-new-leaf", Topic: TopicFreshness, Reason: outOfRange,
			Comment: "the leaf became valid ten seconds after the document was made, within the age limit",
			Apply:   func(b *Blueprint) { b.Certificate.NotBefore = b.time.Add(10 * time.Second) },
		},
		{
			Name: "timestamp-after-leaf", Topic: TopicFreshness, Reason: outOfRange,
			Comment: "the document is two seconds ahead, as clocks may differ, and its leaf expires in one",
			Apply: func(b *Blueprint) {
				b.Certificate.NotAfter = b.judged().Add(time.Second)
				b.Set("timestamp", timestamp(b.judged().Add(2*time.Second)))
			},
		},
	}
}

// variant is one way in which a value can differ from the expected one.
type variant struct {
	name, comment string
	value         func(b *Blueprint, expected []byte) []byte // nil: null
}

// variants are the ways of every field with an expected value.
var variants = []variant{
	{"null", "is null", func(*Blueprint, []byte) []byte { return nil }},
	{"empty", "is empty", func(*Blueprint, []byte) []byte { return []byte{} }},
	{"first-bit", "differs in its first bit", func(_ *Blueprint, v []byte) []byte { v[0] ^= 0x80; return v }},
	{"last-bit", "differs in its last bit", func(_ *Blueprint, v []byte) []byte { v[len(v)-1] ^= 1; return v }},
	{"short", "lacks its last byte", func(_ *Blueprint, v []byte) []byte { return v[:len(v)-1] }},
	{"prefix", "is the first byte of what is expected", func(_ *Blueprint, v []byte) []byte { return v[:1] }},
	{"long", "has a zero byte at its end", func(_ *Blueprint, v []byte) []byte { return append(v, 0) }},
	{"twice", "is what is expected, twice", func(_ *Blueprint, v []byte) []byte { return append(v, v...) }},
	{"zeros", "is as long as it has to be, and zero", func(_ *Blueprint, v []byte) []byte { return make([]byte, len(v)) }},
	{"other", "is another of the same length", func(b *Blueprint, v []byte) []byte { return b.random("other", len(v)) }},
}

// differing makes a mutation of every variant of a field.
func differing(field string, topic Topic, reason attestation.Reason) []Mutation {
	var all []Mutation
	for _, v := range variants {
		all = append(all, Mutation{
			Name: "expected-" + dashed(field) + "-" + v.name, Topic: topic, Reason: reason,
			Comment: field + " " + v.comment,
			Apply: func(b *Blueprint) {
				expected := []byte{0} // stands in for a field that holds nothing to vary
				if content := contentOf(b.field(field).Value); len(content) > 0 {
					expected = slices.Clone(content)
				}
				b.Set(field, cborOptional(v.value(b, expected)))
			},
		})
	}
	return append(all, Mutation{
		Name: "expected-" + dashed(field) + "-missing", Topic: topic, Reason: reason,
		Comment: field + " is missing, which means what null means",
		Apply:   func(b *Blueprint) { b.Remove(field) },
	})
}

func nonceMutations() []Mutation {
	return append(differing("nonce", TopicFreshness, attestation.NonceMismatch), Mutation{
		Name: "expected-nonce-in-user-data", Topic: TopicFreshness, Reason: attestation.NonceMismatch,
		Comment: "the nonce stands in user_data, of which nothing is expected, and its own field is null",
		Arrange: func(c *Case) { c.UserData = nil },
		Apply: func(b *Blueprint) {
			b.Set("user_data", b.field("nonce").Value)
			b.Set("nonce", []byte{cborNull})
		},
	})
}

// otherRegister makes up the value of a register, the same wherever it is
// asked for.
func otherRegister(s secret, what string, register int) pcr.Value {
	return pcr.Value(s.bytes(fmt.Sprint("register of ", what, " ", register), pcr.Size))
}

// measured changes registers that both images of a [Case] list.
func measured(topic Topic, name, comment string, apply func(*Blueprint)) Mutation {
	return Mutation{Name: "pcr-" + name, Topic: topic, Reason: attestation.MeasurementMismatch, Comment: comment, Apply: apply}
}

// debugging zeroes registers as debug mode does.
func debugging(name, comment string, registers ...int) Mutation {
	return Mutation{
		Name: "debug-" + name, Topic: TopicDebugMode, Reason: attestation.DebugMode, Comment: comment,
		Apply: func(b *Blueprint) {
			for _, register := range registers {
				b.SetPCR(register, pcr.Value{})
			}
		},
	}
}

// registersOf gives the document registers of the policy's other image.
func registersOf(name, comment string, registers ...int) Mutation {
	return measured(TopicWholeImage, name, comment, func(b *Blueprint) {
		for _, register := range registers {
			b.SetPCR(register, otherRegister(b.secret, "other", register))
		}
	})
}

func measurementMutations() []Mutation {
	all := []Mutation{
		debugging("mode", "debug mode, as the hypervisor shows it: registers 0, 1 and 2 are zero and the others are not", 0, 1, 2),
		debugging("pcr0-only", "PCR0 alone is zero", 0),
		debugging("pcr1-only", "PCR1 alone is zero", 1),
		debugging("pcr2-only", "PCR2 alone is zero", 2),
		debugging("with-signature", "everything that measures the image is zero", 0, 1, 2, 8),
	}
	for _, register := range []int{pcr.RegisterImage, pcr.RegisterKernel, pcr.RegisterApplication, pcr.RegisterCertificate} {
		n := strconv.Itoa(register)
		all = append(all,
			measured(TopicMissingRegister, n+"-bit", "PCR"+n+" differs in its last bit", func(b *Blueprint) {
				b.flipRegister(register)
			}),
			measured(TopicMissingRegister, n+"-missing", "PCR"+n+" is not listed: a loop over the document's registers does not notice", func(b *Blueprint) {
				b.RemovePCR(register)
			}))
	}
	all = append(all, bootMutations()...)
	return append(all,
		measured(TopicMissingRegister, "all-missing", "none of the registers that the policy lists is there; the others are", func(b *Blueprint) {
			for _, register := range []int{0, 1, 2, 8} {
				b.RemovePCR(register)
			}
		}),
		measured(TopicMissingRegister, "8-zero", "PCR8 is zero: the image is not signed", func(b *Blueprint) { b.SetPCR(pcr.RegisterCertificate, pcr.Value{}) }),
		measured(TopicMissingRegister, "1-and-2-swapped", "PCR1 has the value of PCR2, and the reverse", func(b *Blueprint) {
			one, two := b.register(1), b.register(2)
			one.Value, two.Value = two.Value, one.Value
		}),
		measured(TopicMissingRegister, "0-elsewhere", "PCR0 is another, and register 16, which the application fills, has its value", func(b *Blueprint) {
			b.SetPCR(pcr.RegisterUser, pcr.Value(contentOf(b.register(0).Value)))
			b.SetPCR(pcr.RegisterImage, pcr.Value(b.random("register", pcr.Size)))
		}),
		measured(TopicMissingRegister, "all-the-same", "every register has the value of PCR0", func(b *Blueprint) {
			for i := range b.PCRs {
				b.PCRs[i].Value = b.register(0).Value
			}
		}),
		measured(TopicMissingRegister, "other-image", "another image, which no policy lists", func(b *Blueprint) {
			for _, register := range []int{0, 1, 2, 8} {
				b.SetPCR(register, otherRegister(b.secret, "third", register))
			}
		}),
		registersOf("0-of-other-image", "PCR0 is that of the policy's other image, the rest of the right one", 0),
		registersOf("1-of-other-image", "PCR1 is that of the policy's other image", 1),
		registersOf("2-of-other-image", "PCR2 is that of the policy's other image", 2),
		registersOf("8-of-other-image", "PCR8 is that of the policy's other image", 8),
		registersOf("half-of-other-image", "PCR0 and PCR2 are those of the policy's other image", 0, 2),
	)
}

// bootMutations change what a NitroTPM measured while its instance booted.
func bootMutations() []Mutation {
	var all []Mutation
	for _, register := range []int{pcr.RegisterBootLoader, pcr.RegisterSecureBoot, pcr.RegisterCommandLine, pcr.RegisterSystemExtensions} {
		n := strconv.Itoa(register)
		all = append(all,
			measured(TopicMissingRegister, "nitrotpm-"+n+"-bit", "PCR"+n+" of a NitroTPM differs in its last bit", func(b *Blueprint) {
				b.flipRegister(register)
			}),
			measured(TopicMissingRegister, "nitrotpm-"+n+"-missing", "PCR"+n+" of a NitroTPM is not listed", func(b *Blueprint) {
				b.RemovePCR(register)
			}))
	}
	all = append(all,
		measured(TopicMissingRegister, "nitrotpm-command-line", "the kernel command line was overridden: PCR12 of a NitroTPM is not zero", func(b *Blueprint) {
			b.SetPCR(pcr.RegisterCommandLine, pcr.Value{}.Extend([]byte("init=/bin/sh")))
		}),
		measured(TopicMissingRegister, "nitrotpm-system-extension", "a system extension was added from outside of the image: PCR13 of a NitroTPM is not zero", func(b *Blueprint) {
			b.SetPCR(pcr.RegisterSystemExtensions, pcr.Value{}.Extend([]byte("extension")))
		}),
		measured(TopicMissingRegister, "nitrotpm-boot-zero", "PCR4 of a NitroTPM is zero: nothing was measured", func(b *Blueprint) {
			b.SetPCR(pcr.RegisterBootLoader, pcr.Value{})
		}),
		measured(TopicWholeImage, "nitrotpm-boot-of-other-image", "PCR4 of a NitroTPM is that of the policy's other image", func(b *Blueprint) {
			b.SetPCR(pcr.RegisterBootLoader, otherRegister(b.secret, "other", pcr.RegisterBootLoader))
		}))
	for i := range all {
		all[i].NitroTPM = true
	}
	return all
}

// flipRegister changes the last bit of a register's value.
func (b *Blueprint) flipRegister(register int) {
	var value pcr.Value
	copy(value[:], contentOf(b.register(register).Value))
	value[pcr.Size-1] ^= 1
	b.SetPCR(register, value)
}

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
	image := variation(TopicExchangeRegisters, "exchange-of-the-image", "the image needs an expectation of registers 16 and 18, and the exchange has them", nil)
	image.Arrange = func(c *Case) { manifest(c); c.Exchange = []int{16, 18} }
	nothing := variation(TopicBinding, "no-user-data-and-no-public-key", "user_data and public_key are null, as they have to be", nil)
	nothing.Arrange = func(c *Case) { noUserData(c); noPublicKey(c) }
	return []Mutation{registers, others, image, nothing}
}

func bindingMutations() []Mutation {
	return slices.Concat(
		differing("user_data", TopicBinding, attestation.UserDataMismatch),
		differing("public_key", TopicBinding, attestation.PublicKeyMismatch),
		[]Mutation{
			{
				Name: "expected-user-data-empty-is-null", Topic: TopicBinding, Reason: attestation.UserDataMismatch,
				Comment: "user_data is null, where it has to be there and empty",
				Arrange: func(c *Case) { c.UserData = []byte{} },
				Apply:   func(b *Blueprint) { b.Set("user_data", []byte{cborNull}) },
			},
			{
				Name: "expected-public-key-empty-is-null", Topic: TopicBinding, Reason: attestation.PublicKeyMismatch,
				Comment: "public_key is null, where it has to be there and empty",
				Arrange: func(c *Case) { c.PublicKey = []byte{} },
				Apply:   func(b *Blueprint) { b.Set("public_key", []byte{cborNull}) },
			},
			{
				Name: "expected-user-data-empty-is-zero", Topic: TopicBinding, Reason: attestation.UserDataMismatch,
				Comment: "user_data is a zero byte, where it has to be empty",
				Arrange: func(c *Case) { c.UserData = []byte{} },
				Apply:   func(b *Blueprint) { b.Set("user_data", cborBytes([]byte{0})) },
			},
			{
				Name: "expected-user-data-in-public-key", Topic: TopicBinding, Reason: attestation.UserDataMismatch,
				Comment: "what is expected in user_data stands in public_key, of which nothing is expected",
				Arrange: func(c *Case) { c.PublicKey = nil },
				Apply: func(b *Blueprint) {
					b.Set("public_key", b.field("user_data").Value)
					b.Set("user_data", []byte{cborNull})
				},
			},
			{
				Name: "expected-public-key-in-user-data", Topic: TopicBinding, Reason: attestation.PublicKeyMismatch,
				Comment: "what is expected in public_key stands in user_data, of which nothing is expected",
				Arrange: func(c *Case) { c.UserData = nil },
				Apply: func(b *Blueprint) {
					b.Set("user_data", b.field("public_key").Value)
					b.Set("public_key", []byte{cborNull})
				},
			},
		})
}
