package attestationtest

import (
	"time"

	"github.com/nitroattest/nitroattest/pcr"
)

// Option sets up a [Hypervisor].
type Option interface{ apply(*config) }

// ZoneOption sets up a zone; it is an [Option] too.
type ZoneOption interface {
	Option
	zone()
}

// InstanceOption sets up an instance; it is an [Option] too.
type InstanceOption interface {
	Option
	instance()
}

// EnclaveOption sets up an enclave; it is an [Option] too.
type EnclaveOption interface {
	Option
	enclave()
}

type config struct {
	seed  []byte
	clock func() time.Time

	region string

	instanceID string
	role       string

	enclaveID string
	image     pcr.Bank
	debug     bool
	definite  bool
	nitroTPM  bool
	sandbox   pcr.Bank
}

type (
	option         func(*config)
	zoneOption     func(*config)
	instanceOption func(*config)
	enclaveOption  func(*config)
)

func (o option) apply(c *config)         { o(c) }
func (o zoneOption) apply(c *config)     { o(c) }
func (o instanceOption) apply(c *config) { o(c) }
func (o enclaveOption) apply(c *config)  { o(c) }
func (zoneOption) zone()                 {}
func (instanceOption) instance()         {}
func (enclaveOption) enclave()           {}

// collect applies options to what they start from.
func collect[O Option](c config, options []O) config {
	for _, o := range options {
		o.apply(&c)
	}
	return c
}

// WithSeed makes the hypervisor deterministic: everything it would choose at
// random follows from the seed, private keys included. Whoever knows the seed
// can sign for the hypervisor. The same seed and the same requests at the same
// times yield the same documents, byte for byte.
func WithSeed(seed []byte) Option {
	return option(func(c *config) { c.seed = append([]byte{}, seed...) })
}

// WithClock sets the clock that requests without a time of their own go by;
// the default is [time.Now].
func WithClock(now func() time.Time) Option { return option(func(c *config) { c.clock = now }) }

// WithTime stops the clock at t.
func WithTime(t time.Time) Option { return WithClock(func() time.Time { return t }) }

// WithRegion sets the region, "us-east-1" by default.
func WithRegion(name string) ZoneOption { return zoneOption(func(c *config) { c.region = name }) }

// WithInstanceID sets the ID of the parent instance, and PCR4 with it. Its form
// is "i-" and 17 hex digits.
func WithInstanceID(id string) InstanceOption {
	return instanceOption(func(c *config) { c.instanceID = id })
}

// WithRole gives the parent instance the IAM role with the ARN, and sets PCR3
// with it. Without it the instance has no role and PCR3 is zero.
func WithRole(arn string) InstanceOption { return instanceOption(func(c *config) { c.role = arn }) }

// WithEnclaveID sets the ID of the enclave, which ends its module ID. Its form
// is 16 hex digits.
func WithEnclaveID(id string) EnclaveOption {
	return enclaveOption(func(c *config) { c.enclaveID = id })
}

// WithImage sets what the enclave's image measures to: PCR0, PCR1 and PCR2,
// and PCR8 when it is signed. Other registers can be set too. Registers that
// are not in the bank keep their default.
func WithImage(measurements pcr.Bank) EnclaveOption {
	return enclaveOption(func(c *config) { c.image = measurements })
}

// WithDebugMode starts the enclave in debug mode: its documents show PCR0,
// PCR1 and PCR2 as zero, and everything else as it is.
func WithDebugMode() EnclaveOption { return enclaveOption(func(c *config) { c.debug = true }) }

// WithDefiniteMap writes the payload as a map of definite length, as in the
// documents that were found from before 2025-05-06. Those from 2025-07-18 on have
// a map of indefinite length.
func WithDefiniteMap() EnclaveOption { return enclaveOption(func(c *config) { c.definite = true }) }

// WithNitroTPM makes what attests not an enclave but the instance itself,
// through its NitroTPM: 24 registers, under the key nitrotpm_pcrs.
func WithNitroTPM() EnclaveOption { return enclaveOption(func(c *config) { c.nitroTPM = true }) }

// WithSandbox makes the enclave stand for a Nitro Sandbox in confidential mode (EC2
// User Guide, "Attest a Nitro Sandbox"): it boots with registers from 16 up that its
// guest measured before the workload began, such as a pod's policy in register 17.
// They can be extended further, and belong to what [Enclave.Image] returns. Other
// registers in the bank are left out.
//
// No document of a sandbox is known. Everything else is an enclave's here, its
// module ID too, of which a genuine one may have another form: give a [Blueprint]
// another one with SetModuleID, and see attestation.Config.InsecureAnyModuleID.
func WithSandbox(measured pcr.Bank) EnclaveOption {
	return enclaveOption(func(c *config) {
		c.sandbox = pcr.Bank{}
		for register, value := range measured {
			if pcr.Enclave.Application(register) {
				c.sandbox[register] = value
			}
		}
	})
}
