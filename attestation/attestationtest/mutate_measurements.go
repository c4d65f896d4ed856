package attestationtest

import (
	"fmt"
	"strconv"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/pcr"
)

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
