//go:build !go1.26

package certs

import "crypto/ecdh"

// fipsOnly reports whether the process runs under GODEBUG=fips140=only. Go 1.25
// has no function that tells, but refuses X25519 in that mode and in no other.
func fipsOnly() bool {
	_, err := ecdh.X25519().NewPrivateKey(make([]byte, 32))
	return err != nil
}
