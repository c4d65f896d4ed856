// Package vectors holds the form of testdata/vectors/vectors.json, the cases
// that a verifier of attestation documents has to judge, and reads it for the
// tests of this module. Verifiers in other languages read the file itself;
// testdata/vectors/README.md explains it.
//
// The generate program next to this package writes the file. It uses the
// simulated hypervisor with a fixed seed at a fixed time, so that the same
// source yields the same bytes.
package vectors

//go:generate go run ./generate ../../testdata/vectors/vectors.json
