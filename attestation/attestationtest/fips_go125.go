//go:build !go1.26

package attestationtest

// withoutFIPS calls f. Go 1.25 cannot lift the enforcement of fips140=only: there
// the simulator does not run in that mode.
func withoutFIPS(f func()) { f() }
