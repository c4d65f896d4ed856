package pcr

import (
	"fmt"
	"slices"
)

// platform holds what differs between the registers of a Nitro enclave and
// those of an EC2 instance with NitroTPM.
type platform struct {
	kind Kind
	// refusesRegister says why a value cannot be a reference value, or nothing.
	refusesRegister func(register int, value Value) (Reason, string)
	// refusesSet says why registers together pin no code, or nothing.
	refusesSet func(Bank) string
	// hashNames are the spellings of SHA-384 in the output of AWS's tools.
	hashNames []string
	// kmsImage and kmsPCR are condition keys of AWS KMS: the one that names a
	// whole image, if there is one, and the beginning of those for registers.
	kmsImage, kmsPCR string
}

func (k Kind) platform() *platform {
	if k == NitroTPM {
		return nitroTPM
	}
	return enclave
}

// enclave is described in AWS Nitro Enclaves User Guide, "Cryptographic
// attestation". nitro-cli prints the debug form of its hasher, which has had
// two names.
var enclave = &platform{
	kind: "",
	refusesRegister: func(_ int, value Value) (Reason, string) {
		if value.IsZero() {
			return ZeroRegister, "all zero: zero is no measurement and would match an enclave in debug mode or an unused register"
		}
		return "", ""
	},
	refusesSet: pinsNoEnclave,
	hashNames:  []string{"Sha384", "Sha512_48"},
	kmsImage:   kmsPrefix + "ImageSha384", // another name for PCR0
	kmsPCR:     kmsPrefix + "PCR",
}

func (b Bank) has(registers ...int) bool {
	return !slices.ContainsFunc(registers, func(register int) bool {
		_, ok := b[register]
		return !ok
	})
}

// registerSandboxPolicy is where the guest of a Nitro Sandbox on EKS measures the
// pod's policy (EKS User Guide, "Run a pod in confidential mode").
const registerSandboxPolicy = 17

func pinsNoEnclave(b Bank) string {
	const list = "pins no code: list PCR0, or PCR1 with PCR2, or PCR8"
	switch {
	case b.has(RegisterImage), b.has(RegisterKernel, RegisterApplication), b.has(RegisterCertificate):
		return ""
	case b.has(RegisterKernel):
		return list + "; PCR1 is the kernel, which runs any application"
	case b.has(RegisterApplication):
		return list + "; PCR2 is the application, which any kernel can run and change"
	}
	for _, register := range b.Registers() {
		if Enclave.Application(register) {
			detail := fmt.Sprintf("%s; an application extends register %d itself, and any application can give it any such value", list, register)
			if register == registerSandboxPolicy {
				detail += "; that of a Nitro Sandbox's policy belongs beside PCR0, PCR1 and PCR2 of its guest"
			}
			return detail
		}
	}
	return list
}

// nitroTPM is described in EC2 User Guide, "EC2 instance attestation". Which
// registers pin what booted is the subject of GHSA-xrv8-2pf5-f3q7.
var nitroTPM = &platform{
	kind:            NitroTPM,
	refusesRegister: refusesNitroTPM,
	refusesSet:      pinsNoInstance,
	hashNames:       []string{"SHA384", "Sha384"},
	kmsPCR:          kmsPrefix + "NitroTPMPCR",
}

// mayBeZero are the registers of a NitroTPM whose zero says something: nothing
// was extended into them since the start of the instance (or, for the last,
// since it was reset).
var mayBeZero = []int{11, RegisterCommandLine, RegisterSystemExtensions, 14, RegisterUserTPM}

func refusesNitroTPM(register int, value Value) (Reason, string) {
	switch {
	case register == 16, register == RegisterUserTPM && !value.IsZero():
		return InvalidRegister, "the instance can reset this register, so that its value proves nothing"
	case value.IsZero() && !slices.Contains(mayBeZero, register):
		return ZeroRegister, "all zero: nothing was measured; only PCR11, PCR12, PCR13, PCR14 and PCR23 can mean something by it"
	}
	return "", ""
}

// secureBootOff is PCR7 where Secure Boot is off and no variable is set, as on
// an instance whose AMI has no UEFI data. Package uki computes it, and AWS's
// tool prints it.
var secureBootOff = mustParse("98441c7f7625d10058c47683aec486ce311c633235eb555593a7ee791121e3578ae72d04ecef661f272d59058b77af35")

// mustParse is for constants.
func mustParse(digits string) Value {
	value, err := ParseValue(digits)
	if err != nil {
		panic("pcr: " + err.Error())
	}
	return value
}

// pinsNoInstance asks for PCR13 whatever else there is. systemd-stub adds to the
// initial ramdisk each system extension that it finds beside the image on the
// boot partition, under Secure Boot too, and says so in PCR13 alone
// (systemd-stub(7), from version 250). What the extension holds is code, and
// before systemd 255 nothing asks who signed it.
func pinsNoInstance(b Bank) string {
	const list = "pins no code: list PCR4 with PCR12 and PCR13, or PCR7 of an instance with Secure Boot on with PCR13"
	signer := b.has(RegisterSecureBoot) && b[RegisterSecureBoot] != secureBootOff
	image := b.has(RegisterBootLoader, RegisterCommandLine)
	switch {
	case (signer || image) && b.has(RegisterSystemExtensions):
		return ""
	case signer || image:
		return list + "; system extensions come from outside of the image and are in PCR13 alone, which is zero where there are none"
	case b.has(RegisterBootLoader):
		return list + "; the command line of a stub can come from outside of the image and is in PCR12, which is zero where it does not"
	case b.has(RegisterSecureBoot):
		return list + "; this PCR7 is that of every instance with Secure Boot off"
	}
	return list
}
