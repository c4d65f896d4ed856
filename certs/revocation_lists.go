package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// SetCRLs replaces all lists, those that Update gathered too, at once for every
// verification that starts later. Each argument is one list (RFC 5280, section
// 5) in DER, or any number of PEM blocks of type X509 CRL. It fails, and the old
// lists stay, for a list that is malformed or holds what this package cannot
// evaluate: delta CRLs, indirect ones, those for some reasons only, unknown
// critical extensions. Whether a list is signed by the issuer whose name it
// bears is checked against the chain that it is used on.
//
// A parsed list takes about three times its size; nothing bounds the lists of
// the caller.
func (r *Revocations) SetCRLs(crls ...[]byte) error {
	if r.isZero() {
		return errZeroRevocations
	}
	lists, err := parseAll(crls)
	if err != nil {
		return err
	}
	r.lists.Store(&lists)
	return nil
}

// RenewCRLs is SetCRLs for lists that do not go back, so that whoever can put an
// old list in the place of a newer one brings back nothing that was revoked
// since. It fails too, and the old lists stay, when of the lists with one issuer,
// authority key identifier and scope (RFC 5280, sections 5.1.2.3, 5.2.1 and
// 5.2.5) the newest is older than the newest before. A list that nothing takes
// the place of may go. Who signed the lists is not known here, as in SetCRLs.
func (r *Revocations) RenewCRLs(crls ...[]byte) error {
	if r.isZero() {
		return errZeroRevocations
	}
	lists, err := parseAll(crls)
	if err != nil {
		return err
	}
	for {
		old := r.lists.Load()
		if err := notOlder(*old, lists); err != nil {
			return fmt.Errorf("certs: CRL: %w", err)
		}
		if r.lists.CompareAndSwap(old, &lists) {
			return nil
		}
	}
}

// NextUpdate returns when the first of the lists is due to be replaced (RFC 5280,
// section 5.1.2.5), for monitoring: from then on it no longer tells that a
// certificate is not revoked. It is zero when there is no list.
func (r *Revocations) NextUpdate() time.Time {
	var first time.Time
	if r.isZero() {
		return first
	}
	for _, list := range *r.lists.Load() {
		if first.IsZero() || list.crl.NextUpdate.Before(first) {
			first = list.crl.NextUpdate
		}
	}
	return first
}

func parseAll(crls [][]byte) ([]*revocationList, error) {
	var lists []*revocationList
	for i, crl := range crls {
		parsed, err := parseCRLs(crl)
		if err != nil {
			return nil, fmt.Errorf("certs: CRL %d: %w", i, err)
		}
		lists = append(lists, parsed...)
	}
	return lists, nil
}

func notOlder(old, lists []*revocationList) error {
	for _, before := range old {
		var newest *revocationList
		for _, list := range lists {
			if list.sameSeries(before) && (newest == nil || list.newerThan(newest)) {
				newest = list
			}
		}
		if newest != nil && before.newerThan(newest) {
			return fmt.Errorf("found the list of %s of %q, expected one no older than that of %s", stamp(newest.crl.ThisUpdate), newest.crl.Issuer, stamp(before.crl.ThisUpdate))
		}
	}
	return nil
}

// MaxGatheredCRLs bounds the lists that Update gathers. Each region has a few at
// a time. Where one more would be too many, the one with the earliest nextUpdate
// makes room; those of SetCRLs stay.
const MaxGatheredCRLs = 512

// Update adds a list in DER that issuer signed, or puts it in the place of the
// list with the same issuer, key and scope. It fails, and leaves the lists as
// they are, when issuer did not sign it or when it is older than the one it
// would replace. It succeeds for a list that is out of date: see CurrentUntil.
// The caller vouches for the issuer: take it from a verified chain.
func (r *Revocations) Update(issuer *x509.Certificate, crl []byte) error {
	if r.isZero() {
		return errZeroRevocations
	}
	if issuer == nil {
		return errors.New("certs: CRL: found no issuer, expected the certificate that signed it")
	}
	list, err := parseCRL(crl)
	if err != nil {
		return fmt.Errorf("certs: CRL: %w", err)
	}
	if !list.signedBy(issuer) {
		return fmt.Errorf("certs: CRL: found one of %q, expected one that %q signed", list.crl.Issuer, issuer.Subject)
	}
	list.gathered = true
	for {
		old := r.lists.Load()
		lists, err := replace(*old, list, issuer)
		if err != nil {
			return fmt.Errorf("certs: CRL: %w", err)
		}
		if r.lists.CompareAndSwap(old, &lists) {
			return nil
		}
	}
}

// replace returns lists with a new one, and without those that it stands for.
// An issuer that has changed its key signs a list of its own: the old one goes
// on to speak of what the old key signed.
func replace(lists []*revocationList, list *revocationList, issuer *x509.Certificate) ([]*revocationList, error) {
	out := make([]*revocationList, 0, len(lists)+1)
	for _, old := range lists {
		if !old.scope.equal(list.scope) || !old.signedBy(issuer) {
			out = append(out, old)
			continue
		}
		if old.newerThan(list) {
			return nil, fmt.Errorf("found the list of %s, expected one no older than that of %s", stamp(list.crl.ThisUpdate), stamp(old.crl.ThisUpdate))
		}
	}
	return append(makeRoom(out), list), nil
}

// makeRoom removes one of the gathered lists when there are as many as may be.
func makeRoom(lists []*revocationList) []*revocationList {
	gathered, first := 0, 0
	for i, list := range lists {
		if !list.gathered {
			continue
		}
		if gathered == 0 || list.crl.NextUpdate.Before(lists[first].crl.NextUpdate) {
			first = i
		}
		gathered++
	}
	if gathered < MaxGatheredCRLs {
		return lists
	}
	return slices.Delete(lists, first, first+1)
}
