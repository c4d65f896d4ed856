package certs

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// SetCRLs replaces all lists, those that Update gathered too, at once for every
// verification that starts later. Each argument is one list (RFC 5280, section
// 5) in DER, or any number of PEM blocks of type X509 CRL.
//
// It fails with a [*ListError], and the old lists stay, for a list that is
// malformed, too large, or holds what this package cannot evaluate: delta CRLs,
// indirect ones, those for some reasons only, unknown critical extensions. It
// also fails when, of the lists of one scope that a known issuer signed, the
// newest is older than one that the issuer signed before: see [Revocations]. A
// list may be left out.
//
// Who signed the list of an issuer that no chain has shown yet is not known here;
// that is checked against the chain that it is used on. A list that bears the
// name and scope of one that was verified, and that the same key did not sign,
// does not take its place: both stay.
//
// A parsed list takes about three times its size.
func (r *Revocations) SetCRLs(crls ...[]byte) error {
	if r.isZero() {
		return errZeroRevocations
	}
	lists, err := r.parseAll(crls)
	if err != nil {
		return err
	}
	r.changing.Lock()
	defer r.changing.Unlock()
	old := *r.lists.Load()
	out := slices.Clone(lists)
	var met []func()
	for _, s := range r.memory.all() {
		newest, claimed := -1, false
		for i, list := range lists {
			if !s.claimedBy(list) {
				continue
			}
			claimed = true
			if list.signedBy(s.authority) && (newest < 0 || list.issue().newerThan(lists[newest].issue())) {
				newest = i
			}
		}
		switch {
		case newest >= 0:
			if list := lists[newest]; s.newest.Load().newerThan(list.issue()) {
				return s.older(list)
			}
			met = append(met, func() { r.memory.meet(s.authority, lists[newest]) })
		case claimed:
			for _, list := range old {
				if s.claimedBy(list) && list.signedBy(s.authority) {
					list.gathered = true
					out = append(makeRoom(out), list)
				}
			}
		}
	}
	for _, meet := range met {
		meet()
	}
	r.lists.Store(&out)
	return nil
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

func (r *Revocations) parseAll(crls [][]byte) ([]*revocationList, error) {
	var lists []*revocationList
	for i, crl := range crls {
		parsed, refused := r.parse(crl, parseCRLs)
		if refused != nil {
			refused.List = i
			return nil, refused
		}
		lists = append(lists, parsed...)
	}
	return lists, nil
}

func (r *Revocations) parse(crl []byte, read func([]byte) ([]*revocationList, *ListError)) ([]*revocationList, *ListError) {
	if len(crl) > r.maxListSize {
		return nil, &ListError{Reason: LargeList, Detail: fmt.Sprintf("found %d bytes, expected at most %d", len(crl), r.maxListSize)}
	}
	return read(crl)
}

// MaxGatheredCRLs bounds the lists that Update gathers. Each region has a few at
// a time. Where one more would be too many, the one with the earliest nextUpdate
// makes room; those of SetCRLs stay.
const MaxGatheredCRLs = 512

// Update adds a list in DER that issuer signed, or puts it in the place of the
// list with the same issuer, key and scope. It fails with a [*ListError], and
// leaves the lists as they are, when issuer did not sign it or has signed a newer
// one before. It succeeds for a list that is out of date: see CurrentUntil. The
// caller vouches for the issuer: take it from a verified chain.
func (r *Revocations) Update(issuer *x509.Certificate, crl []byte) error {
	if r.isZero() {
		return errZeroRevocations
	}
	if issuer == nil {
		return errors.New("certs: Revocations.Update: found no issuer, expected the certificate that signed the list")
	}
	parsed, refused := r.parse(crl, func(der []byte) ([]*revocationList, *ListError) {
		list, refused := parseCRL(der)
		return []*revocationList{list}, refused
	})
	if refused != nil {
		return refused
	}
	list := parsed[0]
	if !list.signedBy(issuer) {
		return &ListError{Reason: ForeignList, Detail: fmt.Sprintf("found a list of %q, expected one that %q signed", list.crl.Issuer, issuer.Subject)}
	}
	r.changing.Lock()
	defer r.changing.Unlock()
	if s := r.memory.meet(issuer, list); s.newest.Load().newerThan(list.issue()) {
		return s.older(list)
	}
	// An issuer that has changed its key signs a list of its own: the old one
	// goes on to speak of what the old key signed.
	out := slices.DeleteFunc(slices.Clone(*r.lists.Load()), func(old *revocationList) bool {
		return old.scope.equal(list.scope) && old.signedBy(issuer)
	})
	list.gathered = true
	out = append(makeRoom(out), list)
	r.lists.Store(&out)
	return nil
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

// claimedBy reports whether a list bears the name and scope of a series. Whether
// its issuer signed it is another question.
func (s *series) claimedBy(list *revocationList) bool {
	return list.scope.equal(s.scope) && bytes.Equal(list.crl.RawIssuer, s.authority.RawSubject)
}

func (s *series) older(list *revocationList) *ListError {
	newest := s.newest.Load()
	return &ListError{Reason: OlderList, Detail: fmt.Sprintf("found the list of %s with number %v of %q, expected none older than that of %s with number %v, which was there before",
		stamp(list.crl.ThisUpdate), list.crl.Number, list.crl.Issuer, stamp(newest.thisUpdate), newest.number)}
}
