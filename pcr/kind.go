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

// Validate returns an error unless k is one of the two kinds, or zero.
func (k Kind) Validate() error {
	switch k {
	case "", Enclave, NitroTPM:
		return nil
	}
	return fmt.Errorf("found the kind %q, expected %q or %q", string(k), Enclave, NitroTPM)
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

// Describe returns in a few words what a register stands for.
func (k Kind) Describe(register int) string {
	if k == NitroTPM {
		return describeNitroTPM(register)
	}
	return describeEnclave(register)
}

// ReadPolicy is the function [ReadPolicy] for callers who know the kind that
// they need: what does not say its kind is taken to be of this one, and a
// policy of the other kind is an error.
func (k Kind) ReadPolicy(r io.Reader) (Policy, error) {
	if err := k.Validate(); err != nil {
		return Policy{}, fmt.Errorf("policy: %w", err)
	}
	return reader{kind: k.canonical(), fixed: true}.read(r)
}

func (k Kind) platform() *platform {
	if k == NitroTPM {
		return nitroTPM
	}
	return enclave
}
