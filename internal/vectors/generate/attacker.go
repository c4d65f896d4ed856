package main

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/internal/vectors"
)

// parts are what an attacker may or may not be able to write, as far as they can
// be read.
type parts struct {
	signed  []byte // protected header and payload, as they were received
	payload []byte
	fields  map[string]cbor.RawMessage
}

func partsOf(document []byte) (parts, bool) {
	var elements []cbor.RawMessage
	if err := cbor.Unmarshal(document, &elements); err != nil || len(elements) != 4 {
		return parts{}, false
	}
	var protected, payload []byte
	if cbor.Unmarshal(elements[0], &protected) != nil || cbor.Unmarshal(elements[2], &payload) != nil {
		return parts{}, false
	}
	p := parts{signed: slices.Concat(elements[0], elements[2]), payload: payload}
	_ = cbor.Unmarshal(payload, &p.fields) // no fields: no map
	return p, true
}

// attacker says who can make a document out of a genuine one: anyone who got hold
// of it, whoever can start enclaves or instances of their own, or only an issuer
// of AWS's.
func attacker(c attestationtest.Case) string {
	switch c.Mutation.Reason {
	case attestation.UntrustedRoot, attestation.BadSignature, // no key of AWS's is needed
		attestation.Stale, attestation.CertificateExpired, attestation.CertificateNotYetValid: // time goes by
		return vectors.Anyone
	}
	before, _ := partsOf(c.Original)
	after, ok := partsOf(c.Document)
	switch {
	case ok && (bytes.Equal(before.signed, after.signed) || after.payload == nil):
		return vectors.Anyone
	case !ok && (len(c.Document) < len(c.Original) || bytes.Contains(c.Document, before.payload)):
		return vectors.Anyone // cut, or wrapped in something else
	case !ok:
		return vectors.Issuer
	}
	// A hypervisor writes its own format, whatever an enclave asks for.
	document, err := attestation.ParseUnverified(c.Document)
	if err != nil {
		return vectors.Issuer
	}
	if original, err := attestation.ParseUnverified(c.Original); err == nil && original.Document.Kind != document.Document.Kind {
		return vectors.Enclave
	}
	changed := false
	for name := range before.fields {
		if _, there := after.fields[name]; !there {
			return vectors.Issuer
		}
	}
	for name, value := range after.fields {
		if bytes.Equal(before.fields[name], value) {
			continue
		}
		changed = true
		switch {
		case slices.Contains([]string{"public_key", "user_data", "nonce"}, name):
		case (name == "pcrs" || name == "nitrotpm_pcrs") && otherValues(before.fields[name], value):
		default:
			return vectors.Issuer
		}
	}
	if !changed { // but in their encoding or order
		return vectors.Issuer
	}
	return vectors.Enclave
}

// otherValues reports whether two banks differ in what an enclave can bring
// about: the values of the registers that the hypervisor lists are of whoever
// wrote the image and of what runs in it, and those from 16 on are listed once
// they are extended.
func otherValues(before, after cbor.RawMessage) bool {
	var a, b map[uint64][]byte
	if cbor.Unmarshal(before, &a) != nil || cbor.Unmarshal(after, &b) != nil || after[0]&0x1f == 0x1f {
		return false
	}
	if maps.EqualFunc(a, b, bytes.Equal) {
		return false
	}
	for register := range uint64(16) {
		if len(a[register]) != len(b[register]) {
			return false
		}
	}
	for register, value := range b {
		if register > 31 || len(value) != 48 {
			return false
		}
	}
	return true
}

// acceptable are the invalid cases, by the beginning of their names, that a
// lawful verifier of another design may accept, and why. None of them gives an
// attacker a verdict about an enclave that is not there.
var acceptable = []struct{ prefix, why string }{
	{"input-too-large", "the limit is a choice"},
	{"input-wrapped-in-bytes", "a form in which documents travel, as base64 is"},
	{"tag-self-described", "the tag says nothing"},
	{"protected-crit-alg", "RFC 9052 lets crit list what is understood"},
	{"protected-kid", "a surplus label"},
	{"protected-content-type", "a surplus label"},
	{"protected-long-", "one value in another length"},
	{"protected-indefinite-map", "one value in another length"},
	{"protected-esp384", "RFC 9864 gives the same algorithm a second name"},
	{"unprotected-", "who does not read the header takes nothing from it"},
	{"cbor-chunked-", "RFC 8949 lets strings come in chunks"},
	{"cbor-tag-payload", "the tag says nothing"},
	{"cbor-tag-certificate", "the tag says nothing"},
	{"cbor-tag-unknown", "of a field that nobody reads"},
	{"cbor-tag-pcrs", "the tag says nothing"},
	{"cbor-tag-register", "the tag says nothing"},
	{"cbor-tag-nonce", "who passes over tags reads the same bytes"},
	{"cbor-tag-cabundle", "who passes over tags reads the same array"},
	{"cbor-float-half", "of a field that nobody reads"},
	{"cbor-float-timestamp", "one value in another type, which some languages do not tell apart"},
	{"cbor-invalid-utf8", "of a field that nobody reads"},
	{"cbor-overlong-utf8", "of a field that nobody reads"},
	{"cbor-surrogate-utf8", "of a field that nobody reads"},
	{"cbor-undefined", "of a field that nobody reads, or as null"},
	{"cbor-simple-value", "of a field that nobody reads"},
	{"cbor-key-", "of a field that nobody reads"},
	{"cbor-duplicate-unknown", "of a field that nobody reads"},
	{"cbor-duplicate-nested", "of a field that nobody reads"},
	{"cbor-deep-", "the limit is a choice"},
	{"cbor-wide-", "the limit is a choice"},
	{"root-renewed", "a root can be pinned by its name and key"},
	{"root-other-signature", "a root can be pinned by its name and key"},
	{"root-trailing-byte", "a root can be pinned by its name and key"},
	{"root-expired", "RFC 5280 takes a name and a key from a trust anchor, and no validity"},
	{"root-not-yet-valid", "RFC 5280 takes a name and a key from a trust anchor, and no validity"},
	{"root-path-length-", "RFC 5280 takes a name and a key from a trust anchor, and no constraints"},
	{"root-missing", "the pinned root need not be in the bundle"},
	{"root-last", "a bundle can be taken as a set"},
	{"root-after-leaf", "a bundle can be taken as a set"},
	{"bundle-repeats-", "a bundle can be taken as a set"},
	{"bundle-regional-zonal", "a bundle can be taken as a set"},
	{"bundle-zonal-instance", "a bundle can be taken as a set"},
	{"bundle-reversed", "a bundle can be taken as a set"},
	{"bundle-leaf-at-end", "a bundle can be taken as a set"},
	{"bundle-root-at-end", "a bundle can be taken as a set"},
	{"bundle-unused", "a bundle can be taken as a set"},
	{"bundle-foreign", "a bundle can be taken as a set"},
	{"chain-sha", "another hash that is not broken"},
	{"chain-null-parameters-", "parameters that say nothing"},
	{"chain-der-", "an encoding that general libraries for X.509 pass over"},
	{"chain-other-true-", "an encoding that general libraries for X.509 pass over"},
	{"chain-long-length-", "an encoding that general libraries for X.509 pass over"},
	{"chain-indefinite-length-", "an encoding that general libraries for X.509 pass over"},
	{"chain-trailing-byte-", "an encoding that general libraries for X.509 pass over"},
	{"chain-compressed-point-", "the same key in another form"},
	{"chain-negative-serial-", "general libraries do not ask"},
	{"chain-version-", "general libraries do not ask"},
	{"chain-issuer-case-", "RFC 5280 compares names without regard to case"},
	{"chain-issuer-string-type-", "RFC 5280 compares names without regard to their type"},
	{"chain-no-key-usage-", "RFC 5280 takes a missing extension for every usage"},
	{"chain-no-digital-", "the purpose of the leaf is left to the caller by general libraries"},
	{"chain-empty-key-usage-", "the purpose of the leaf is left to the caller by general libraries"},
	{"chain-server-auth-", "an extension that general libraries evaluate"},
	{"chain-name-constraints-", "an extension that general libraries evaluate"},
	{"leaf-name-", "AWS documents no rule for the name of the leaf"},
	{"module-id-", "AWS documents no rule for the name of the leaf"},
	{"kind-module-enc-", "AWS documents no rule for module_id; the field of the registers tells the kind"},
	{"kind-module-instance-only", "AWS documents no rule for module_id; the field of the registers tells the kind"},
	{"kind-module-prefix", "AWS documents no rule for module_id; the field of the registers tells the kind"},
	{"kind-module-newline", "AWS documents no rule for module_id; the field of the registers tells the kind"},
	{"policy-register-twice", "equal values, of which common readers of JSON see one"},
	{"policy-unknown-key", "of a key that nobody reads, or in another case"},
	{"policy-key-in-other-case", "common readers of JSON take keys in either case"},
	{"policy-name-", "a name changes no verdict"},
	{"policy-two-equal-images", "what one image accepts may be accepted twice"},
	{"policy-narrower-image", "what one image accepts may be accepted twice"},
	{"policy-exchange-", "the form of a list that can only demand more"},
	{"policy-nitrotpm-pcr9-zero", "a register that demands more than the others do"},
	{"policy-nitrotpm-pcr16", "a register that demands more than the others do"},
	{"policy-nitrotpm-pcr23", "a register that demands more than the others do"},
}

// isAcceptable reports whether a name begins like one of them.
func isAcceptable(name string) bool {
	for _, a := range acceptable {
		if strings.HasPrefix(name, a.prefix) {
			return true
		}
	}
	return false
}
