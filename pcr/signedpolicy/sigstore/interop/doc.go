// Package interop has no code. Its tests check that other implementations of
// DSSE and in-toto verify what package signedpolicy signs, and the other way
// round: go-securesystemslib, in-toto's Go library, openssl, and Sigstore's
// JavaScript library where node and the packages in js are installed.
package interop
