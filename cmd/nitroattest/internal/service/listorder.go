package service

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"time"
)

// listKey says which lists take the place of each other.
type listKey struct{ issuer, authorityKeyID, scope string }

// notOlder keeps whoever can put an old list into a file from bringing back a
// certificate that has been revoked since.
func notOlder(old, lists map[listKey]*x509.RevocationList) error {
	for key, before := range old {
		if now := lists[key]; now != nil && newerThan(before, now) {
			return fmt.Errorf("found the list of %s of %q, expected one no older than that of %s", stamp(now.ThisUpdate), now.Issuer, stamp(before.ThisUpdate))
		}
	}
	return nil
}

// newestLists returns the lists of a file. It passes over what package certs
// refuses.
func newestLists(data []byte) map[listKey]*x509.RevocationList {
	newest := map[listKey]*x509.RevocationList{}
	for _, der := range derBlocks(data) {
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			continue
		}
		key := listKey{string(list.RawIssuer), string(list.AuthorityKeyId), scopeOf(list)}
		if newest[key] == nil || newerThan(list, newest[key]) {
			newest[key] = list
		}
	}
	return newest
}

// derBlocks returns the blocks of PEM, or what is no PEM as it is.
func derBlocks(data []byte) [][]byte {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN")) {
		return [][]byte{data}
	}
	var ders [][]byte
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		ders = append(ders, block.Bytes)
	}
	return ders
}

// scopeOf returns the issuing distribution point (RFC 5280, section 5.2.5).
func scopeOf(list *x509.RevocationList) string {
	for _, extension := range list.Extensions {
		if extension.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 28}) {
			return string(extension.Value)
		}
	}
	return ""
}

// newerThan goes by the number where the times are the same.
func newerThan(a, b *x509.RevocationList) bool {
	if !a.ThisUpdate.Equal(b.ThisUpdate) || a.Number == nil || b.Number == nil {
		return a.ThisUpdate.After(b.ThisUpdate)
	}
	return a.Number.Cmp(b.Number) > 0
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
