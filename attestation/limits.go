package attestation

import (
	"fmt"
	"time"
)

// Defaults of [Limits].
const (
	DefaultEvidenceSize = 32 << 10
	DefaultFieldSize    = 1024
	DefaultClockSkew    = time.Minute
)

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
	// ClockSkew is how far in the future a timestamp may lie, for the clocks of
	// the hypervisor and of this machine differ. Default one minute.
	ClockSkew time.Duration
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
	switch {
	case l.EvidenceSize < 0 || l.EvidenceSize > maxEvidenceSize:
		return l, fmt.Errorf("Config.Limits.EvidenceSize: found %d, expected 1 to %d, or 0 for %d", l.EvidenceSize, maxEvidenceSize, DefaultEvidenceSize)
	case l.FieldSize < 0 || l.FieldSize > l.EvidenceSize:
		return l, fmt.Errorf("Config.Limits.FieldSize: found %d, expected 1 to EvidenceSize, or 0 for %d", l.FieldSize, DefaultFieldSize)
	case l.ClockSkew < 0:
		return l, fmt.Errorf("Config.Limits.ClockSkew: found %s, expected a positive duration, or 0 for %s", l.ClockSkew, DefaultClockSkew)
	}
	return l, nil
}
