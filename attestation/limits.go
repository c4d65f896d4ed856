package attestation

import (
	"fmt"
	"time"

	"github.com/nitroattest/nitroattest/certs"
)

// Defaults of [Limits].
const (
	DefaultEvidenceSize = 32 << 10
	DefaultFieldSize    = 1024
	DefaultClockSkew    = time.Minute
	// About 6 MiB: the chains of some 300 instances with two enclaves each.
	DefaultCachedCertificates = 1024
)

// NoCache as [Limits.CachedCertificates] turns the cache off.
const NoCache = -1

// maxEvidenceSize is what AWS KMS accepts as an attestation document (AWS KMS
// API Reference, RecipientInfo); nothing that makes them emits as much.
const maxEvidenceSize = 256 << 10

// Limits bounds what a Verifier takes. Each zero field stands for its default.
type Limits struct {
	// EvidenceSize is the largest document in bytes. Default 32 KiB, at most
	// 256 KiB. A Nitro Security Module answers with at most 12 KiB.
	EvidenceSize int
	// FieldSize is the largest public_key, user_data or nonce in bytes, each.
	// Default 1024, what the format's CDDL says; AWS has signed larger ones.
	FieldSize int
	// ClockSkew is how far in the future a timestamp may lie, and how long before
	// its notBefore the leaf is accepted, for the clocks of AWS and of this
	// machine differ: AWS signs documents 3 s after the notBefore of a new leaf.
	// The other certificates and every notAfter are not affected. Default one
	// minute, at most one hour.
	ClockSkew time.Duration
	// CachedCertificates is how many certificates with a verified signature are
	// remembered, at about 6 KiB each. A document whose chain is known costs one
	// signature verification in place of five. Only signatures are remembered;
	// validity is checked again at each use, so no verdict depends on the cache.
	// Default 1024; NoCache: none.
	CachedCertificates int
}

// withDefaults returns l with every zero field replaced.
func (l Limits) withDefaults() (Limits, error) {
	if l.EvidenceSize == 0 {
		l.EvidenceSize = DefaultEvidenceSize
	}
	if l.FieldSize == 0 {
		l.FieldSize = DefaultFieldSize
	}
	if l.ClockSkew == 0 {
		l.ClockSkew = DefaultClockSkew
	}
	if l.CachedCertificates == 0 {
		l.CachedCertificates = DefaultCachedCertificates
	}
	switch {
	case l.EvidenceSize < 0 || l.EvidenceSize > maxEvidenceSize:
		return l, fmt.Errorf("Config.Limits.EvidenceSize: found %d, expected 1 to %d, or 0 for %d", l.EvidenceSize, maxEvidenceSize, DefaultEvidenceSize)
	case l.FieldSize < 0 || l.FieldSize > l.EvidenceSize:
		return l, fmt.Errorf("Config.Limits.FieldSize: found %d, expected 1 to EvidenceSize, or 0 for %d", l.FieldSize, DefaultFieldSize)
	case l.ClockSkew < 0 || l.ClockSkew > certs.MaxClockSkew:
		return l, fmt.Errorf("Config.Limits.ClockSkew: found %s, expected a positive duration of at most %s, or 0 for %s", l.ClockSkew, certs.MaxClockSkew, DefaultClockSkew)
	case l.CachedCertificates < NoCache:
		return l, fmt.Errorf("Config.Limits.CachedCertificates: found %d, expected a positive number, 0 for %d, or NoCache", l.CachedCertificates, DefaultCachedCertificates)
	}
	return l, nil
}
