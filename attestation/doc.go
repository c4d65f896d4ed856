// Package attestation verifies the documents by which an AWS Nitro enclave
// proves what it is.
//
// An enclave asks its hypervisor for an attestation document and hands it to
// whoever wants to know whether to trust it. The document says which code the
// enclave runs, as register values, and carries up to three fields of the
// enclave's choice: a nonce, a public key and user data. It is signed by a
// key that AWS certifies. In the words of RATS (RFC 9334) the document is
// Evidence, this package is the Verifier, and the code that imports it is the
// Relying Party, which brings Reference Values and an Appraisal Policy as a
// [pcr.Policy].
//
// A relying party makes one [Verifier] at start and calls [Verifier.Verify] for
// every document. A [Result] is returned only when every check passed; there is
// no result beside an error. Otherwise the error is an [*Error] with exactly
// one [Reason]. [Verifier.Appraise] makes the same checks and reports on each.
//
// Nothing is checked less because an option was left out. Without a policy
// there is no verifier, without a statement about freshness no verification,
// and without roots AWS's own are used and no others. What does go round a
// check has Insecure in its name, or Recorded for the appraisal of documents
// of the past.
//
// # The format
//
// A document is a COSE_Sign1 (RFC 9052): an array of the protected header
// {1: -35} for ES384, an empty unprotected header, the payload and a
// signature of 96 bytes. The payload is a CBOR map (RFC 8949):
//
//	module_id    text        i-<instance>-enc<16 hex digits>
//	digest       text        "SHA384"
//	timestamp    uint        milliseconds since 1970
//	pcrs         map         index to 48 bytes; nitrotpm_pcrs for NitroTPM
//	certificate  bytes       the leaf, DER
//	cabundle     array       of bytes, DER, root first
//	public_key   bytes/null  these three are the enclave's
//	user_data    bytes/null
//	nonce        bytes/null
//
// The map has a definite length in documents up to 2025-04 and an indefinite
// one since 2025-08; both are accepted.
//
// # The checks
//
// The numbers are used in comments, in reports and in the test vectors.
//
//	 1  a size limit before anything is parsed
//	 2  one CBOR item, untagged or with tag 18, an array of four
//	 3  the protected header is {1: -35} and nothing else
//	 4  the unprotected header is empty
//	 5  a payload, and a signature of 96 bytes with r and s in [1, n-1]
//	 6  bounds on depth, counts and lengths; no repeated keys, tags, floats,
//	    chunked strings, invalid UTF-8 or keys that differ only in case
//	 7  unknown fields are ignored and reported
//	 8  the signed bytes are verified as received
//	 9  mandatory fields are there and every field is within its bounds
//	10  the document is of the kind asked for
//	11  the root is a pinned one, byte for byte
//	12  the bundle is walked in its order and used up
//	13  strict DER, X.509 version 3, P-384 and ecdsa-with-SHA384 throughout
//	14  issuer names and signatures
//	15  every certificate is valid at the verification time; the leaf, and no
//	    other, from Limits.ClockSkew before its notBefore
//	16  basic constraints, path lengths, key usages, no unknown critical extension
//	17  the leaf is named after the module
//	18  revocation, when asked for
//	19  a cached chain is checked for validity again at every use
//	20  the signature of the document
//	21  the nonce, the age and the timestamp
//	22  the clock is read at every verification
//	23  a policy without an image, or an image that pins nothing, is an error
//	24  registers 0 to 2 are not zero, as they are in debug mode
//	25  a listed register that the document lacks is a mismatch
//	26  one image matches as a whole
//	27  registers 16 and up are the application's own
//	28  user data and public key, where something is expected
//	29  no identity is made of raw bytes or signatures, which are malleable
//	30  no panic, no more memory than a small multiple of the input, no more
//	    signature verifications than the bundle has certificates plus one
//	    (each revocation list that the caller supplies costs one more, once)
//	31  registers that the exchange expects
//
// Checks 1 to 20 tell whether a document is authentic and stop at the first
// failure. The others are all made, and the first that fails gives the reason.
//
// # What a document does not say
//
// It does not say who sent it. A nonce proves that the document was made for
// this exchange, not that the peer on the connection is the enclave: for that,
// a key in public_key or user_data has to be used on the connection. Without a
// nonce, a document can be replayed as long as the age limit allows, and
// raw bytes or signatures are no identity to detect that by, since a valid
// signature can be turned into another one.
//
// Sources: the attestation process document of
// aws/aws-nitro-enclaves-nsm-api; the AWS Nitro Enclaves User Guide,
// "Cryptographic attestation"; recorded documents.
package attestation
