package attestation

import (
	"fmt"
	"time"

	"github.com/nitroattest/nitroattest/certs"
	"github.com/nitroattest/nitroattest/internal/form"
	"github.com/nitroattest/nitroattest/pcr"
)

const digestSHA384 = "SHA384"

// maxTimestamp is the last millisecond of the year 9999, beyond which a time
// has no RFC 3339 form. It also keeps 2^64-1 from wrapping into a valid time.
const maxTimestamp = 253402300799999

// moduleIDForms are the forms of module_id, as errors print them: 16 hex digits
// after enc, zeros after tpm.
var moduleIDForms = map[Kind]string{
	Enclave:  `^i-[0-9a-f]+-enc[0-9a-f]{16}$`,
	NitroTPM: `^i-[0-9a-f]+-tpm0{16}$`,
}

// knownModuleID reports whether recorded documents of the kind have module IDs
// of this form.
func knownModuleID(kind Kind, id string) bool {
	m, ok := form.ParseModuleID(id)
	if kind == NitroTPM {
		return ok && m.Type == "tpm" && m.Suffix == "0000000000000000"
	}
	return ok && m.Type == "enc" && len(m.Suffix) == 16
}

// otherModuleID is what Config.InsecureAnyModuleID lets pass: something that
// can stand in a log and in a certificate's name.
func otherModuleID(id string) bool {
	return form.Only(id, form.Letters+form.Digits+"._-") && len(id) <= 128 && form.Only(id[:1], form.Letters+form.Digits)
}

// check applies the rules of AWS's attestation process document to the
// values of the fields, and the limit to the optional ones.
func (p *payload) check(limits Limits) *Error {
	refuse := func(format string, args ...any) *Error {
		return &Error{Reason: InvalidField, Detail: fmt.Sprintf(format, args...)}
	}
	if p.ModuleID == "" {
		return refuse("module_id: missing, null or empty")
	}
	if p.Digest != digestSHA384 {
		return refuse("digest: found %s, expected %q", quote(p.Digest), digestSHA384)
	}
	if p.Timestamp == 0 || p.Timestamp > maxTimestamp {
		return refuse("timestamp: found %d, expected 1 to %d milliseconds since 1970", p.Timestamp, uint64(maxTimestamp))
	}
	if !p.keys.pcrs && !p.keys.nitroTPMPCRs {
		return refuse("pcrs: missing")
	}
	// With both keys there, the kind is what is wrong.
	if p.keys.pcrs != p.keys.nitroTPMPCRs && len(p.bank()) == 0 {
		return refuse("pcrs: found no register, expected 1 to %d", pcr.MaxRegisters)
	}
	if p.keys.nitroTPMPCRs {
		for register := range p.NitroTPMPCRs {
			if register >= pcr.NitroTPMRegisters {
				return refuse("nitrotpm_pcrs: found the index %d, expected 0 to %d", register, pcr.NitroTPMRegisters-1)
			}
		}
	}
	if size := len(p.Certificate); size == 0 || size > certs.MaxCertificateSize {
		return refuse("certificate: found %d bytes, expected 1 to %d", size, certs.MaxCertificateSize)
	}
	if len(p.CABundle) == 0 { // more than there may be are not even read
		return refuse("cabundle: found no certificate, expected 1 to %d", certs.MaxBundle)
	}
	for i, cert := range p.CABundle {
		if size := len(cert); size == 0 || size > certs.MaxCertificateSize {
			return refuse("cabundle[%d]: found %d bytes, expected 1 to %d", i, size, certs.MaxCertificateSize)
		}
	}
	return limits.checkFields(p.PublicKey, p.UserData, p.Nonce)
}

func (p *payload) bank() registers {
	if p.keys.nitroTPMPCRs {
		return p.NitroTPMPCRs
	}
	return p.PCRs
}

// kind tells which kind a payload is of by the name of its registers, and
// refuses one whose module ID says otherwise.
func (p *payload) kind() (Kind, *Error) {
	if p.keys.pcrs && p.keys.nitroTPMPCRs {
		return "", &Error{Reason: WrongDocumentKind, Detail: "found both pcrs and nitrotpm_pcrs, expected one of them"}
	}
	kind := Enclave
	if p.keys.nitroTPMPCRs {
		kind = NitroTPM
	}
	if refused := checkModuleID(kind, p.ModuleID, true); refused != nil {
		return "", refused
	}
	return kind, nil
}

// checkModuleID refuses a module ID that is not of the kind's form. What could be
// that of something we have not seen, Nitro Sandboxes for example, passes with
// others; it never passes for the other kind's.
func checkModuleID(kind Kind, id string, others bool) *Error {
	if knownModuleID(kind, id) {
		return nil
	}
	refused := &Error{Reason: WrongDocumentKind,
		Detail: fmt.Sprintf("module_id: found %s beside the registers of kind %s, expected the form %s", quote(id), kind, moduleIDForms[kind])}
	if kind != Enclave || knownModuleID(NitroTPM, id) || !otherModuleID(id) {
		return refused
	}
	if others {
		return nil
	}
	refused.Detail += "; no recorded document has this form, one of a Nitro Sandbox might: if AWS issued it, please send it to https://github.com/nitroattest/nitroattest/issues"
	return refused
}

func (p *payload) document(kind Kind) Document {
	return Document{
		Kind:          kind,
		ModuleID:      p.ModuleID,
		Timestamp:     time.UnixMilli(int64(p.Timestamp)).UTC(),
		Digest:        p.Digest,
		PCRs:          pcr.Bank(p.bank()),
		PublicKey:     p.PublicKey,
		UserData:      p.UserData,
		Nonce:         p.Nonce,
		UnknownFields: p.keys.unknown,
	}
}
