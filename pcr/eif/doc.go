// Package eif computes from an enclave image file (EIF) the registers of an
// enclave that boots it, and writes such files.
//
// # The format
//
// An image file is a header of 548 bytes and up to 32 sections, big-endian
// throughout:
//
//	0x000  ".eif"
//	0x004  version: 2, 3 (adds the signature) or 4 (makes metadata mandatory)
//	0x006  flags: bit 0 is set for aarch64
//	0x008  default memory and 0x010 default CPUs, unused
//	0x01a  num_sections
//	0x01c  offsets[32], each of a section header
//	0x11c  sizes[32], each of a section's data
//	0x220  CRC-32 over the whole file but for these four bytes
//
// A section is a header of 12 bytes (type, flags, size) and its data. There
// are exactly one kernel and one command line, any number of ramdisks after
// the kernel, at most one signature, and metadata in JSON.
//
// A register is SHA-384 over 48 zero bytes and the SHA-384 of its content. The
// content is the data of sections, without their headers, in file order:
//
//	PCR0  kernel, command line, every ramdisk
//	PCR1  kernel, command line, first ramdisk
//	PCR2  the ramdisks after the first; of nothing, if there are none
//	PCR8  the signing certificate in DER; zero if the image is not signed
//
// So PCR0 and PCR1 are equal for an image with one ramdisk. Nothing marks where
// one section ends and the next begins: bytes can move between kernel, command line and
// first ramdisk, or from one application ramdisk to the next, without a
// register changing. Two images can have equal registers and start with other
// command lines. Compare registers; do not reason from the sections. Measure
// warns of what moved bytes look like: [EmptyCommandLine], [EmptyRamdisk],
// [LongKernel], [UnusualOrder].
//
// Neither the header nor the metadata is in any register of an image of AWS's
// tools. Bottlerocket's builder sets flags of its own in the header, and since
// 2026-08 measures them into PCR0; its formula is not documented, and such
// images are refused as [UnknownFlags].
//
// The signature is a COSE_Sign1 over PCR0, next to the certificate that made
// it. [Measure] verifies the one with the other. What that says is that the
// key of PCR8 signed this image; whose key it is, PCR8 has to tell you.
//
// # The trap
//
// There are two ways to walk through the file, and AWS uses both. The
// hypervisor goes by the header: num_sections and the offsets say what boots,
// and bytes in no section are ignored. nitro-cli describe-eif ignores the
// header and reads one section after another to the end of the file, and the
// signer of AWS's tools signs the PCR0 that this finds. A file with a correct
// checksum can therefore hold a section that one of them sees and the other
// does not, and describe-eif then prints registers that no enclave will ever
// attest to. An auditor who compares those with a published value has compared
// nothing.
//
// Measure takes both walks and returns an error with the reason [WalksDiffer],
// with the registers of either, where they do not find the same sections.
// Files in which only the hypervisor's walk succeeds are measured, with the
// warning [Gap]: AWS boots them, and describe-eif refuses them.
//
// For the same reason the offsets have to rise: header order is then file
// order, and there is one order in which to measure.
//
// # What Measure refuses
//
// Each [Reason] is an error where readers could disagree on what is measured or
// booted, or where the file is damaged, and a [Warning] where they agree. That
// is stricter than any one reader: describe-eif checks neither the magic nor
// the version nor how many kernels there are, and leaves the checksum to the
// eyes of whoever reads its output; QEMU does not verify signatures and skips
// sections of unknown types. It is more lenient than QEMU in what changes no
// register: gaps, images for aarch64, of version 2 or 3 or without a ramdisk,
// and the stale size that AWS's own signer leaves in the header when it signs a
// signed image anew.
//
// No size in the file is believed before the file is found to have that many
// bytes, and none decides how much memory is taken.
//
// Sources: the specification in the README of aws/aws-nitro-enclaves-image-format
// (2024-06-21) and the reader, builder and signer of that repository;
// hw/core/eif.c of QEMU 10. Images, and what those programs make of them, are
// in testdata/eif.
package eif
