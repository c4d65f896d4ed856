//go:build !go1.26

package attestationtest_test

func withoutFIPS(f func()) { f() }
