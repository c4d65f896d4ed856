package attestation

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/pcr"
)

// payload is the signed map as CBOR has it.
type payload struct {
	ModuleID     string    `cbor:"module_id"`
	Digest       string    `cbor:"digest"`
	Timestamp    uint64    `cbor:"timestamp"`
	PCRs         registers `cbor:"pcrs"`
	NitroTPMPCRs registers `cbor:"nitrotpm_pcrs"`
	Certificate  octets    `cbor:"certificate"`
	CABundle     bundle    `cbor:"cabundle"`
	PublicKey    octets    `cbor:"public_key"`
	UserData     octets    `cbor:"user_data"`
	Nonce        octets    `cbor:"nonce"`

	keys payloadKeys
}

const (
	keyPCRs         = "pcrs"
	keyNitroTPMPCRs = "nitrotpm_pcrs"
)

var knownKeys = []string{"module_id", "digest", "timestamp", keyPCRs, "certificate", "cabundle",
	"public_key", "user_data", "nonce", keyNitroTPMPCRs}

// payloadKeys is what there is to know about the keys of the payload beside
// their values.
type payloadKeys struct {
	pcrs, nitroTPMPCRs bool
	unknown            []string
}

// A payload is read twice. The scan in scan.go comes first and decides what is
// well-formed. It is trusted for what the library cannot be told, since maps of
// indefinite length have to pass (every payload since 2025-08 is one) and the
// same option would let strings in chunks pass: those are refused by the scan,
// and so are keys that differ from a known one in case only, keys of any map
// that are repeated, tags, floats and simple values, and counts that the data
// cannot hold, all of it without an allocation. The library is trusted for
// bringing the values of known keys into the struct, each of its type.
//
// decMode is as strict as the library can be all the same, so that what the
// scan refuses is refused once more where both know of it.
var decMode = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		UTF8:              cbor.UTF8RejectInvalid,
		TagsMd:            cbor.TagsForbidden,
		IndefLength:       cbor.IndefLengthAllowed,
		MaxNestedLevels:   maxDepth + 1,
		MaxArrayElements:  maxItems,
		MaxMapPairs:       maxPairs,
	}.DecMode()
	if err != nil {
		panic("attestation: CBOR options: " + err.Error()) // constant options: a wrong build, not an input
	}
	return mode
}()

// readPayload decodes the payload. The failing check is returned too.
func readPayload(data []byte) (*payload, checkID, *Error) {
	p := new(payload)
	keys, err := scanPayload(data)
	if err != nil {
		return nil, checkPayload, &Error{Reason: MalformedEvidence, Detail: "payload", Err: err}
	}
	p.keys = keys
	if err := decMode.Unmarshal(data, p); err != nil {
		return nil, checkFields, &Error{Reason: InvalidField, Err: fieldError(err)}
	}
	return p, 0, nil
}

// fieldError replaces the library's words for a wrong type, which name the
// types of this package, with ours.
func fieldError(err error) error {
	var wrong *cbor.UnmarshalTypeError
	if errors.As(err, &wrong) {
		name := wrong.StructFieldName
		found := wrong.CBORType
		if found == "primitives" {
			found = "true or false"
		}
		return fmt.Errorf("%s: found %s, expected another type", name[strings.LastIndexByte(name, '.')+1:], found)
	}
	return err
}

// scanPayload refuses a payload that is not one strict map with text keys, and
// says which keys it has.
func scanPayload(data []byte) (payloadKeys, error) {
	var keys payloadKeys
	unknown := 0
	err := scanKeys(data, func(key mapKey) error {
		known, err := keys.note(key)
		if !known {
			unknown++
		}
		return err
	})
	if err != nil || unknown == 0 {
		return keys, err
	}
	// Their names are copied once nothing can be wrong with the rest, so that a
	// payload that is refused costs no copy.
	keys.unknown = make([]string, 0, unknown)
	err = scanKeys(data, func(key mapKey) error {
		if !slices.Contains(knownKeys, string(key.content)) {
			keys.unknown = append(keys.unknown, string(key.content))
		}
		return nil
	})
	return keys, err
}

// scanKeys shows visit the keys of a map that is all there is.
func scanKeys(data []byte, visit func(mapKey) error) error {
	c := &cursor{data: data}
	m, err := c.head()
	if err != nil {
		return err
	}
	if m.major != majorMap {
		return fmt.Errorf("found %s, expected a map", m)
	}
	items := maxItems - 1
	if err := c.scanMap(m, maxDepth-1, &items, visit); err != nil {
		return err
	}
	if c.left() > 0 {
		return c.errorf("found %d bytes after the map, expected its end", c.left())
	}
	return nil
}

// note reports whether a key is known.
func (k *payloadKeys) note(key mapKey) (bool, error) {
	if key.head.major != majorText {
		return false, fmt.Errorf("found %s as a key, expected a text string", key.head)
	}
	for _, known := range knownKeys {
		if string(key.content) == known {
			k.pcrs = k.pcrs || known == keyPCRs
			k.nitroTPMPCRs = k.nitroTPMPCRs || known == keyNitroTPMPCRs
			return true, nil
		}
	}
	for _, known := range knownKeys {
		// A reader that ignores case would take it for the known key.
		if bytes.EqualFold(key.content, []byte(known)) {
			return false, fmt.Errorf("found the key %s, expected %q", quote(string(key.content)), known)
		}
	}
	return false, nil
}

// octets is a byte string or null. The library on its own would also fill a
// []byte from an array of numbers. Like bundle it copies what it keeps, as
// [cbor.Unmarshaler] demands.
type octets []byte

// UnmarshalCBOR implements [cbor.Unmarshaler].
func (o *octets) UnmarshalCBOR(data []byte) error {
	if data[0] == cborNull {
		return nil
	}
	c := &cursor{data: data}
	content, err := c.bytes()
	if err != nil {
		return err
	}
	*o = append(octets{}, content...) // empty is not null
	return nil
}

// bundle is an array of byte strings.
type bundle [][]byte

// UnmarshalCBOR implements [cbor.Unmarshaler].
func (b *bundle) UnmarshalCBOR(data []byte) error {
	c := &cursor{data: data}
	array, err := c.head()
	if err != nil {
		return err
	}
	if array.major != majorArray {
		return fmt.Errorf("cabundle: found %s, expected an array", array)
	}
	*b = make(bundle, 0, certs.MaxBundle)
	for read := 0; ; read++ {
		more, err := c.more(array, read)
		if err != nil || !more {
			return err
		}
		if read == certs.MaxBundle {
			return fmt.Errorf("cabundle: found more than %d certificates, expected 1 to %d", read, certs.MaxBundle)
		}
		content, err := c.bytes()
		if err != nil {
			return fmt.Errorf("cabundle[%d]: %w", read, err)
		}
		*b = append(*b, bytes.Clone(content))
	}
}

// registers is a map from index to register value.
type registers pcr.Bank

// UnmarshalCBOR implements [cbor.Unmarshaler].
func (r *registers) UnmarshalCBOR(data []byte) error {
	c := &cursor{data: data}
	m, err := c.head()
	if err != nil {
		return err
	}
	if m.major != majorMap {
		return fmt.Errorf("pcrs: found %s, expected a map", m)
	}
	*r = make(registers, pcr.MaxRegisters/2)
	for read := 0; ; read++ {
		more, err := c.more(m, read)
		if err != nil || !more {
			return err
		}
		if err := r.read(c); err != nil {
			return err
		}
	}
}

func (r registers) read(c *cursor) error {
	key, err := c.head()
	if err != nil {
		return err
	}
	if key.major != majorUnsigned || key.argument >= pcr.MaxRegisters {
		return fmt.Errorf("pcrs: found %s of %d as an index, expected 0 to %d", key, key.argument, pcr.MaxRegisters-1)
	}
	content, err := c.bytes()
	if err != nil {
		return fmt.Errorf("pcrs[%d]: %w", key.argument, err)
	}
	if len(content) != pcr.Size {
		return fmt.Errorf("pcrs[%d]: found %d bytes, expected %d", key.argument, len(content), pcr.Size)
	}
	r[int(key.argument)] = pcr.Value(content)
	return nil
}
