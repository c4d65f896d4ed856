package pcr

// NitroTPMRegisters is how many registers a NitroTPM has; their indexes are 0
// to 23.
const NitroTPMRegisters = 24

// Registers of an EC2 instance with NitroTPM that say what booted (TCG PC
// Client Platform Firmware Profile, section 3.3.4; EC2 User Guide, "EC2 instance
// attestation"). The registers of one kind of document mean nothing for the
// other.
const (
	RegisterBootLoader  = 4  // boot loader and kernel image
	RegisterSecureBoot  = 7  // Secure Boot state and keys
	RegisterCommandLine = 12 // kernel command line, zero unless it was overridden
	// RegisterSystemExtensions is what systemd-stub adds from outside of a
	// unified kernel image, zero unless there is something. PCR4 and PCR12 do
	// not say so.
	RegisterSystemExtensions = 13
)

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
	case 16, 23:
		return "can be reset by the instance"
	}
	return "operating system"
}
