package attestationtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"slices"

	"github.com/nitroattest/nitroattest/pcr"
)

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
