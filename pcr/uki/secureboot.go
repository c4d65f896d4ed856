package uki

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/nitroattest/nitroattest/pcr"
)

// SecureBoot holds what the firmware knows of an instance with Secure Boot on.
// The variables are as the firmware holds them, a sequence of
// EFI_SIGNATURE_LIST each (UEFI Specification 2.10, section 32.4.1): files that
// usually end in .esl. On EC2 they come from the UefiData of the AMI.
type SecureBoot struct {
	PK  []byte // required: without it, the firmware is in Setup Mode and Secure Boot is off
	KEK []byte // may be empty
	DB  []byte // required
	DBX []byte // may be empty

	// Authority is the entry of db that the firmware verifies the image with,
	// a certificate in DER or a SHA-256 hash. When it is nil, it is the one
	// certificate of db that comes with the image's signature; that does not
	// find an issuer's certificate in db that is left out of the signature.
	Authority []byte
}

// Vendor GUIDs of the variables, in the byte order of EFI_GUID.
var (
	// EFI_GLOBAL_VARIABLE, 8be4df61-93ca-11d2-aa0d-00e098032b8c
	globalVariable = []byte{0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c}
	// EFI_IMAGE_SECURITY_DATABASE, d719b2cb-3d3a-4596-a3bc-dad00e67656f
	securityDatabase = []byte{0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f}
)

// secureBootEvents returns the events of PCR7.
func secureBootEvents(s *SecureBoot, images []loaded) []Event {
	on := []byte{1}
	if s == nil {
		s, on = &SecureBoot{}, []byte{0}
	}
	events := []Event{
		variableEvent(VariableConfig, globalVariable, "SecureBoot", on),
		variableEvent(VariableConfig, globalVariable, "PK", s.PK),
		variableEvent(VariableConfig, globalVariable, "KEK", s.KEK),
		variableEvent(VariableConfig, securityDatabase, "db", s.DB),
		variableEvent(VariableConfig, securityDatabase, "dbx", s.DBX),
		separator(pcr.RegisterSecureBoot),
	}
	var measured [][]byte
	for _, i := range images {
		// An authority that was measured is not measured again.
		known := func(authority []byte) bool { return bytes.Equal(authority, i.authority) }
		if i.authority != nil && !slices.ContainsFunc(measured, known) {
			measured = append(measured, i.authority)
			events = append(events, variableEvent(VariableAuthority, securityDatabase, "db", i.authority))
		}
	}
	return events
}

// variableEvent measures UEFI_VARIABLE_DATA (TCG PC Client Platform Firmware
// Profile).
func variableEvent(kind EventType, vendor []byte, name string, data []byte) Event {
	b := slices.Clone(vendor)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(name)))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(data)))
	for _, c := range []byte(name) { // UTF-16 of ASCII
		b = append(b, c, 0)
	}
	return newEvent(pcr.RegisterSecureBoot, kind, name, append(b, data...))
}

// validate also returns the entries of db.
func (s *SecureBoot) validate() (db []signatureData, err error) {
	if s == nil {
		return nil, nil
	}
	for _, v := range []struct {
		name     string
		data     []byte
		required bool
	}{{"PK", s.PK, true}, {"KEK", s.KEK, false}, {"dbx", s.DBX, false}, {"db", s.DB, true}} {
		if v.required && len(v.data) == 0 {
			return nil, &Error{Reason: MissingVariable, Where: "variable " + v.name, Detail: "empty: Secure Boot is on only with PK, and starts an image only with db"}
		}
		if db, err = parseSignatureLists("variable "+v.name, v.data); err != nil {
			return nil, err
		}
	}
	return db, nil
}
