//go:build go1.26

package attestationtest

import "crypto/fips140"

// withoutFIPS lets f use what FIPS 140-3 mode refuses.
func withoutFIPS(f func()) { fips140.WithoutEnforcement(f) }
