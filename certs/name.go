package certs

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"strings"
)

var oidCommonName = asn1.ObjectIdentifier{2, 5, 4, 3}

// checkLeafName ties the leaf to the module it was issued for. Its common name
// is <module ID>.<region>.aws in every recorded document.
func checkLeafName(leaf *x509.Certificate, moduleID string) *Error {
	names := 0
	for _, attribute := range leaf.Subject.Names {
		if attribute.Type.Equal(oidCommonName) {
			names++
		}
	}
	region, ok := strings.CutPrefix(leaf.Subject.CommonName, moduleID)
	if ok {
		region, ok = strings.CutPrefix(region, ".")
	}
	if ok {
		region, ok = strings.CutSuffix(region, ".aws")
	}
	if !ok || names != 1 || moduleID == "" || !isLabel(region) {
		return &Error{Reason: LeafName, Detail: fmt.Sprintf("found common name %q, expected %q", leaf.Subject.CommonName, moduleID+".<region>.aws")}
	}
	return nil
}

// isLabel reports whether s has the form of a region, "us-east-1" for example.
func isLabel(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return s != ""
}
