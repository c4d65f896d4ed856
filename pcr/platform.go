package pcr

import "fmt"

// platform holds what differs between the registers of a Nitro enclave and
// those of an EC2 instance with NitroTPM.
type platform struct {
	registers int
	// refusesRegister says why a value cannot be a reference value, or nothing.
	refusesRegister func(register int, value Value) string
	// pins are the sets of registers of which one has to be listed whole.
	pins     [][]int
	pinsText string
	// provesNothing are values by which a register of pins does not count.
	provesNothing Bank
	// hashNames are the spellings of SHA-384 in the output of AWS's tools.
	hashNames []string
	// kmsImage and kmsPCR are condition keys of AWS KMS: the one that names a
	// whole image, if there is one, and the beginning of those for registers.
	kmsImage, kmsPCR string
}

// enclave is described in AWS Nitro Enclaves User Guide, "Cryptographic
// attestation". nitro-cli prints the debug form of its hasher, which has had
// two names.
var enclave = &platform{
	registers: MaxRegisters,
	refusesRegister: func(_ int, value Value) string {
		if value.IsZero() {
			return "all zero: zero is no measurement and would match an enclave in debug mode or an unused register"
		}
		return ""
	},
	pins:      [][]int{{RegisterImage}, {RegisterKernel, RegisterApplication}, {RegisterCertificate}},
	pinsText:  "PCR0, or PCR1 with PCR2, or PCR8",
	hashNames: []string{"Sha384", "Sha512_48"},
	kmsImage:  kmsPrefix + "ImageSha384", // another name for PCR0
	kmsPCR:    kmsPrefix + "PCR",
}

// nitroTPM is described in EC2 User Guide, "EC2 instance attestation". Which
// registers pin what booted is the subject of GHSA-xrv8-2pf5-f3q7.
var nitroTPM = &platform{
	registers: NitroTPMRegisters,
	refusesRegister: func(register int, value Value) string {
		switch {
		case register == 16 || register == 23:
			return "the instance can reset this register, so that its value proves nothing"
		case value.IsZero() && register != RegisterCommandLine && register != RegisterSystemExtensions:
			return fmt.Sprintf("all zero: nothing was measured; only PCR%d and PCR%d can mean something by it", RegisterCommandLine, RegisterSystemExtensions)
		}
		return ""
	},
	pins:     [][]int{{RegisterBootLoader, RegisterCommandLine}, {RegisterSecureBoot}},
	pinsText: "PCR4 with PCR12, or PCR7 of an instance with Secure Boot on",
	// With Secure Boot off and no keys enrolled, PCR7 is the same whatever boots.
	provesNothing: Bank{RegisterSecureBoot: secureBootOff},
	hashNames:     []string{"SHA384", "Sha384"},
	kmsPCR:        kmsPrefix + "NitroTPMPCR",
}
