// Package hostile makes documents that try to cost a verifier more than they
// cost their sender. Each says what it may cost: signature verifications, and
// memory as a multiple of its size.
package hostile

import (
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/attestation/attestationtest"
	"github.com/nitroattest/nitroattest/certs"
)

// Document is one of them.
type Document struct {
	Name     string
	Comment  string
	Evidence []byte
	Reason   attestation.Reason // empty: an honest document, to compare with

	// Signatures is how many signatures are verified, those of the chain and
	// that of the document together, without a cache.
	Signatures int
	// Allocation bounds the memory that one verification allocates in all: Base
	// bytes, for the report and what every document needs, and a multiple of
	// the size of the evidence.
	Base, Allocation int
}

// Now is when the documents are judged.
var Now = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// size is that of the largest evidence that is looked at.
const size = attestation.DefaultEvidenceSize

func hypervisor() *attestationtest.Hypervisor {
	return attestationtest.NewHypervisor(attestationtest.WithSeed([]byte("hostile")), attestationtest.WithTime(Now))
}

// Config trusts the root of the documents and accepts any image.
func Config() attestation.Config {
	return attestation.Config{
		Roots:            Roots(),
		InsecureAnyImage: true,
		Now:              func() time.Time { return Now },
		Limits:           attestation.Limits{CachedCertificates: attestation.NoCache},
	}
}

// Roots is the one root of the documents.
func Roots() *certs.Roots { return hypervisor().Roots() }

// Expect asks for no more than that the document is of now.
var Expect = attestation.Expect{MaxAge: time.Minute}

// Documents returns all of them, the honest one first.
func Documents() []Document {
	h := hypervisor()
	honest := Document{
		Name: "honest", Comment: "an honest document, for comparison",
		Evidence: h.Attest(attestationtest.Request{}), Signatures: 5, Base: 24 << 10, Allocation: 8,
	}
	all := append([]Document{honest}, itemDocuments(h)...)
	return append(all, certificateDocuments(h)...)
}

// edited makes a document with one edit.
func edited(h *attestationtest.Hypervisor, name, comment string, reason attestation.Reason, edit func(*attestationtest.Blueprint)) Document {
	b := h.Blueprint(attestationtest.Request{})
	edit(b)
	return Document{Name: name, Comment: comment, Evidence: b.Document(), Reason: reason}
}
