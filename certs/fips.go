//go:build go1.26

package certs

import "crypto/fips140"

// fipsOnly reports whether the process runs under GODEBUG=fips140=only, where
// cryptography from outside the standard library's module has no place.
func fipsOnly() bool { return fips140.Enforced() }
