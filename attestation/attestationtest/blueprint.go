package attestationtest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"slices"
	"time"

	"github.com/nitroattest/nitroattest/pcr"
)

// Blueprint is an attestation document before it is signed, part by part in
// its encoded form. Whatever is edited in it, [Blueprint.Document] issues the
// certificates and signs everything anew, so that the edit is the only thing
// that is wrong with the result.
//
// Parts that are edited by a function have it called on their encoding just
// before that is used; nil functions edit nothing.
type Blueprint struct {
	// Chain are the certificates, indexed by [Level]. Bundle is what cabundle
	// lists, the chain without its leaf to begin with, and Certificate is what
	// certificate holds, the leaf.
	Chain       []*Certificate
	Bundle      []*Certificate
	Certificate *Certificate

	// Payload are the fields in their order. The values of pcrs, certificate
	// and cabundle are nil, for what PCRs, Certificate and Bundle come to.
	Payload     []Entry
	PCRs        []Entry
	Definite    bool // the payload is a map of definite length
	EditPayload func(encoded []byte) []byte

	Protected   []byte // the contents of the byte string
	Unprotected []byte // encoded

	// Key signs with Hash; nil and zero: the leaf's key with SHA-384.
	// ToBeSigned makes what is signed from the protected header and the
	// payload; nil: the Sig_structure of RFC 9052, section 4.4.
	Key           *ecdsa.PrivateKey
	Hash          crypto.Hash
	ToBeSigned    func(protected, payload []byte) []byte
	EditSignature func(signature []byte) []byte

	// EditElements edits the list of the four encoded elements of the
	// COSE_Sign1 array; EditDocument edits the whole, where a tag would go.
	EditElements func(encoded [][]byte) [][]byte
	EditDocument func(encoded []byte) []byte

	secret secret
	module string
	region string
	time   time.Time
}

// Entry is a key with its value in a CBOR map, both encoded.
type Entry struct {
	Key   []byte
	Value []byte
	Edit  func(value []byte) []byte
}

// protectedES384 is the header {1: -35} (RFC 9053, section 2.1).
var protectedES384 = []byte{0xa1, 0x01, 0x38, 0x22}

func newBlueprint(e *Enclave, request Request, bank pcr.Bank, leaf *Certificate) *Blueprint {
	b := &Blueprint{
		Certificate: leaf,
		Definite:    e.definite,
		Protected:   bytes.Clone(protectedES384),
		Unprotected: cborHead(majorMap, 0),
		secret:      e.secret,
		module:      e.module,
		region:      e.instance.zone.region,
		time:        request.Time,
	}
	for c := leaf; c != nil; c = c.Parent {
		b.Chain = append([]*Certificate{c}, b.Chain...)
	}
	b.Bundle = slices.Clone(b.Chain[:len(b.Chain)-1])
	for _, register := range bank.Registers() {
		value := bank[register]
		b.PCRs = append(b.PCRs, Entry{Key: cborInt(int64(register)), Value: cborBytes(value[:])})
	}
	registers := "pcrs"
	if e.nitroTPM {
		registers = "nitrotpm_pcrs"
	}
	b.Payload = []Entry{
		{Key: cborText("module_id"), Value: cborText(e.module)},
		{Key: cborText("digest"), Value: cborText("SHA384")},
		{Key: cborText("timestamp"), Value: timestamp(request.Time)},
		{Key: cborText(registers)},
		{Key: cborText("certificate")},
		{Key: cborText("cabundle")},
		{Key: cborText("public_key"), Value: cborOptional(request.PublicKey)},
		{Key: cborText("user_data"), Value: cborOptional(request.UserData)},
		{Key: cborText("nonce"), Value: cborOptional(request.Nonce)},
	}
	return b
}

// timestamp is in milliseconds and always takes 8 bytes, the one number of a
// document that would also fit in fewer if it were small.
func timestamp(t time.Time) []byte { return cborWide(majorUint, uint64(max(0, t.UnixMilli()))) }

// clone copies the certificates, which a draft shares with the enclave.
func (b *Blueprint) clone() *Blueprint {
	out := *b
	out.Chain = slices.Clone(b.Chain)
	for i, c := range b.Chain {
		out.Chain[i] = c.clone()
		if i > 0 {
			out.Chain[i].Parent = out.Chain[i-1]
		}
	}
	last := len(out.Chain) - 1
	out.Bundle = slices.Clone(out.Chain[:last])
	out.Certificate = out.Chain[last]
	return &out
}
