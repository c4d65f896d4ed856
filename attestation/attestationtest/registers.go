package attestationtest

import "github.com/nitroattest/nitroattest/pcr"

// bootRegisters is how many registers of an enclave are locked at boot.
const bootRegisters = pcr.RegisterUser

// allOnes is what a TPM's registers 17 to 22 hold unless the platform was
// started for dynamic launch (TCG PC Client Platform TPM Profile, section 4.6).
var allOnes = func() (v pcr.Value) {
	for i := range v {
		v[i] = 0xff
	}
	return v
}()

// registers are those of one enclave or NitroTPM.
type registers [pcr.MaxRegisters]struct {
	value  pcr.Value
	locked bool
	listed bool // in documents
}

func newRegisters(boot pcr.Bank, debug bool) registers {
	var r registers
	for register, value := range boot {
		if register < 0 || register >= len(r) {
			continue
		}
		r[register].value = value
		r[register].locked = register < bootRegisters
		r[register].listed = true
	}
	if debug {
		for register := pcr.RegisterImage; register <= pcr.RegisterApplication; register++ {
			r[register].value = pcr.Value{}
		}
	}
	return r
}

// bank returns what a document lists.
func (r *registers) bank() pcr.Bank {
	bank := pcr.Bank{}
	for register, state := range r {
		if state.listed {
			bank[register] = state.value
		}
	}
	return bank
}

func (r *registers) lockedIndexes() []int {
	var indexes []int
	for register, state := range r {
		if state.locked {
			indexes = append(indexes, register)
		}
	}
	return indexes
}

func (r *registers) lock(register int) {
	r[register].locked = true
	r[register].listed = true
}

func (r *registers) extend(register int, data []byte) pcr.Value {
	r[register].value = r[register].value.Extend(data)
	r[register].listed = true
	return r[register].value
}
