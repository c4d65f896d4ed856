package attestedtls

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Decode finds the document in the body of an answer.
type Decode func(body []byte) (document []byte, err error)

// decodeBinary takes a document as it is, or in base64 if it is text: COSE_Sign1
// begins with a byte above 127.
func decodeBinary(body []byte) ([]byte, error) {
	if len(body) > 0 && body[0] < 0x80 {
		return decodeBase64(string(body))
	}
	return body, nil
}

func decodeBase64(text string) ([]byte, error) {
	document, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil, fmt.Errorf("found text that is not base64: %w", err)
	}
	return document, nil
}

// DecodeHex takes a document in hexadecimal. It has to be asked for: such text
// is base64 of something else as well.
func DecodeHex(body []byte) ([]byte, error) {
	document, err := hex.DecodeString(string(bytes.TrimSpace(body)))
	if err != nil {
		return nil, errors.New("found text that is not hex")
	}
	return document, nil
}

// DecodeJSON takes a document in base64 out of JSON, of which path says where:
// DecodeJSON("attestation", "document") reads
//
//	{"attestation": {"document": "hEShATgi..."}}
//
// Names are compared exactly, and one that is there twice is an error. Whatever
// else the JSON says is not looked at, for nobody signed it. Without a path the
// whole JSON is a string.
func DecodeJSON(path ...string) Decode {
	return func(body []byte) ([]byte, error) {
		value := json.RawMessage(body)
		for i, name := range path {
			member, err := jsonMember(value, name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", strings.Join(path[:i+1], "."), err)
			}
			value = member
		}
		var text *string
		if json.Unmarshal(value, &text) != nil || text == nil {
			return nil, fmt.Errorf("%s: not a JSON string", strings.Join(path, "."))
		}
		return decodeBase64(*text)
	}
}

// jsonMember returns the one member of an object with the exact name.
func jsonMember(object []byte, name string) (json.RawMessage, error) {
	if !json.Valid(object) {
		return nil, errors.New("not JSON")
	}
	decoder := json.NewDecoder(bytes.NewReader(object))
	if begin, err := decoder.Token(); err != nil || begin != json.Delim('{') {
		return nil, errors.New("not in a JSON object")
	}
	var found json.RawMessage
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, errors.New("not JSON")
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, errors.New("not JSON")
		}
		if key != name {
			continue
		}
		if found != nil {
			return nil, errors.New("found twice, expected once")
		}
		found = value
	}
	if found == nil {
		return nil, errors.New("found no such member")
	}
	return found, nil
}

// CertificateExtension finds a document in an extension of the certificate whose
// value is the document itself, or an OCTET STRING with it.
func CertificateExtension(id asn1.ObjectIdentifier) func(*x509.Certificate) ([]byte, error) {
	return func(certificate *x509.Certificate) ([]byte, error) {
		for _, extension := range certificate.Extensions { // there are no two with one identifier
			if !extension.Id.Equal(id) {
				continue
			}
			var wrapped []byte
			if rest, err := asn1.Unmarshal(extension.Value, &wrapped); err == nil && len(rest) == 0 {
				return wrapped, nil
			}
			return extension.Value, nil
		}
		return nil, fmt.Errorf("found no extension %s in the certificate", id)
	}
}
