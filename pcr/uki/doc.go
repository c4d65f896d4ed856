// Package uki computes from a unified kernel image (UKI) the registers that an
// EC2 instance attests to through its NitroTPM after booting it.
//
// # What is measured
//
// A UKI is one PE file for UEFI: a small program, the stub, and behind it the
// kernel, the initial ramdisk and the kernel command line as sections with the
// names .linux, .initrd and .cmdline. The firmware of the instance starts it,
// and the stub starts the kernel. On the way events are extended into registers
// of the TPM, each starting from 48 zero bytes: SHA-384 over the old value and
// the digest of the event.
//
//	PCR4   "Calling EFI Application from Boot Option", the text in ASCII
//	       the separator, 4 zero bytes
//	       the image, by its Authenticode digest
//	       the kernel in .linux, by its Authenticode digest, if the stub
//	       has the firmware load it
//	PCR7   the variables SecureBoot, PK, KEK, db and dbx
//	       the separator
//	       under Secure Boot, the entry of db that the image was verified with
//	PCR12  nothing, unless the command line of the image was overridden or
//	       something else from outside of the image was added
//	PCR13  nothing, unless a system extension from outside was added
//
// [Measure] computes the four of them, and lists the events in the terms of a
// TPM event log so that they can be compared one by one.
//
// # What pins a boot
//
// PCR4 covers the image with everything in it, but without Secure Boot the stub
// takes a command line from outside, which only PCR12 shows. So PCR4 says what
// booted only together with PCR12 (GHSA-xrv8-2pf5-f3q7). PCR7 says with whose
// keys Secure Boot was on: a policy on PCR7 accepts every image that those keys
// ever signed, and without Secure Boot PCR7 is the same for everyone.
//
// Neither covers system extensions. systemd-stub adds to the initial ramdisk
// those that it finds beside the image on the boot partition, and extends them
// into PCR13 alone. PCR13 is zero where there are none. An extension holds code,
// and before systemd 255 nothing asks who signed it, so that a policy pins what
// boots only with PCR13 (see pcr.Policy.Validate). AWS's tool does not print it;
// Measure does.
//
// # The Authenticode digest
//
// The digest leaves out what a signature changes, so that it can be signed: the
// header's checksum, the directory entry of the certificate table, and the
// table itself. It covers the headers, then the sections in the order of their
// place in the file, then as many bytes as are left. Where they are left is a
// trap: the specification counts what was hashed and goes on at that offset,
// so that bytes between two sections are not hashed and as many bytes before
// the end are hashed twice. The firmware does so, and so does this package,
// with the warning [Gap]. Signing tools that hash the file from front to back
// find another digest for such an image.
//
// # The kernel's digest
//
// Whether the kernel is an event of its own depends on the stub:
//
//	systemd-stub   Secure Boot off   Secure Boot on
//	up to 251      see below         see below
//	252 to 257     measured          not measured
//	258 and later  not measured      not measured
//
// From 252 on the stub calls LoadImage, under Secure Boot past the firmware's
// checks and so past its measurement, and from 258 on it starts the kernel by
// itself. So did the stubs before 252, by systemd's account, while AWS's tool
// takes their kernels for measured. A kernel older than Linux 5.8 may not be
// loaded either.
//
// The version is in the section .sdmagic. Where it is missing, as in images of
// Amazon Linux 2023 for aarch64 (whose stub is 252), or does not decide, Measure
// returns [KernelUnknown] with the registers of both cases, and the caller has
// to say in [Options] which one it is.
//
// # Limits
//
// The image has to be what the firmware starts. A boot loader before it, shim,
// GRUB or systemd-boot, is measured too and extends more: systemd-boot 252 hands
// the image its own command line as an override, so that PCR12 is no longer
// zero. Add-ons, credentials, configuration extensions and other profiles than
// the image's first are not foreseen either; they extend PCR4 or PCR12, so that
// an instance that has them does not match. For Secure Boot the firmware is
// taken to have the variables PK, KEK, db and dbx and no others, as on EC2.
// Signatures are not verified; that is the firmware's part, and it would not
// start an image with a bad one.
//
// Measure is strict where two readers of a file could disagree, and reads
// nothing into memory by a size that the file only claims.
//
// Sources: TCG PC Client Platform Firmware Profile, "PCR[4] - Boot Manager Code
// and Boot Attempts" and "PCR[7] - Secure Boot Policy Measurements"; UEFI
// Specification 2.10, section 32.4; Microsoft, "Windows Authenticode Portable
// Executable Signature Format" and "PE Format"; systemd-stub(7), changes 24777
// and 37372 and issue 23788 of systemd; EC2 User Guide, "Compute PCR
// measurements for a custom AMI"; aws/NitroTPM-Tools 1.1.1; MeasureBootPeCoff.c
// of edk2. Images that were booted, and what their firmware measured, are in
// testdata/uki.
package uki
