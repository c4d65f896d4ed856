package uki

import (
	"fmt"

	"github.com/nitroattest/nitroattest/pcr"
)

// Rule names what an image or the variables have to satisfy. It is an error by
// itself, so that errors.Is(err, uki.NoKernel) says why one was refused.
type Rule string

// Error returns the name of the rule.
func (r Rule) Error() string { return string(r) }

// Rules whose violation is an error.
const (
	Unreadable         Rule = "unreadable"          // the reader failed, or ended before the size it was said to have
	ShortHeader        Rule = "short-header"        // the file ends inside its headers
	NotPE              Rule = "not-pe"              // no "MZ" and "PE" where a PE file has them
	OptionalHeader     Rule = "optional-header"     // neither PE32 nor PE32+, or not the size of its 5 to 16 directories
	HeaderSize         Rule = "header-size"         // SizeOfHeaders ends inside the section table or beyond the file
	SectionOverrun     Rule = "section-overrun"     // a section that ends beyond the file
	SectionOverlap     Rule = "section-overlap"     // a section that starts inside the headers or another one
	CertificateTable   Rule = "certificate-table"   // a certificate table that is not the end of the file
	NoKernel           Rule = "no-kernel"           // no section .linux: not a unified kernel image
	DuplicateSection   Rule = "duplicate-section"   // two of a section of which the stub uses one
	SectionSize        Rule = "section-size"        // .linux or .sdmagic with a size that its readers take differently
	KernelUnknown      Rule = "kernel-unknown"      // it cannot be told whether the kernel is measured
	InvalidOption      Rule = "invalid-option"      // an option with a value that has no meaning
	MissingVariable    Rule = "missing-variable"    // Secure Boot without PK or db
	MalformedVariable  Rule = "malformed-variable"  // a variable that is not a list of EFI_SIGNATURE_LIST
	MalformedSignature Rule = "malformed-signature" // a certificate table in another form than PKCS #7 SignedData
	AuthorityNotInDB   Rule = "authority-not-in-db" // an authority that is given and is no entry of db
	AuthorityUnknown   Rule = "authority-unknown"   // none or several entries of db among the image's certificates
)

// Gap is a [Warning]: bytes between sections are not measured, and as many
// before the end of the file twice. Tools that sign such an image may find
// another digest than the firmware.
const Gap Rule = "gap"

// Error says which rule was broken, where, and what was found there.
type Error struct {
	Rule   Rule
	Where  string // "image", "kernel" (the content of .linux), "variable db"
	Offset int64  // in what Where names, in bytes
	Detail string
	Err    error // what caused it, or nil

	// Registers 4, 7 and 12 with the kernel measured and without, for
	// KernelUnknown only. Measured is nil if under Secure Boot it is not clear
	// either what the firmware would verify the kernel with; Err says so.
	Measured, NotMeasured pcr.Bank
}

// Error returns the place and the finding in one line.
func (e *Error) Error() string {
	text := fmt.Sprintf("unified kernel image: %s at offset %d: %s", e.Where, e.Offset, e.Detail)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Is reports whether target is the rule that was broken.
func (e *Error) Is(target error) bool { return target == e.Rule }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Warning says what departs from the format without the firmware minding it.
type Warning struct {
	Rule   Rule
	Detail string
}

// String returns the rule and the finding in one line.
func (w Warning) String() string { return string(w.Rule) + ": " + w.Detail }
