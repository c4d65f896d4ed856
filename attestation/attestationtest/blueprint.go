package attestationtest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	_ "crypto/sha256" // for hashes that a mutation asks for
	_ "crypto/sha512"
	"encoding/asn1"
	"math/big"
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

// Set gives a field of the payload an encoded value. A field that is not there
// is added at the end.
func (b *Blueprint) Set(field string, value []byte) {
	if e := find(b.Payload, cborText(field)); e != nil {
		e.Value = value
		return
	}
	b.Payload = append(b.Payload, Entry{Key: cborText(field), Value: value})
}

// Remove leaves a field out of the payload.
func (b *Blueprint) Remove(field string) {
	key := string(cborText(field))
	b.Payload = slices.DeleteFunc(b.Payload, func(e Entry) bool { return string(e.Key) == key })
}

// SetPCR gives a register a value. A register that is not listed is added at
// the end.
func (b *Blueprint) SetPCR(register int, value pcr.Value) {
	if e := find(b.PCRs, cborInt(int64(register))); e != nil {
		e.Value = cborBytes(value[:])
		return
	}
	b.PCRs = append(b.PCRs, Entry{Key: cborInt(int64(register)), Value: cborBytes(value[:])})
}

// RemovePCR leaves a register out.
func (b *Blueprint) RemovePCR(register int) {
	key := string(cborInt(int64(register)))
	b.PCRs = slices.DeleteFunc(b.PCRs, func(e Entry) bool { return string(e.Key) == key })
}

// SetModuleID changes the module ID, in the payload and in the common name of
// the leaf, which has to agree with it.
func (b *Blueprint) SetModuleID(id string) {
	b.Set("module_id", cborText(id))
	b.Chain[LevelLeaf].Subject = instanceName(id + "." + b.region + ".aws")
}

// NewKey returns a P-384 key that nothing certifies. The same label yields the
// same key if the hypervisor has a seed.
func (b *Blueprint) NewKey(label string) *ecdsa.PrivateKey {
	return b.secret.key("blueprint: "+label, elliptic.P384())
}

// field returns a field of the payload. In a document that lacks it, because
// of another edit or another kind, that is one of no document, and editing it
// changes nothing.
func (b *Blueprint) field(name string) *Entry {
	if e := find(b.Payload, cborText(name)); e != nil {
		return e
	}
	return &Entry{}
}

// register is field for a register.
func (b *Blueprint) register(n int) *Entry {
	if e := find(b.PCRs, cborInt(int64(n))); e != nil {
		return e
	}
	return &Entry{}
}

func find(entries []Entry, key []byte) *Entry {
	i := slices.IndexFunc(entries, func(e Entry) bool { return string(e.Key) == string(key) })
	if i < 0 {
		return nil
	}
	return &entries[i]
}

// editField edits the encoding of a field, whether it was derived or set.
func (b *Blueprint) editField(name string, f func([]byte) []byte) { b.field(name).Edit = f }

func (b *Blueprint) random(label string, n int) []byte {
	return b.secret.bytes("blueprint: "+label, n)
}

// Document issues the certificates, signs, and returns the encoded document.
// It yields the same bytes every time.
func (b *Blueprint) Document() []byte {
	payload := edit(b.EditPayload, b.payload())
	key, hash, toBeSigned := b.Key, b.Hash, b.ToBeSigned
	if key == nil && b.Certificate != nil {
		key = b.Certificate.Key
	}
	if hash == 0 {
		hash = crypto.SHA384
	}
	if toBeSigned == nil {
		toBeSigned = sigStructure
	}
	signature := edit(b.EditSignature, signRaw(key, hash, toBeSigned(b.Protected, payload)))
	elements := [][]byte{cborBytes(b.Protected), b.Unprotected, cborBytes(payload), cborBytes(signature)}
	if b.EditElements != nil {
		elements = b.EditElements(elements)
	}
	return edit(b.EditDocument, cborArray(elements...))
}

func edit(f func([]byte) []byte, encoded []byte) []byte {
	if f == nil {
		return encoded
	}
	return f(encoded)
}

// sigStructure is what a COSE_Sign1 signature covers (RFC 9052, section 4.4).
func sigStructure(protected, payload []byte) []byte {
	return cborArray(cborText("Signature1"), cborBytes(protected), cborBytes(nil), cborBytes(payload))
}

func (b *Blueprint) payload() []byte {
	var items [][]byte
	for _, e := range b.Payload {
		value := e.Value
		if value == nil {
			value = b.derived(string(e.Key))
		}
		items = append(items, e.Key, edit(e.Edit, value))
	}
	return cborMap(b.Definite, items)
}

// derived encodes the fields that have parts of their own.
func (b *Blueprint) derived(key string) []byte {
	switch key {
	case string(cborText("certificate")):
		return cborBytes(b.Certificate.DER())
	case string(cborText("cabundle")):
		var items [][]byte
		for _, c := range b.Bundle {
			items = append(items, cborBytes(c.DER()))
		}
		return cborArray(items...)
	default:
		var items [][]byte
		for _, e := range b.PCRs {
			items = append(items, e.Key, edit(e.Edit, e.Value))
		}
		return cborMap(true, items)
	}
}

func cborMap(definite bool, items [][]byte) []byte {
	if !definite {
		return cborIndefiniteOf(majorMap, items...)
	}
	return join(append([][]byte{cborHead(majorMap, uint64(len(items)/2))}, items...)...)
}

// signASN1 signs with the deterministic ECDSA of RFC 6979, which is what
// crypto/ecdsa does when it is given no source of randomness. The signature is
// empty when key and hash cannot sign, so that a mutation may leave either
// unusable.
func signASN1(key *ecdsa.PrivateKey, hash crypto.Hash, message []byte) []byte {
	if key == nil || key.Curve == nil || !hash.Available() {
		return nil
	}
	h := hash.New()
	h.Write(message)
	signature, err := key.Sign(nil, h.Sum(nil), hash)
	if err != nil {
		return nil
	}
	return signature
}

// signRaw is signASN1 in the form of COSE: r || s, each as long as the order
// of the curve and at least the 48 bytes of P-384 (RFC 9053, section 2.1).
func signRaw(key *ecdsa.PrivateKey, hash crypto.Hash, message []byte) []byte {
	r, s, ok := splitASN1(signASN1(key, hash, message))
	if !ok {
		return nil
	}
	size := max(coordinateSize, (key.Curve.Params().N.BitLen()+7)/8)
	return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
}

func splitASN1(signature []byte) (r, s *big.Int, ok bool) {
	var value struct{ R, S *big.Int }
	_, err := asn1.Unmarshal(signature, &value)
	return value.R, value.S, err == nil
}

// coordinateSize is the length of a coordinate and of a scalar of P-384.
const coordinateSize = 48
