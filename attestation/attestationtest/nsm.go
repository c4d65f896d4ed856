package attestationtest

import (
	"fmt"

	"github.com/fxamacker/cbor/v2"

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

// maxRequest is the longest request that the device /dev/nsm passes on.
const maxRequest = 0x1000

// nsmDecoding is strict where a request could be read in two ways.
var nsmDecoding = func() cbor.DecMode {
	mode, _ := cbor.DecOptions{ // fails for contradictory options only
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	}.DecMode()
	return mode
}()

// arguments are those of every request. Nil is absent or null.
type arguments struct {
	Index     *uint16 `cbor:"index"`
	Range     *uint16 `cbor:"range"`
	Data      *[]byte `cbor:"data"`
	UserData  []byte  `cbor:"user_data"`
	Nonce     []byte  `cbor:"nonce"`
	PublicKey []byte  `cbor:"public_key"`
}

// Process answers a request in the wire form, what an ioctl on /dev/nsm
// carries: CBOR of {"DescribePCR": {"index": 0}}, for example. The answer to
// what is not understood is {"Error": "InvalidOperation"}; there is always an
// answer. Source: src/api of aws/aws-nitro-enclaves-nsm-api.
func (n *NSM) Process(request []byte) []byte {
	response, err := n.process(request)
	if err != nil {
		refused, _ := err.(*nsm.Error) // there is no other
		return pair("Error", cborText(string(refused.Reason)))
	}
	return response
}

func (n *NSM) process(request []byte) ([]byte, error) {
	if len(request) > maxRequest {
		return nil, refusal("request", nsm.InputTooLarge)
	}
	var name string
	if nsmDecoding.Unmarshal(request, &name) == nil {
		return n.processName(name)
	}
	var calls map[string]arguments
	if nsmDecoding.Unmarshal(request, &calls) != nil || len(calls) != 1 {
		return nil, refusal("request", nsm.InvalidOperation)
	}
	var response []byte
	var err error
	for name, a := range calls { // just one
		response, err = n.processCall(name, a)
	}
	return response, err
}

func (n *NSM) processName(name string) ([]byte, error) {
	switch name {
	case "DescribeNSM":
		return pair("DescribeNSM", encodeDescription(n.Describe())), nil
	case "GetRandom":
		return pair("GetRandom", pair("random", cborBytes(n.GetRandom()))), nil
	default:
		return nil, refusal("request", nsm.InvalidOperation)
	}
}

func (n *NSM) processCall(name string, a arguments) ([]byte, error) {
	switch {
	case name == "DescribePCR" && a.Index != nil:
		value, locked, err := n.DescribePCR(int(*a.Index))
		return pair(name, join(cborHead(majorMap, 2),
			cborText("lock"), cborBool(locked), cborText("data"), cborBytes(value[:]))), err
	case name == "ExtendPCR" && a.Index != nil && a.Data != nil:
		value, err := n.ExtendPCR(int(*a.Index), *a.Data)
		return pair(name, pair("data", cborBytes(value[:]))), err
	case name == "LockPCR" && a.Index != nil:
		return cborText(name), n.LockPCR(int(*a.Index))
	case name == "LockPCRs" && a.Range != nil:
		return cborText(name), n.LockPCRs(int(*a.Range))
	case name == "Attestation":
		document, err := n.Attest(a.UserData, a.Nonce, a.PublicKey)
		return pair(name, pair("document", cborBytes(document))), err
	default:
		return nil, refusal("request", nsm.InvalidOperation)
	}
}

func encodeDescription(d nsm.Description) []byte {
	locked := make([][]byte, len(d.LockedPCRs))
	for i, register := range d.LockedPCRs {
		locked[i] = cborInt(int64(register))
	}
	return join(cborHead(majorMap, 7),
		cborText("version_major"), cborInt(int64(d.VersionMajor)),
		cborText("version_minor"), cborInt(int64(d.VersionMinor)),
		cborText("version_patch"), cborInt(int64(d.VersionPatch)),
		cborText("module_id"), cborText(d.ModuleID),
		cborText("max_pcrs"), cborInt(pcr.MaxRegisters),
		cborText("locked_pcrs"), cborArray(locked...),
		cborText("digest"), cborText(d.Digest))
}

// requestAttestation is a request for a document in the wire form.
func requestAttestation(userData, nonce, publicKey []byte) []byte {
	return pair("Attestation", join(cborHead(majorMap, 3),
		cborText("user_data"), cborOptional(userData),
		cborText("nonce"), cborOptional(nonce),
		cborText("public_key"), cborOptional(publicKey)))
}

// pair is a map of one text key.
func pair(key string, value []byte) []byte {
	return join(cborHead(majorMap, 1), cborText(key), value)
}

func cborBool(b bool) []byte {
	if b {
		return []byte{cborTrue}
	}
	return []byte{cborTrue &^ 1}
}

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
