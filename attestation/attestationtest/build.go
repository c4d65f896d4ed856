package attestationtest

import "crypto"

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
