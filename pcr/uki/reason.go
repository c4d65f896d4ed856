package uki

import (
	"fmt"

	"github.com/nitroattest/nitroattest/pcr"
)

// Reason is the stable name of why an image or the variables were refused. It is
// an error by itself, so that errors.Is(err, uki.NoKernel) asks for it.
type Reason string

// Error returns the name.
func (r Reason) Error() string { return string(r) }

// Reasons for which an image is refused.
const (
	Unreadable         Reason = "unreadable"          // the reader failed, or ended before the size it was said to have
	ShortHeader        Reason = "short-header"        // the file ends inside its headers
	NotPE              Reason = "not-pe"              // no "MZ" and "PE" where a PE file has them
	OptionalHeader     Reason = "optional-header"     // neither PE32 nor PE32+, or not the size of its 5 to 16 directories
	HeaderSize         Reason = "header-size"         // SizeOfHeaders ends inside the section table or beyond the file
	SectionOverrun     Reason = "section-overrun"     // a section that ends beyond the file
	SectionOverlap     Reason = "section-overlap"     // a section that starts inside the headers or another one
	CertificateTable   Reason = "certificate-table"   // a certificate table that is not the end of the file
	NoKernel           Reason = "no-kernel"           // no section .linux: not a unified kernel image
	DuplicateSection   Reason = "duplicate-section"   // two of a section of which the stub uses one
	SectionSize        Reason = "section-size"        // .linux or .sdmagic with a size that its readers take differently
	KernelUnknown      Reason = "kernel-unknown"      // it cannot be told whether the kernel is measured
	InvalidOption      Reason = "invalid-option"      // an option with a value that has no meaning
	MissingVariable    Reason = "missing-variable"    // Secure Boot without PK or db
	MalformedVariable  Reason = "malformed-variable"  // a variable that is not a list of EFI_SIGNATURE_LIST
	MalformedSignature Reason = "malformed-signature" // a certificate table in another form than PKCS #7 SignedData
	AuthorityNotInDB   Reason = "authority-not-in-db" // an authority that is given and is no entry of db
	AuthorityUnknown   Reason = "authority-unknown"   // none or several entries of db among the image's certificates
)

// Gap is a [Warning]: bytes between sections are not measured, and as many
// before the end of the file twice. Tools that sign such an image may find
// another digest than the firmware.
const Gap Reason = "gap"

// Error says why an image or the variables were refused, where, and what was found there.
type Error struct {
	Reason Reason
	Where  string // "image", "kernel" (the content of .linux), "variable db"
	Offset int64  // in what Where names, in bytes
	Detail string
	Err    error // what caused it, or nil

	// Registers 4, 7, 12 and 13 with the kernel measured and without, for
	// KernelUnknown only. Measured is nil if under Secure Boot it is not clear
	// either what the firmware would verify the kernel with; Err says so.
	Measured, NotMeasured pcr.Bank
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

// Warning says what departs from the format without the firmware minding it.
type Warning struct {
	Reason Reason
	Detail string
}

// String returns the reason and the finding in one line.
func (w Warning) String() string { return string(w.Reason) + ": " + w.Detail }
