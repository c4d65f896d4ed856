// Package signedpolicy holds reference values that somebody vouches for: a
// [pcr.Policy] with a name, a version and an end, signed by one or more keys.
//
// A verdict about a document is worth what its policy is worth. A plain policy
// file says nothing of where it came from. A signed one answers four questions:
//
//   - who vouches for it: k of n keys that the relying party chose;
//   - for what: the name of the policy and the files that it is about;
//   - until when: from Issued on and before Expires;
//   - that nothing older comes back: versions only go up, and a [Store]
//     remembers the highest.
//
// # Wire format
//
// A signed policy is a DSSE envelope (secure-systems-lab/dsse, protocol 1.0.2)
// around an in-toto Statement v1 (in-toto/attestation, spec v1):
//
//	{
//	  "payloadType": "application/vnd.in-toto+json",
//	  "payload": "<base64 of the statement>",
//	  "signatures": [{"keyid": "", "sig": "<base64>"}]
//	}
//
//	{
//	  "_type": "https://in-toto.io/Statement/v1",
//	  "subject": [{"name": "enclave.eif", "digest": {"sha256": "<hex>"}}],
//	  "predicateType": "https://github.com/nitroattest/nitroattest/reference-values/v1",
//	  "predicate": {
//	    "name": "example.com/payments",
//	    "version": 7,
//	    "issued": "2026-11-01T12:00:00Z",
//	    "expires": "2027-02-01T12:00:00Z",
//	    "policy": {"images": [{"name": "v1.2.0", "pcrs": {"0": "<96 hex digits>"}}]},
//	    "revoked": ["v1.1.0"]
//	  }
//	}
//
// The policy has the JSON form of package pcr. The order of the keys is free.
// A signature is made over the pre-authentication encoding of DSSE,
//
//	"DSSEv1" SP len(payloadType) SP payloadType SP len(payload) SP payload
//
// with lengths in decimal and SP one space. It covers every byte of the
// statement and the payload type. Ed25519 signs that encoding (RFC 8032),
// ECDSA on P-256 its SHA-256 and on P-384 its SHA-384, as an ASN.1
// Ecdsa-Sig-Value (RFC 3279, section 2.2.3).
//
// The keyid is not signed, and [Sign] leaves it empty. One that is the [KeyID] of
// a key says which key to try; any other says nothing.
//
// # Verification
//
// [Verifier.Verify] reads the statement only after enough keys have signed it.
// Reading is strict: unknown keys, keys given twice, another spelling of a key
// and text after the value are refused, in the envelope and in the statement.
// Each refusal has a [Reason].
//
// An envelope has at most [MaxEnvelope] bytes and [MaxSignatures] signatures,
// and a policy [MaxImages] images. At most [MaxChecks] signatures are computed
// for one envelope, whatever it claims.
//
// Package sigstore, a module of its own below this one, verifies the same
// statement without keys, from a Sigstore bundle.
package signedpolicy
