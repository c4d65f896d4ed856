package eif

import (
	"fmt"

	"github.com/nitroattest/nitroattest/pcr"
)

// Reason is the stable name of one rule of the format. It is an error by itself, so that
// errors.Is(err, eif.WalksDiffer) says whether an image broke it.
//
// Two principles decide what becomes of a broken rule. It is an error where
// two readers of the file could disagree on what is measured or booted, or
// where the file cannot be read at all. It is a [Warning] where every reader
// that measures the image finds the same registers.
type Reason string

// Error returns the name.
func (r Reason) Error() string { return string(r) }

// Reasons for which an image is refused.
const (
	Unreadable         Reason = "unreadable"          // the reader failed, or ended before the size it was said to have
	ShortHeader        Reason = "short-header"        // fewer than the 548 bytes of a header
	BadMagic           Reason = "bad-magic"           // does not start with ".eif"
	UnsupportedVersion Reason = "unsupported-version" // not 2, 3 or 4: 0 and 1 were never public, the rest is undefined
	UnknownFlags       Reason = "unknown-flags"       // a flag without a meaning, in the header or a section
	SectionCount       Reason = "section-count"       // num_sections is not 2 to 32
	OffsetOutOfRange   Reason = "offset-out-of-range" // a section that starts inside the header or beyond the file
	SectionOrder       Reason = "section-order"       // offsets that do not rise, so that header order is not file order
	SectionOverlap     Reason = "section-overlap"     // a section that starts inside the one before it
	SectionOverrun     Reason = "section-overrun"     // a section that ends beyond the file
	SizeMismatch       Reason = "size-mismatch"       // the header's size of a section is not the section's own
	UnknownSection     Reason = "unknown-section"     // a section type that is not 1 to 5
	SectionTooLarge    Reason = "section-too-large"   // beyond MaxCommandLine, MaxMetadata or MaxSignature
	KernelCount        Reason = "kernel-count"        // not exactly one kernel
	CommandLineCount   Reason = "command-line-count"  // not exactly one command line
	SignatureCount     Reason = "signature-count"     // two signatures: AWS's tool, QEMU and the format each find another PCR8
	MetadataCount      Reason = "metadata-count"      // none in version 4, or two in any
	RamdiskOrder       Reason = "ramdisk-order"       // a ramdisk before the kernel
	SectionVersion     Reason = "section-version"     // a signature in version 2, which has none: PCR8 is undefined
	WalksDiffer        Reason = "walks-differ"        // describe-eif reads a section that the hypervisor does not boot
	BadCRC             Reason = "bad-crc"             // the checksum over the file is not the header's
	InvalidMetadata    Reason = "invalid-metadata"    // metadata that is not one JSON object with distinct keys
	MalformedSignature Reason = "malformed-signature" // a signature section in another form than AWS's tools write
	BadCertificate     Reason = "bad-certificate"     // not one PEM certificate with an ECDSA key on P-256, P-384 or P-521
	BadSignature       Reason = "bad-signature"       // the COSE signature does not verify with the certificate
	SignedRegister     Reason = "signed-register"     // a good signature over something other than this image's PCR0
)

// Reasons for a [Warning].
const (
	Gap                Reason = "gap"                           // bytes in no section: neither booted nor measured; describe-eif refuses most
	StaleSignatureSize Reason = "stale-signature-size"          // the header's size of the signature is an older one, as AWS's signer leaves it; QEMU refuses
	ReservedField      Reason = "reserved-field"                // a reserved or unused header field that is not zero; every reader ignores it
	NoRamdisk          Reason = "no-ramdisk"                    // an image without a ramdisk: the format allows it, QEMU does not
	MetadataVersion    Reason = "metadata-version"              // metadata before version 4, which introduced it
	IncompleteMetadata Reason = "incomplete-metadata"           // metadata that lacks a field the format demands; describe-eif refuses it
	EmptyCommandLine   Reason = "empty-command-line"            // the kernel takes another one, or the parts of the image have other borders than it seems
	EmptyRamdisk       Reason = "empty-first-ramdisk"           // likewise
	LongKernel         Reason = "kernel-longer-than-its-header" // bytes after what the kernel's own header says it has; no kernel reads them
	UnusualOrder       Reason = "unusual-order"                 // another order of sections than AWS's builder writes
	ExpiredCertificate Reason = "expired-certificate"           // the signing certificate is not valid now: nitro-cli run-enclave refuses the image
	UnusualCertificate Reason = "unusual-certificate"           // a signing certificate that crypto/x509 does not parse, for a negative serial number for example
	ExtraSignatureData Reason = "extra-signature-data"          // signatures after the first, or text around the certificate: readers ignore both
)

// Error says why an image was refused, where, and what was found there.
type Error struct {
	Reason Reason
	Where  string // "num_sections", "section 4 (ramdisk)"
	Offset int64  // in the file, in bytes
	Detail string
	Err    error // what caused it, or nil

	// Registers 0 to 2 as the hypervisor and as describe-eif find them. Both
	// are set for WalksDiffer only; Described is nil even there when
	// describe-eif would fail later in the file.
	Booted, Described pcr.Bank
}

// Error returns "reason: place: finding: cause" in one line.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s at offset %d: %s", e.Reason, e.Where, e.Offset, e.Detail)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Is reports whether target is the reason.
func (e *Error) Is(target error) bool { return target == e.Reason }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Warning says what is unusual in an image without a register depending on it.
type Warning struct {
	Reason Reason
	Detail string
}

// String returns the reason and the finding in one line.
func (w Warning) String() string { return string(w.Reason) + ": " + w.Detail }
