package api

import (
	"slices"
	"sync"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/internal/settings"
)

// prepared is a verifier that was made of settings.
type prepared struct {
	text     string // the settings
	verifier *attestation.Verifier
	expect   attestation.Expect
	asked    *settings.Appraisal
}

// Library keeps the verifiers of the latest settings, which remember the chains
// that they verified. The zero value is ready.
type Library struct {
	mu     sync.Mutex
	latest []*prepared // the newest first
}

// most bounds the verifiers that are kept, and maxKept the settings of one.
const (
	most    = 4
	maxKept = 64 << 10
)

// prepare returns the verifier for settings, a new one or that of an earlier
// call with the same text. A signed policy is read again once it has expired.
func (l *Library) prepare(text []byte) (*prepared, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, p := range l.latest {
		if p.text == string(text) && !p.expired(time.Now()) {
			l.latest = append([]*prepared{p}, slices.Delete(l.latest, i, i+1)...)
			return p, nil
		}
	}
	asked, err := settings.Read(text)
	if err != nil {
		return nil, err
	}
	verifier, expect, err := asked.Verifier()
	if err != nil {
		return nil, err
	}
	p := &prepared{string(text), verifier, expect, asked}
	if len(text) <= maxKept {
		l.latest = append([]*prepared{p}, l.latest[:min(len(l.latest), most-1)]...)
	}
	return p, nil
}

// expired reports whether a policy was signed for an earlier time. With a
// verification time of its own, a policy is judged as of that.
func (p *prepared) expired(now time.Time) bool {
	voucher := p.asked.Origin.Voucher
	return voucher != nil && p.asked.At.IsZero() && !now.Before(voucher.Expires)
}
