package pcr

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Bank is a set of registers by index, 0 to 31. It may be sparse; an index
// that is not in it is absent, which is not the same as zero.
//
// Its JSON form is an object from decimal index to 96 hex digits:
// {"0": "<hex>", "8": "<hex>"}. Reading also takes "PCR0" for "0".
type Bank map[int]Value

// Registers returns the indexes that the bank holds, in ascending order.
func (b Bank) Registers() []int { return slices.Sorted(maps.Keys(b)) }

// Debug reports whether any of registers 0 to 2 is present and zero, which is
// how the hypervisor marks an enclave that was started in debug mode: its
// console can be read by the parent instance. The other registers keep their
// values in debug mode.
func (b Bank) Debug() bool {
	for register := RegisterImage; register <= RegisterApplication; register++ {
		if value, ok := b[register]; ok && value.IsZero() {
			return true
		}
	}
	return false
}

// UnmarshalJSON implements [encoding/json.Unmarshaler]. Unlike a plain map it
// refuses repeated registers, indexes beyond 31 and null.
func (b *Bank) UnmarshalJSON(data []byte) error {
	n, err := parseJSON(&document{text: data}, 0)
	if err != nil {
		return err
	}
	bank, err := readBank(n)
	if err != nil {
		return err
	}
	*b = bank
	return nil
}

func readBank(n node) (Bank, error) {
	members, err := n.object()
	if err != nil {
		return nil, err
	}
	bank := make(Bank, len(members))
	var wrong mistakes
	for _, m := range members {
		wrong.add(bank.read(m))
	}
	return bank, wrong.err()
}

// read adds one register.
func (b Bank) read(m member) error {
	register, ok := parseRegister(m.name)
	if !ok {
		return m.value.errorf("found register %q, expected \"0\" to \"31\" or \"PCR0\" to \"PCR31\"", m.name)
	}
	if _, ok := b[register]; ok {
		return m.value.errorf("register %d is given twice", register)
	}
	value, err := readValue(m.value)
	b[register] = value
	return err
}

// readValue takes the digits with 0x before them too, as some publishers write
// them.
func readValue(n node) (Value, error) {
	text, err := n.text()
	if err != nil {
		return Value{}, err
	}
	return exactValue(n, strings.TrimPrefix(text, "0x"))
}

func exactValue(n node, text string) (Value, error) {
	value, fault := parseValue(text)
	if fault != "" {
		return Value{}, n.errorf("%s", fault)
	}
	return value, nil
}

// ParseRegister reads the name of a register: "0", "PCR0" or "pcr0". Only the
// shortest decimal form counts: "+0" and "00" are errors.
func ParseRegister(name string) (int, error) {
	register, ok := parseRegister(name)
	if !ok {
		register, ok = parsePCR(name)
	}
	if !ok {
		return 0, &Error{Reason: InvalidRegister, Detail: fmt.Sprintf("found %q, expected \"0\" to \"31\" or \"PCR0\" to \"PCR31\"", name)}
	}
	return register, nil
}

// parseRegister reads "0" or "PCR0". Only the shortest decimal form counts, so
// that no two spellings of one register can stand side by side unnoticed.
func parseRegister(name string) (int, bool) {
	digits := strings.TrimPrefix(name, "PCR")
	register, err := strconv.Atoi(digits)
	if err != nil || strconv.Itoa(register) != digits || register < 0 || register >= MaxRegisters {
		return 0, false
	}
	return register, true
}
