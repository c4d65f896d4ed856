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
// # Registers of the application
//
// An application extends registers 16 to 31 itself, to any value that it can name
// the data for. So they pin no code on their own, and a policy that lists nothing
// else is refused. Beside registers that do pin code, they say what that code has
// measured: what is the same for every enclave of an image stands in its pcrs, and
// what differs between deployments or exchanges in its exchange, see [Image].
//
// A Nitro Sandbox in confidential mode has a Nitro Security Module, and AWS
// documents that attestation works as for enclaves. What is on its block devices is
// not measured: code that counts is in the initial RAM disk, or verified by what is.
// On EKS, eks-nitro-sandbox-genpolicy predicts PCR17 from the policy of a pod, and
// AWS's sample key policies ask for that register alone. That is less than it
// seems: whoever boots an image of their own extends PCR17 to the same value. List
// PCR0, PCR1 and PCR2 of the sandbox's guest with it. Nothing more is implemented:
// no document of a sandbox was available, nor AWS's table of its registers.
//
// # Where values come from
//
// [ReadPolicy] reads a policy from its own JSON form, from what nitro-cli
// prints, or from the condition of an AWS KMS key policy. [ForRole],
// [ForInstance] and [ForCertificate] compute the registers that follow from a
// name or a certificate; package eif computes those that follow from an image
// file.
//
// Sources: AWS Nitro Enclaves User Guide, "Where to find an enclave's
// measurements" and "Cryptographic attestation"; the attestation process
// document of aws/aws-nitro-enclaves-nsm-api; EC2 User Guide, "Attest a Nitro
// Sandbox"; EKS User Guide, "Run a pod in confidential mode".
package pcr
