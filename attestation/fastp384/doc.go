// Package fastp384 verifies the ECDSA signatures of attestation documents in
// less than half the time that package crypto/ecdsa takes. Almost all of the
// time of a verification is in them.
//
//	verifier, err := attestation.NewVerifier(attestation.Config{
//		Policy:     policy,
//		Signatures: fastp384.New(),
//	})
//
// The verdicts are those of crypto/ecdsa, for every key, digest and signature.
// What differs is whom one trusts: the arithmetic of the curve is that of
// [github.com/cloudflare/circl/ecc/p384], and no part of the Go Cryptographic
// Module. Under GODEBUG=fips140=only, attestation.NewVerifier refuses it.
//
// It is in variable time: how long it takes, and which memory it reads, depend
// on the key, the digest and the signature. All of them are public here. It does
// not sign, and must not be used with anything secret.
//
// It is fast on amd64 and arm64. On other architectures circl has no arithmetic
// of its own and asks the standard library, by a longer way than crypto/ecdsa
// goes: leave Config.Signatures nil there.
//
// There are no tables for keys that come again. circl exports whole
// multiplications and not the addition of points in the form they have in
// between, so a table would save none of the work (see BENCHMARKS.md).
package fastp384
