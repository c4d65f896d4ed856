package certs

import (
	"crypto/x509"
	"sync/atomic"
	"time"
)

// CountSignatures returns the number of signatures that v verifies from here
// on.
func CountSignatures(v *Verifier) *atomic.Int64 {
	n := new(atomic.Int64)
	check := v.checkSignature
	v.checkSignature = func(parent, child *x509.Certificate) error {
		n.Add(1)
		return check(parent, child)
	}
	return n
}

// CachedCertificates returns how many certificates v remembers.
func CachedCertificates(v *Verifier) int {
	if v.cache == nil {
		return 0
	}
	v.cache.mu.Lock()
	defer v.cache.mu.Unlock()
	if len(v.cache.entries) != v.cache.recent.Len() {
		panic("the map and the list of the cache differ")
	}
	return len(v.cache.entries)
}

// SplitSignature is splitSignature.
var SplitSignature = splitSignature

// KnownAnswers returns the names of the known answers in the order in which
// NewVerifier asks for them.
func KnownAnswers() []string {
	var names []string
	for _, a := range knownAnswers() {
		names = append(names, a.name)
	}
	return names
}

// MaxSeries bounds what Revocations remember.
const MaxSeries = maxSeries

// Remember is what a list of issuer's for one URL leaves behind.
func Remember(r *Revocations, issuer *x509.Certificate, url string, thisUpdate time.Time) {
	r.memory.remember(issuer, scope{urls: []string{url}}, issue{thisUpdate: thisUpdate})
}

// RememberedSeries returns of how many series r remembers the newest list.
func RememberedSeries(r *Revocations) int { return len(r.memory.all()) }

// CanBeDenied is canBeDenied, IsDottedOID is isDottedOID.
var (
	CanBeDenied = canBeDenied
	IsDottedOID = isDottedOID
)
