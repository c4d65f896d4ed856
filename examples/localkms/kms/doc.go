// Package kms is a local stand-in for AWS KMS that honours Recipient, so that
// the release of a key to an enclave can be tried without AWS. It is for tests:
// its keys lie in a file in the clear.
//
// A [Server] speaks the protocol of AWS KMS, JSON 1.1 with X-Amz-Target
// TrentService.<operation>, for CreateKey, Encrypt, Decrypt, GenerateDataKey and
// GenerateRandom with symmetric keys, and any AWS SDK can be pointed at it. A
// request that has a field it does not know is refused, not half understood.
//
// # What happens to a request
//
//	authenticate   the Signature Version 4 of a configured credential, made in
//	               the last five minutes, over the body
//	attest         the document in Recipient, if there is one: package
//	               attestation, at most five minutes old, no debug mode
//	authorize      the key policy, with the registers of the verified document
//	               as kms:RecipientAttestation:ImageSha384 and PCR<n>
//	perform        and with Recipient, recipient.Seal the answer to the
//	               document's public key, in place of Plaintext
//
// # How it differs from AWS KMS
//
// AWS does not say how old a document may be, nor by which error a bad one is
// refused; it says that without a valid document the condition of a policy is
// not satisfied (AWS KMS Developer Guide, "Condition keys for Nitro Enclaves").
// Here a document is good for [MaxDocumentAge], bytes that are no document are a
// ValidationException, and every other document that does not verify is an
// AccessDeniedException, even where the policy has no condition. There is no
// nonce in the exchange, as with AWS: within its age a document can be sent
// again, but what is answered to it only its enclave can open.
//
// There are no IAM policies. A key policy decides alone, a statement for the
// account lets every credential of it pass, and CreateKey and GenerateRandom,
// which AWS leaves to IAM, are for every credential. A policy is refused when
// the key is created if any part of it could not be evaluated later: grants,
// NotPrincipal, policy variables, and all conditions but those on attestation.
package kms
