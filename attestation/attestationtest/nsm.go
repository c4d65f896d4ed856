package attestationtest

import (
	"fmt"

	"github.com/nitroattest/nitroattest/attestation/nsm"
	"github.com/nitroattest/nitroattest/pcr"
)

// NSM is the Nitro Security Module of an enclave, as the program in the
// enclave sees it. It is safe for concurrent use.
type NSM struct{ enclave *Enclave }

// NSM returns the enclave's Nitro Security Module.
func (e *Enclave) NSM() *NSM { return &NSM{e} }

// Describe returns the module's description.
func (n *NSM) Describe() nsm.Description {
	n.enclave.mu.Lock()
	defer n.enclave.mu.Unlock()
	return nsm.Description{
		VersionMajor: 1,
		ModuleID:     n.enclave.module,
		MaxPCRs:      pcr.MaxRegisters,
		LockedPCRs:   n.enclave.registers.lockedIndexes(),
		Digest:       "SHA384",
	}
}

// DescribePCR returns a register and whether it is locked.
func (n *NSM) DescribePCR(index int) (value pcr.Value, locked bool, err error) {
	if index < 0 || index >= pcr.MaxRegisters {
		return pcr.Value{}, false, refusal("DescribePCR", nsm.InvalidIndex)
	}
	n.enclave.mu.Lock()
	defer n.enclave.mu.Unlock()
	register := n.enclave.registers[index]
	return register.value, register.locked, nil
}

// ExtendPCR replaces a register by SHA-384 over its value and data, and
// returns the new value. Registers 0 to 15 are locked at boot.
func (n *NSM) ExtendPCR(index int, data []byte) (pcr.Value, error) {
	n.enclave.mu.Lock()
	defer n.enclave.mu.Unlock()
	if err := n.writable("ExtendPCR", index); err != nil {
		return pcr.Value{}, err
	}
	return n.enclave.registers.extend(index, data), nil
}

// LockPCR locks a register for good.
func (n *NSM) LockPCR(index int) error {
	n.enclave.mu.Lock()
	defer n.enclave.mu.Unlock()
	if err := n.writable("LockPCR", index); err != nil {
		return err
	}
	n.enclave.registers.lock(index)
	return nil
}

// LockPCRs locks the registers from 0 to count-1; those that are locked stay
// so.
func (n *NSM) LockPCRs(count int) error {
	if count < 0 || count > pcr.MaxRegisters {
		return refusal("LockPCRs", nsm.InvalidIndex)
	}
	n.enclave.mu.Lock()
	defer n.enclave.mu.Unlock()
	for index := range count {
		n.enclave.registers.lock(index)
	}
	return nil
}

// Attest returns a document for the clock's time; nil fields are null in it.
func (n *NSM) Attest(userData, nonce, publicKey []byte) ([]byte, error) {
	if len(requestAttestation(userData, nonce, publicKey)) > maxRequest {
		return nil, refusal("Attestation", nsm.InputTooLarge)
	}
	return n.enclave.Attest(Request{UserData: userData, Nonce: nonce, PublicKey: publicKey}), nil
}

// GetRandom returns 256 bytes. Those of a seeded hypervisor are as predictable
// as everything else of it.
func (n *NSM) GetRandom() []byte {
	n.enclave.mu.Lock()
	defer n.enclave.mu.Unlock()
	n.enclave.randoms++
	return n.enclave.secret.bytes(fmt.Sprint("random ", n.enclave.randoms), 256)
}

func (n *NSM) writable(request string, index int) error {
	if index < 0 || index >= pcr.MaxRegisters {
		return refusal(request, nsm.InvalidIndex)
	}
	if n.enclave.registers[index].locked {
		return refusal(request, nsm.ReadOnlyIndex)
	}
	return nil
}

// refusal is what a module answers with, as nsm.Device returns it.
func refusal(request string, reason nsm.Reason) error {
	return &nsm.Error{Reason: reason, Request: request}
}
