package nsm

import (
	"github.com/nitroattest/nitroattest/pcr"
)

// Attest returns an attestation document with the given fields, each of which
// is null in the document if it is nil. The fields can have at most 1024 bytes
// each, and less if all three are used: the whole request has to fit in 4096
// bytes, or the error is InputTooLarge.
func (d *Device) Attest(userData, nonce, publicKey []byte) ([]byte, error) {
	var result struct {
		Document []byte `cbor:"document"`
	}
	err := d.call("Attestation", struct {
		UserData  []byte `cbor:"user_data"`
		Nonce     []byte `cbor:"nonce"`
		PublicKey []byte `cbor:"public_key"`
	}{userData, nonce, publicKey}, &result)
	if err != nil {
		return nil, err
	}
	if len(result.Document) == 0 {
		return nil, during("Attestation", refuse(InvalidResponse, "found no document"))
	}
	return result.Document, nil
}

// Description is what a module says of itself.
type Description struct {
	VersionMajor uint16 `cbor:"version_major"`
	VersionMinor uint16 `cbor:"version_minor"`
	VersionPatch uint16 `cbor:"version_patch"`
	ModuleID     string `cbor:"module_id"`
	MaxPCRs      uint16 `cbor:"max_pcrs"`
	LockedPCRs   []int  `cbor:"locked_pcrs"`
	Digest       string `cbor:"digest"` // "SHA384"
}

// Describe returns the module's description.
func (d *Device) Describe() (Description, error) {
	var result Description
	if err := d.call("DescribeNSM", nil, &result); err != nil {
		return Description{}, err
	}
	return result, nil
}

// GetRandom returns random bytes from the hypervisor, 256 in the modules of
// today. They are more entropy for an enclave's kernel, which has few sources
// of its own; they are not a replacement for crypto/rand.
func (d *Device) GetRandom() ([]byte, error) {
	var result struct {
		Random []byte `cbor:"random"`
	}
	if err := d.call("GetRandom", nil, &result); err != nil {
		return nil, err
	}
	if len(result.Random) == 0 {
		return nil, during("GetRandom", refuse(InvalidResponse, "found no bytes"))
	}
	return result.Random, nil
}

type registerIndex struct {
	Index uint16 `cbor:"index"`
}

// DescribePCR returns a register and whether it is locked.
func (d *Device) DescribePCR(index int) (value pcr.Value, locked bool, err error) {
	if err := checkRegister("DescribePCR", index, pcr.MaxRegisters-1); err != nil {
		return pcr.Value{}, false, err
	}
	var result struct {
		Lock bool   `cbor:"lock"`
		Data []byte `cbor:"data"`
	}
	if err := d.call("DescribePCR", registerIndex{uint16(index)}, &result); err != nil {
		return pcr.Value{}, false, err
	}
	value, err = registerValue("DescribePCR", result.Data)
	return value, result.Lock && err == nil, err
}

// ExtendPCR replaces a register by SHA-384 over its value and data, and returns
// the new value. Registers 0 to 15 are locked from the start; 16 to 31 are the
// application's own.
func (d *Device) ExtendPCR(index int, data []byte) (pcr.Value, error) {
	if err := checkRegister("ExtendPCR", index, pcr.MaxRegisters-1); err != nil {
		return pcr.Value{}, err
	}
	var result struct {
		Data []byte `cbor:"data"`
	}
	err := d.call("ExtendPCR", struct {
		Index uint16 `cbor:"index"`
		Data  []byte `cbor:"data"`
	}{uint16(index), append([]byte{}, data...)}, &result) // null is no data
	if err != nil {
		return pcr.Value{}, err
	}
	return registerValue("ExtendPCR", result.Data)
}

// LockPCR locks a register until the enclave ends.
func (d *Device) LockPCR(index int) error {
	if err := checkRegister("LockPCR", index, pcr.MaxRegisters-1); err != nil {
		return err
	}
	return d.call("LockPCR", registerIndex{uint16(index)}, nil)
}

// LockPCRs locks the registers from 0 to count-1.
func (d *Device) LockPCRs(count int) error {
	if err := checkRegister("LockPCRs", count, pcr.MaxRegisters); err != nil {
		return err
	}
	return d.call("LockPCRs", struct {
		Range uint16 `cbor:"range"`
	}{uint16(count)}, nil)
}

func checkRegister(request string, index, most int) error {
	if index < 0 || index > most {
		return during(request, refuse(InvalidIndex, "found %d, expected 0 to %d", index, most))
	}
	return nil
}

func registerValue(name string, data []byte) (pcr.Value, error) {
	if len(data) != pcr.Size {
		return pcr.Value{}, during(name, refuse(InvalidResponse, "found a register of %d bytes, expected %d", len(data), pcr.Size))
	}
	return pcr.Value(data), nil
}
