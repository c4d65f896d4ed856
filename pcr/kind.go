package pcr

import (
	"fmt"
	"io"
)

// Kind is what a document attests, and so what its registers mean. Both kinds
// are signed under the same root, so whoever asks for one must refuse the other.
// The zero Kind stands for Enclave wherever one is taken.
type Kind string

const (
	Enclave  Kind = "enclave"  // a Nitro enclave, 32 registers
	NitroTPM Kind = "nitrotpm" // an EC2 instance with NitroTPM, 24 registers
)

// How many registers there are; their indexes begin at 0.
const (
	MaxRegisters      = 32 // of a Nitro Security Module
	NitroTPMRegisters = 24 // of a NitroTPM
)

// Registers of an enclave that the hypervisor fills. 5 to 7 and 9 to 15 are
// reserved and zero.
const (
	RegisterImage       = 0  // the whole image file
	RegisterKernel      = 1  // kernel, command line and boot ramdisk
	RegisterApplication = 2  // the ramdisks after the first
	RegisterRole        = 3  // IAM role of the parent instance
	RegisterInstance    = 4  // ID of the parent instance
	RegisterCertificate = 8  // certificate that signed the image file
	RegisterUser        = 16 // the first of those the application may extend
)

// Registers of an EC2 instance with NitroTPM that say what booted (TCG PC
// Client Platform Firmware Profile, section 3.3.4; EC2 User Guide, "EC2 instance
// attestation"; systemd-stub(7)). The registers of one kind of document mean
// nothing for the other.
const (
	RegisterBootLoader  = 4  // boot loader and kernel image
	RegisterSecureBoot  = 7  // Secure Boot state and keys
	RegisterCommandLine = 12 // kernel command line, zero unless it was overridden
	// RegisterSystemExtensions is what systemd-stub adds to the initial ramdisk
	// from the boot partition, zero unless there is something. No other register
	// says so.
	RegisterSystemExtensions = 13
	RegisterUserTPM          = 23 // "application support"; the instance can reset it
)

// Validate returns an error unless k is one of the two kinds, or zero.
func (k Kind) Validate() error {
	switch k {
	case "", Enclave, NitroTPM:
		return nil
	}
	return &Error{Reason: WrongKind, Detail: fmt.Sprintf("found %q, expected %q or %q", string(k), Enclave, NitroTPM)}
}

// Is reports whether k and other are the same kind.
func (k Kind) Is(other Kind) bool { return k.canonical() == other.canonical() }

// canonical is the zero Kind for enclaves, as policies carry it.
func (k Kind) canonical() Kind {
	if k == Enclave {
		return ""
	}
	return k
}

// name is what k is called in texts.
func (k Kind) name() Kind {
	if k == "" {
		return Enclave
	}
	return k
}

// Registers returns how many registers documents of this kind may have; their
// indexes begin at 0.
func (k Kind) Registers() int {
	if k == NitroTPM {
		return NitroTPMRegisters
	}
	return MaxRegisters
}

// Application reports whether a register is extended after what an image of a
// policy pins has booted, by what runs there: 16 to 31 of an enclave; of a
// NitroTPM 8 to 15, those of the operating system, and 16 and 23, which are free
// and which the instance can also reset (TCG PC Client Platform Firmware Profile,
// section 3.3.4). Such a value can belong to one exchange, see Image.Exchange.
func (k Kind) Application(register int) bool {
	if k == NitroTPM {
		return register >= 8 && register <= 16 || register == RegisterUserTPM
	}
	return register >= RegisterUser && register < MaxRegisters
}

// Describe returns in a few words what a register stands for.
func (k Kind) Describe(register int) string {
	if k == NitroTPM {
		return describeNitroTPM(register)
	}
	switch {
	case register == RegisterImage:
		return "enclave image"
	case register == RegisterKernel:
		return "kernel, command line and boot ramdisk"
	case register == RegisterApplication:
		return "application"
	case register == RegisterRole:
		return "IAM role of the parent instance"
	case register == RegisterInstance:
		return "ID of the parent instance"
	case register == RegisterCertificate:
		return "image signing certificate"
	case k.Application(register):
		return "extended by the application"
	}
	return "reserved"
}

func describeNitroTPM(register int) string {
	switch register {
	case 0, 2:
		return "firmware"
	case 1, 3:
		return "firmware configuration"
	case RegisterBootLoader:
		return "boot loader and kernel"
	case 5:
		return "boot configuration"
	case RegisterSecureBoot:
		return "Secure Boot state and keys"
	case RegisterCommandLine:
		return "kernel command line"
	case RegisterSystemExtensions:
		return "system extensions"
	case 16, RegisterUserTPM:
		return "can be reset by the instance"
	}
	return "operating system"
}

// ReadPolicy is the function [ReadPolicy] for callers who know the kind that
// they need: what does not say its kind is taken to be of this one, and a
// policy of the other kind is an error.
func (k Kind) ReadPolicy(r io.Reader) (Policy, error) {
	reading, err := Read(r, k.name())
	return reading.Policy, err
}
