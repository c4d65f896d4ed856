// Package certs decides whether the certificates inside an attestation
// document lead to a root that the relying party trusts.
//
// AWS signs every attestation document with a key that is certified by a
// chain of five certificates. The document carries all of them: the leaf by
// itself and the others, root first, as its CA bundle.
//
//	root       aws.nitro-enclaves                        30 years
//	regional   <hex>.<region>.aws.nitro-enclaves         20 days
//	zonal      <hex>.zonal.<region>.aws.nitro-enclaves    6 days
//	instance   <instance ID>.<region>.aws.nitro-enclaves 24 hours
//	leaf       <module ID>.<region>.aws                   3 hours
//
// Because the document brings the order with it, there is no path to search.
// [Verifier.Verify] walks the bundle once: each certificate has to be signed by
// the one before it, and none may be left over. This bounds the work to one
// signature verification for each certificate below the root. Whatever is
// cheap and refuses comes first: a foreign root, an expired certificate or a
// wrong algorithm costs no signature verification at all.
//
// The root in the bundle proves nothing by being there. It has to be equal,
// byte for byte, to one of the pinned [Roots]; a look-alike with the same names
// and dates exists. The roots of the operating system are never used.
//
// AWS's own chains are the measure of what is accepted: X.509 version 3, P-384
// keys and ecdsa-with-SHA384 signatures throughout, and no constraint that
// the walk would have to evaluate beyond basic constraints, key usage and
// validity. Where a chain holds anything else, the walk refuses it instead of
// guessing.
//
// Every refusal is an [*Error] with its [Reason]. What is checked follows RFC
// 5280, section 6.1, with the narrowing above.
package certs
