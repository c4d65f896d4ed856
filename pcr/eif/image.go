package eif

import (
	"crypto/x509"
	"encoding/json"

	"github.com/nitroattest/nitroattest/pcr"
)

// Architecture is the processor architecture an image is for. An enclave of
// another one does not boot it.
type Architecture string

// The architectures of the format.
const (
	X8664   Architecture = "x86_64"
	AArch64 Architecture = "aarch64"
)

// Image is what an image file holds and what an enclave that boots it will
// attest to.
//
// Only the measurements bind: everything but kernel, command line, ramdisks
// and signing certificate can change without a register changing, the
// metadata, the header's fields and the limits between sections among it.
type Image struct {
	// Registers 0, 1 and 2, and 8 when the image is signed. An enclave that
	// boots an unsigned image attests to a register 8 of zeros.
	Measurements pcr.Bank
	Warnings     []Warning // what departs from the format without a register depending on it

	Version       int // of the format: 2, 3 or 4
	Architecture  Architecture
	DefaultMemory uint64 // in bytes; unused by AWS's tools
	DefaultCPUs   uint64 // unused by AWS's tools
	Sections      []Section

	CommandLine  string          // of the kernel, as it is in the file: any bytes
	Metadata     *Metadata       // nil when the image has none
	MetadataJSON json.RawMessage // the same as it is in the file
	Signature    *ImageSignature // nil when the image is not signed
}

// ImageSignature is the signature over PCR0 that an image file carries. It was
// verified with the certificate it came with, which says that the holder of
// that certificate's key signed this image, and not who that is: compare
// register 8 with [pcr.ForCertificate] of a certificate you know.
type ImageSignature struct {
	// Certificate measured into PCR8, its DER in Raw. Its issuer was not looked
	// at. Its validity period is a warning, for nitro-cli refuses to run an image
	// whose certificate has expired. With the warning UnusualCertificate, only Raw,
	// the key, the names and the period are set.
	Certificate *x509.Certificate
	Algorithm   string // "ES256", "ES384" or "ES512"
}
