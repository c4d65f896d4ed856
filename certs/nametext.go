package certs

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nitroattest/nitroattest/internal/form"
)

// nameTypes are the attributes that have a short name in package x509 and in
// OpenSSL; others are OIDs.
var nameTypes = []string{"CN", "OU", "O", "C", "ST", "L", "SERIALNUMBER", "STREET", "POSTALCODE"}

// isDottedOID reports whether text is an OID of at least two numbers: "2.5.4.3".
func isDottedOID(text string) bool {
	arcs := strings.Split(text, ".")
	return len(arcs) > 1 && !slices.ContainsFunc(arcs, func(arc string) bool { return !form.Only(arc, form.Digits) })
}

// readName reads a distinguished name as people have it: RFC 2253 ("CN=a,O=b"),
// what OpenSSL prints ("issuer=O = b, CN = a"), and its older form with slashes
// ("/O=b/CN=a"). It returns the attributes, sorted, so that names in either
// order are the same.
func readName(text string) ([]string, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, errors.New("found a control character or a line end, expected one line of text")
	}
	text = strings.TrimSpace(strings.TrimPrefix(text, "issuer="))
	separators := ",+"
	if strings.HasPrefix(text, "/") {
		text, separators = text[1:], "/"
	}
	var name []string
	common := false
	for _, part := range splitName(text, separators) {
		attribute, err := readAttribute(part)
		if err != nil {
			return nil, err
		}
		common = common || strings.HasPrefix(attribute, "CN=")
		name = append(name, attribute)
	}
	if !common {
		return nil, errors.New("found no CN, which every issuer has")
	}
	slices.Sort(name)
	return name, nil
}

// splitName cuts at the separators that no backslash stands before.
func splitName(text, separators string) []string {
	var parts []string
	start := 0
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case strings.IndexByte(separators, text[i]) >= 0:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[min(start, len(text)):])
}

func readAttribute(part string) (string, error) {
	kind, value, ok := strings.Cut(part, "=")
	kind = strings.ToUpper(strings.TrimSpace(kind))
	if !ok || !slices.Contains(nameTypes, kind) && !isDottedOID(kind) {
		return "", fmt.Errorf("found %q, expected an attribute like CN=zonal.example", part)
	}
	value, err := unescape(strings.TrimLeft(value, " "))
	if err != nil {
		return "", err
	}
	if value == "" {
		return "", fmt.Errorf("found %q, expected a value", part)
	}
	return kind + "=" + value, nil
}

// unescape takes away backslashes (RFC 2253, section 2.4), and the spaces at the
// end that have none.
func unescape(text string) (string, error) {
	var out []byte
	length := 0 // without spaces at the end
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return "", errors.New("found quotes, expected backslashes before special characters")
		case text[i] != '\\':
			out = append(out, text[i])
			if text[i] != ' ' {
				length = len(out)
			}
			continue
		case i+2 < len(text) && isHex(text[i+1:i+3]):
			b, _ := hex.DecodeString(text[i+1 : i+3])
			out = append(out, b...)
			i += 2
		case i+1 < len(text):
			out = append(out, text[i+1])
			i++
		default:
			return "", errors.New("found a backslash at the end")
		}
		length = len(out)
	}
	return string(out[:length]), nil
}

func isHex(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil
}
