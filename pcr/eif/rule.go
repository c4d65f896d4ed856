package eif

import (
	"fmt"

	"github.com/nitroattest/nitroattest/pcr"
)

// Rule names one rule of the format. It is an error by itself, so that
// errors.Is(err, eif.WalksDiffer) says whether an image broke it.
//
// Two principles decide what becomes of a broken rule. It is an error where
// two readers of the file could disagree on what is measured or booted, or
// where the file cannot be read at all. It is a [Warning] where every reader
// that measures the image finds the same registers.
type Rule string

// Error returns the name of the rule.
func (r Rule) Error() string { return string(r) }

// Rules whose violation is an error.
const (
	Unreadable         Rule = "unreadable"          // the reader failed, or ended before the size it was said to have
	ShortHeader        Rule = "short-header"        // fewer than the 548 bytes of a header
	BadMagic           Rule = "bad-magic"           // does not start with ".eif"
	UnsupportedVersion Rule = "unsupported-version" // not 2, 3 or 4: 0 and 1 were never public, the rest is undefined
	UnknownFlags       Rule = "unknown-flags"       // a flag without a meaning, in the header or a section
	SectionCount       Rule = "section-count"       // num_sections is not 2 to 32
	OffsetOutOfRange   Rule = "offset-out-of-range" // a section that starts inside the header or beyond the file
	SectionOrder       Rule = "section-order"       // offsets that do not rise, so that header order is not file order
	SectionOverlap     Rule = "section-overlap"     // a section that starts inside the one before it
	SectionOverrun     Rule = "section-overrun"     // a section that ends beyond the file
	SizeMismatch       Rule = "size-mismatch"       // the header's size of a section is not the section's own
	UnknownSection     Rule = "unknown-section"     // a section type that is not 1 to 5
	SectionTooLarge    Rule = "section-too-large"   // beyond MaxCommandLine, MaxMetadata or MaxSignature
	KernelCount        Rule = "kernel-count"        // not exactly one kernel
	CommandLineCount   Rule = "command-line-count"  // not exactly one command line
	SignatureCount     Rule = "signature-count"     // two signatures: AWS's tool, QEMU and the format each find another PCR8
	MetadataCount      Rule = "metadata-count"      // none in version 4, or two in any
	RamdiskOrder       Rule = "ramdisk-order"       // a ramdisk before the kernel
	SectionVersion     Rule = "section-version"     // a signature in version 2, which has none: PCR8 is undefined
	WalksDiffer        Rule = "walks-differ"        // describe-eif reads a section that the hypervisor does not boot
	BadCRC             Rule = "bad-crc"             // the checksum over the file is not the header's
	InvalidMetadata    Rule = "invalid-metadata"    // metadata that is not one JSON object with distinct keys
	MalformedSignature Rule = "malformed-signature" // a signature section in another form than AWS's tools write
	BadCertificate     Rule = "bad-certificate"     // not one PEM certificate with an ECDSA key on P-256, P-384 or P-521
	BadSignature       Rule = "bad-signature"       // the COSE signature does not verify with the certificate
	SignedRegister     Rule = "signed-register"     // a good signature over something other than this image's PCR0
)

// Rules whose violation is a [Warning].
const (
	Gap                Rule = "gap"                  // bytes in no section: neither booted nor measured; describe-eif refuses most
	StaleSignatureSize Rule = "stale-signature-size" // the header's size of the signature is an older one, as AWS's signer leaves it; QEMU refuses
	ReservedField      Rule = "reserved-field"       // a reserved or unused header field that is not zero; every reader ignores it
	NoRamdisk          Rule = "no-ramdisk"           // an image without a ramdisk: the format allows it, QEMU does not
	MetadataVersion    Rule = "metadata-version"     // metadata before version 4, which introduced it
	IncompleteMetadata Rule = "incomplete-metadata"  // metadata that lacks a field the format demands; describe-eif refuses it
	ExtraSignatureData Rule = "extra-signature-data" // signatures after the first, or text around the certificate: readers ignore both
)

// Error says which rule an image breaks, where, and what was found there.
type Error struct {
	Rule   Rule
	Where  string // "num_sections", "section 4 (ramdisk)"
	Offset int64  // in the file, in bytes
	Detail string
	Err    error // what caused it, or nil

	// Registers 0 to 2 as the hypervisor and as describe-eif find them. Both
	// are set for WalksDiffer only; Described is nil even there when
	// describe-eif would fail later in the file.
	Booted, Described pcr.Bank
}

// Error returns the place and the finding in one line.
func (e *Error) Error() string {
	text := fmt.Sprintf("enclave image: %s at offset %d: %s", e.Where, e.Offset, e.Detail)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Is reports whether target is the rule that was broken.
func (e *Error) Is(target error) bool { return target == e.Rule }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Warning says which rule an image breaks without a register depending on it.
type Warning struct {
	Rule   Rule
	Detail string
}

// String returns the rule and the finding in one line.
func (w Warning) String() string { return string(w.Rule) + ": " + w.Detail }
