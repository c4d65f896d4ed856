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
// every document. One that has to look at a document first, to choose a policy or
// to look up a nonce, calls [Verifier.Parse] and [Verifier.VerifyParsed], which are
// Verify in two parts. A [Result] is returned only when every check passed; there
// is no result beside an error. Otherwise the error is an [*Error] with exactly
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
// The map has a definite length in the documents that were found from before
// 2025-05-06, and an indefinite one in those from 2025-07-18 on. Both are
// accepted.
//
// A Nitro Sandbox in confidential mode attests like an enclave (EC2 User Guide,
// "Attest a Nitro Sandbox"), and a policy with the registers of its guest judges its
// document like any other, see package pcr for what its PCR17 is worth. None was
// ever seen: should its module_id have another form, it is refused by [CheckKind],
// and [Config.InsecureAnyModuleID] lets it pass.
//
// # The checks
//
// A [Report] lists the checks by name, in the order in which they are made.
//
// Whether the document is authentic: [CheckEvidence], [CheckAlgorithm],
// [CheckEnvelope], [CheckPayload], [CheckFields], [CheckKind], [CheckRoot],
// [CheckChain], [CheckValidity], [CheckChainSignatures], [CheckRevocation],
// [CheckSignature]. These stop at the first failure.
//
// Whether it is acceptable: [CheckNonce], [CheckAge], [CheckTimestamp],
// [CheckDebug], [CheckMeasurements], [CheckExchangeRegisters], [CheckUserData],
// [CheckPublicKey]. These are all made, and the first that fails gives the
// Reason.
//
// No line of a report shows these:
//
//   - The bytes that were signed are verified as they were received.
//   - The clock is read at every verification, and a chain that is remembered is
//     checked for validity and revocation again at every use.
//   - A policy without an image, or with an image that pins nothing of the code,
//     is an error when the verifier is made. Registers that an application can
//     extend are looked at beside others and pin nothing themselves.
//   - No identity is made of raw bytes or signatures, which are malleable.
//   - No input makes a panic, more memory than a small multiple of its size, or
//     more signature verifications than the bundle has certificates plus one.
//     Each revocation list that the caller supplies costs one more, once.
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
// # What an exchange expects
//
// A policy says which code is acceptable, an [Expect] what one exchange asks for
// beside it: the nonce, an age, user data, a public key, and registers into which
// an application measures after it has booted, such as its configuration
// ([Expect.PCRs]). Nil asks for nothing, unless the image of the policy lists
// registers that every exchange has to expect (pcr.Image.Exchange). A value that
// got lost in your program is nil too, and then nothing is asked for: to have an
// error in its place, wrap it in [Required] or set [Config.Require]. A [Result] says what its verdict rests on: [Result.Freshness],
// [Result.Waived].
//
// # Compatibility
//
// The module follows semantic versioning and is before version 1.0. Until then a
// minor version (0.x) may change what is exported; CHANGELOG.md says what, and
// how to change a program. What is to be removed is marked Deprecated, with what
// replaces it, and stays for one minor version at least.
//
// These do not change, before 1.0 or after it, but for additions: the strings of
// the Reasons and of the names of the checks, the keys of the JSON of a Report,
// and the promise that what is refused comes with an error and without a Result.
// A version may refuse documents that an earlier one accepted, where that was a
// fault; it never accepts what an earlier one refused as not authentic without
// saying so in CHANGELOG.md. Programs have to expect Reasons and checks that
// they do not know, and treat them as refusals.
//
// Not part of the promise: the texts of errors and details, and whatever else is
// meant for people; the bytes of simulated documents; packages named internal.
//
// Sources: the attestation process document of
// aws/aws-nitro-enclaves-nsm-api; the AWS Nitro Enclaves User Guide,
// "Cryptographic attestation"; recorded documents.
package attestation
