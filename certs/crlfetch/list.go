package crlfetch

import (
	"context"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nitroattest/nitroattest/certs"
)

// list is a list that a certificate of an authentic chain names.
type list struct {
	url    string
	issuer *x509.Certificate
	// naming is no certificate, but what all have in common that name the list:
	// they may expire before the issuer's does, and others follow.
	naming *x509.Certificate

	// Guarded by Updater.mu:

	fetch     *fetch    // nil: none is going on
	fetched   time.Time // the last success; zero: none yet
	due       time.Time // when Refresh fetches it again
	attempted time.Time
	failures  int   // since the last success
	err       error // of the last attempt
}

// listKey tells lists apart: the URL alone does not, for the signature has to be
// that of the key in the chain.
type listKey struct{ url, key string }

// fetch is a request that is going on. All who want the list wait for the same.
type fetch struct {
	done chan struct{}
	err  error // when done
}

// waitAll returns the errors of fetches when all are done or ctx ends.
func waitAll(ctx context.Context, fetches []*fetch) []error {
	var errs []error
	for _, f := range fetches {
		select {
		case <-f.done:
			errs = append(errs, f.err)
		case <-ctx.Done():
			return append(errs, ctx.Err())
		}
	}
	return errs
}

// maxLists bounds what is remembered.
const maxLists = certs.MaxGatheredCRLs

// begin returns the fetch of a list to wait for; nil when the list is current,
// and an error when it failed lately.
func (u *Updater) begin(ctx context.Context, url string, issuer, cert *x509.Certificate, at time.Time) (*fetch, error) {
	if err := checkURL(u.hosts, url); err != nil {
		return nil, &Error{Reason: NotAllowed, URL: url, Err: err}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	key := listKey{url, string(issuer.RawSubjectPublicKeyInfo)}
	l := u.lists[key]
	if l == nil {
		u.forget(at)
		if len(u.lists) >= maxLists {
			return nil, &Error{Reason: TooMany, URL: url, Detail: fmt.Sprintf("found %d lists in use", len(u.lists))}
		}
		naming := &x509.Certificate{CRLDistributionPoints: []string{url}, IsCA: cert.IsCA, NotAfter: issuer.NotAfter}
		l = &list{url: url, issuer: issuer, naming: naming}
		u.lists[key] = l
	}
	switch {
	case u.waits(l, at):
		return nil, l.err
	case l.fetch == nil && l.err == nil && within(u.config.MinInterval, l.fetched, at) && !u.currentUntil(l).Before(at):
		return nil, nil
	}
	return u.start(ctx, l, at), nil
}

// beginDue starts what Refresh waits for.
func (u *Updater) beginDue(ctx context.Context, now time.Time) []*fetch {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.forget(now)
	var fetches []*fetch
	for _, l := range u.lists {
		due := l.err != nil || !now.Before(l.due) || u.currentUntil(l).Before(now)
		if l.fetch != nil || due && !u.waits(l, now) {
			fetches = append(fetches, u.start(ctx, l, now))
		}
	}
	return fetches
}

// start joins the fetch that is going on, or begins one.
func (u *Updater) start(ctx context.Context, l *list, at time.Time) *fetch {
	if l.fetch != nil {
		return l.fetch
	}
	f := &fetch{done: make(chan struct{})}
	l.fetch = f
	go func() {
		f.err = u.renew(context.WithoutCancel(ctx), l, at)
		u.finish(l, f.err, at)
		close(f.done)
	}()
	return f
}

func (u *Updater) finish(l *list, err error, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	l.fetch, l.attempted, l.err = nil, at, err
	if err != nil {
		l.failures++
		return
	}
	l.failures, l.fetched = 0, at
	remaining := u.currentUntil(l).Sub(at)
	age := max(min(u.config.RefreshAfter, remaining/3*2), firstWait)
	l.due = at.Add(age - rand.N(age/4))
}

// firstWait is how long a failed fetch is not repeated.
const firstWait = 10 * time.Second

// waits reports whether the last attempt failed too lately for another one.
func (u *Updater) waits(l *list, at time.Time) bool {
	if l.fetch != nil || l.err == nil {
		return false
	}
	wait := firstWait
	for range l.failures - 1 {
		if wait *= 2; wait >= u.config.MinInterval {
			break
		}
	}
	return within(min(wait, u.config.MinInterval), l.attempted, at)
}

// currentUntil asks the revocations: the lists may have been replaced since.
func (u *Updater) currentUntil(l *list) time.Time {
	return u.config.Revocations.CurrentUntil(l.issuer, l.naming)
}

// within takes a clock that was set back for one that stands still.
func within(interval time.Duration, since, at time.Time) bool {
	return at.Sub(since).Abs() < interval
}

// forget drops the lists that no valid chain can name any more.
func (u *Updater) forget(at time.Time) {
	for key, l := range u.lists {
		if l.fetch == nil && at.After(l.issuer.NotAfter) {
			delete(u.lists, key)
		}
	}
}
