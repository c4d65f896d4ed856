package attestation

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/nitroattest/nitroattest/pcr"
)

// Kind is what a document attests. Both kinds are signed under the same root,
// so whoever asked for one must refuse the other.
type Kind = pcr.Kind

const (
	Enclave  = pcr.Enclave  // a Nitro enclave
	NitroTPM = pcr.NitroTPM // an EC2 instance with NitroTPM
)

// Document holds the decoded fields of an attestation document (attestation
// process document of aws/aws-nitro-enclaves-nsm-api). It shares no memory
// with the evidence.
type Document struct {
	Kind      Kind
	ModuleID  string    // "i-<instance>-enc<16 hex digits>", with tpm in place of enc for NitroTPM
	Timestamp time.Time // when the hypervisor signed; UTC, millisecond precision
	Digest    string    // "SHA384"
	PCRs      pcr.Bank  // 1 to 32 registers; nitrotpm_pcrs for NitroTPM

	// What the enclave asked to be signed, at most 1024 bytes each by default.
	// They are opaque. Nil: null or absent; non-nil and empty: empty.
	PublicKey []byte
	UserData  []byte
	Nonce     []byte

	// UnknownFields names the fields that this package does not know, in the
	// order of the document. AWS may add some; none was ever seen.
	UnknownFields []string
}

// HasKnownModuleID reports whether ModuleID has the form that it has in recorded
// documents of this kind. Only a verifier with Config.InsecureAnyModuleID accepts
// a document of which it does not.
func (d Document) HasKnownModuleID() bool {
	return d.Kind.Validate() == nil && knownModuleID(cmp.Or(d.Kind, Enclave), d.ModuleID)
}

// InstanceID returns the ID of the parent instance, the part of the module ID
// before the last hyphen.
func (d Document) InstanceID() string {
	i := strings.LastIndexByte(d.ModuleID, '-')
	if i < 0 {
		return ""
	}
	return d.ModuleID[:i]
}

// hexBytes is a byte string that is null or hex in JSON.
type hexBytes []byte

// MarshalJSON implements [json.Marshaler].
func (b hexBytes) MarshalJSON() ([]byte, error) {
	if b == nil {
		return []byte("null"), nil
	}
	return json.Marshal(hex.EncodeToString(b))
}

const jsonTime = "2006-01-02T15:04:05.000Z"

// MarshalJSON implements [json.Marshaler]: byte fields are hex, absent ones
// null, registers an object by decimal index, the timestamp RFC 3339.
func (d Document) MarshalJSON() ([]byte, error) {
	unknown := d.UnknownFields
	if unknown == nil {
		unknown = []string{}
	}
	return json.Marshal(struct {
		Kind          Kind     `json:"kind"`
		ModuleID      string   `json:"module_id"`
		Timestamp     string   `json:"timestamp"`
		Digest        string   `json:"digest"`
		PCRs          pcr.Bank `json:"pcrs"`
		PublicKey     hexBytes `json:"public_key"`
		UserData      hexBytes `json:"user_data"`
		Nonce         hexBytes `json:"nonce"`
		UnknownFields []string `json:"unknown_fields"`
	}{d.Kind, d.ModuleID, d.Timestamp.Format(jsonTime), d.Digest, d.PCRs, d.PublicKey, d.UserData, d.Nonce, unknown})
}
