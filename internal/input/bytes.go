package input

import (
	"fmt"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// Major types of CBOR (RFC 8949, section 3.1).
const (
	majorBytes = 2
	majorMap   = 5
)

// fromBytes takes what is not text. A document comes back as it is, out of a
// byte string or out of the answer of the Nitro Security Module.
func fromBytes(data []byte) ([]byte, error) {
	switch data[0] >> 5 {
	case majorBytes:
		var inner []byte
		if decoding().Unmarshal(data, &inner) == nil && len(inner) > 0 && inner[0] >= 0x80 {
			return inner, nil
		}
	case majorMap:
		return fromResponse(data)
	}
	if first := data[0]; first >= ' ' && first <= '~' {
		return nil, fmt.Errorf("found %d bytes that are neither text nor a document: they begin with % x, a document with 84 or d2", len(data), data[:min(4, len(data))])
	}
	return data, nil
}

// response is what the Nitro Security Module answers to a request for a document
// (github.com/aws/aws-nitro-enclaves-nsm-api, src/api/mod.rs).
type response struct {
	Attestation struct {
		Document []byte `cbor:"document"`
	} `cbor:"Attestation"`
	Error string `cbor:"Error"`
}

func fromResponse(data []byte) ([]byte, error) {
	var r response
	err := decoding().Unmarshal(data, &r)
	switch {
	case err == nil && r.Error != "":
		return nil, fmt.Errorf("found the error %q of the Nitro Security Module, expected an attestation document", r.Error)
	case err == nil && len(r.Attestation.Document) > 0:
		return r.Attestation.Document, nil
	}
	return nil, fmt.Errorf("found a CBOR map that is not the Nitro Security Module's %q, expected an attestation document", `{"Attestation": {"document": ...}}`)
}

// decoding takes no key twice and no name in another case.
var decoding = sync.OnceValue(func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		MaxNestedLevels:   8,
	}.DecMode()
	if err != nil {
		panic(err) // the options are constants
	}
	return mode
})
