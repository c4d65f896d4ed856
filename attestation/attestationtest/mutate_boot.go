package attestationtest

import (
	"strconv"

	"github.com/nitroattest/nitroattest/pcr"
)

// bootMutations change what a NitroTPM measured while its instance booted.
func bootMutations() []Mutation {
	var all []Mutation
	for _, register := range []int{pcr.RegisterBootLoader, pcr.RegisterSecureBoot, pcr.RegisterCommandLine} {
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
