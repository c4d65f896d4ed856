package api

import (
	"bytes"
	"encoding/json"

	"github.com/nitroattest/nitroattest/internal/input"
)

// What a file may be.
const (
	IsDocument     = "document"
	IsPolicy       = "policy"
	IsSignedPolicy = "signed-policy"
	IsPublicKeys   = "public-keys"
	IsCertificates = "certificates"
	IsList         = "revocation-list"
	IsEnclaveImage = "enclave-image"
	IsKernelImage  = "kernel-image"
	IsUnknown      = "unknown"
)

// Identify says what a file looks like by its content, whatever its name. Whether
// it is a good one is for others to say. Of image files the beginning is enough.
func Identify(data []byte) string {
	text := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	switch {
	case bytes.HasPrefix(data, []byte(".eif")):
		return IsEnclaveImage
	case bytes.HasPrefix(data, []byte("MZ")):
		return IsKernelImage
	case bytes.Contains(text, []byte("-----BEGIN PUBLIC KEY-----")):
		return IsPublicKeys
	case bytes.Contains(text, []byte("-----BEGIN CERTIFICATE-----")):
		return IsCertificates
	case bytes.Contains(text, []byte("-----BEGIN X509 CRL-----")):
		return IsList
	case isSigned(text):
		return IsSignedPolicy
	case looksLikePolicy(text):
		return IsPolicy
	}
	if len(data) <= input.MaxSize {
		if evidence, err := input.Decode(data); err == nil && len(evidence) > 0 && (evidence[0] == 0x84 || evidence[0] == 0x9f || evidence[0]>>5 == 6) {
			return IsDocument
		}
	}
	if len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		return IsPolicy // whose error says what is wrong with it
	}
	return IsUnknown
}

func isSigned(text []byte) bool {
	var envelope struct {
		PayloadType string `json:"payloadType"`
		Payload     string `json:"payload"`
	}
	return bytes.HasPrefix(text, []byte("{")) && json.Unmarshal(text, &envelope) == nil && envelope.PayloadType != "" && envelope.Payload != ""
}

// looksLikePolicy goes by the words that the published forms have.
func looksLikePolicy(text []byte) bool {
	if len(text) == 0 || !bytes.ContainsRune([]byte("{[ABCDEFabcdef0123456789SU"), rune(text[0])) {
		return false
	}
	for _, word := range []string{`"images"`, `"Measurements"`, `"PCR0"`, `"PCR4"`, `"PCR7"`, "kms:RecipientAttestation:", " PCR"} {
		if bytes.Contains(text, []byte(word)) {
			return true
		}
	}
	return false
}
