package attestationtest

import (
	"github.com/fxamacker/cbor/v2"

	"github.com/nitroattest/nitroattest/attestation/nsm"
	"github.com/nitroattest/nitroattest/pcr"
)

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
