// Package pcr holds the measurements of an enclave and the rules by which a
// relying party compares them with the ones it expects.
//
// A Nitro enclave has no identity of its own; what it is follows from the
// Platform Configuration Registers (PCRs) that the Nitro hypervisor fills
// while it boots the enclave and that only the hypervisor, or for registers
// 16 and up the enclave itself, can extend. Each register is 48 bytes:
// SHA-384 over its old value and what was measured.
//
//	0      the whole image: kernel, command line and every ramdisk
//	1      the kernel, the command line and the boot ramdisk
//	2      the application: the ramdisks after the first
//	3      the ARN of the IAM role of the parent instance
//	4      the ID of the parent instance
//	8      the certificate that signed the image file, zero when unsigned
//	16-31  the application's own, extendable until it locks them
//
// Reference values are what the registers of a good enclave hold. An [Image]
// is one named, complete set of them, and a [Policy] is a list of images of
// which any single one must match as a whole. Nothing in a policy is a
// wildcard: a register that the policy lists and the document lacks is a
// mismatch, a zero value is refused as a reference value, and an image that
// does not pin any code is refused too, so that a policy cannot be made to
// accept everything by leaving something out.
//
// [ReadPolicy] reads a policy from its own JSON form, from what nitro-cli
// prints, or from the condition of an AWS KMS key policy. [ForRole],
// [ForInstance] and [ForCertificate] compute the registers that follow from a
// name or a certificate; package eif computes those that follow from an image
// file.
//
// Sources: AWS Nitro Enclaves User Guide, "Where to find an enclave's
// measurements" and "Cryptographic attestation"; the attestation process
// document of aws/aws-nitro-enclaves-nsm-api. The rules are numbered 23 to 27
// in the list of checks in package attestation.
package pcr
