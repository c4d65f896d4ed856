package pcr

// MaxRegisters is how many registers a Nitro Security Module has; their
// indexes are 0 to 31.
const MaxRegisters = 32

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

func describeEnclave(register int) string {
	switch register {
	case RegisterImage:
		return "enclave image"
	case RegisterKernel:
		return "kernel, command line and boot ramdisk"
	case RegisterApplication:
		return "application"
	case RegisterRole:
		return "IAM role of the parent instance"
	case RegisterInstance:
		return "ID of the parent instance"
	case RegisterCertificate:
		return "image signing certificate"
	}
	if register >= RegisterUser && register < MaxRegisters {
		return "extended by the application"
	}
	return "reserved"
}
