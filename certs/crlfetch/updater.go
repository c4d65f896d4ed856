package crlfetch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/nitroattest/nitroattest/certs"
)

// Updater fetches revocation lists. It is safe for concurrent use.
type Updater struct {
	config   Config
	hosts    []hostPattern
	client   *http.Client
	verifier *certs.Verifier

	handing sync.Mutex // held while a list is parsed, which takes memory

	mu    sync.Mutex
	lists map[listKey]*list
}

// cachedCertificates is how many certificates Update does not verify again.
const cachedCertificates = 256

// New returns an Updater for the given configuration, or an error that names
// the field of Config that cannot be used. It fetches nothing yet.
func New(config Config) (*Updater, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	hosts, err := parseHosts(config.Hosts)
	if err != nil {
		return nil, err
	}
	// Without revocations: a chain whose status is unknown is what the lists
	// are fetched for.
	verifier, err := certs.NewVerifier(config.Roots, certs.Config{CachedCertificates: cachedCertificates})
	if err != nil {
		return nil, fmt.Errorf("crlfetch: Config.Roots: %w", err)
	}
	if config.Revocations == nil {
		return nil, errors.New("crlfetch: Config.Revocations: nil, expected what certs.NewRevocations returns")
	}
	if _, err := certs.NewVerifier(config.Roots, certs.Config{Revocations: config.Revocations}); err != nil {
		return nil, fmt.Errorf("crlfetch: Config.Revocations: %w", err)
	}
	return &Updater{
		config:   config,
		hosts:    hosts,
		client:   restrict(config.Client, hosts),
		verifier: verifier,
		lists:    map[listKey]*list{},
	}, nil
}

// Update fetches the lists that the certificates of a chain name, where they
// are not current or were fetched longer than Config.MinInterval ago, and
// returns when they have been handed over. The chain has to be one that
// certs.Verifier accepts, revocation aside, at the given time, which is the present:
// no certificate is asked for a URL before.
//
// It fails with the [*certs.Error] of a chain that is refused, and otherwise
// with an [*Error] for each list that could not be updated, joined. Then the
// last good lists are still there, and may be all that is needed: verify again
// and see. After a failure the same list is not fetched for a while; until then
// the error is the same.
//
// When ctx ends, Update returns. A fetch that has begun goes on, within
// Config.Timeout, for there may be others that wait for it: a peer that hangs up
// must not keep a list from all of them.
func (u *Updater) Update(ctx context.Context, chain certs.Chain, at time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	verified, err := u.verifier.Verify(chain, at)
	if err != nil {
		return err
	}
	var fetches []*fetch
	var errs []error
	for i, cert := range verified[:len(verified)-1] {
		for _, url := range cert.CRLDistributionPoints {
			f, err := u.begin(ctx, url, verified[i+1], cert, at)
			if err != nil {
				errs = append(errs, err)
			} else if f != nil {
				fetches = append(fetches, f)
			}
		}
	}
	return errors.Join(append(errs, waitAll(ctx, fetches)...)...)
}

// Refresh fetches the lists again that Update has met, where their time is due:
// see Config.RefreshAfter. It forgets those whose issuer's certificate has
// expired. The errors are those of Update.
func (u *Updater) Refresh(ctx context.Context, now time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return errors.Join(waitAll(ctx, u.beginDue(ctx, now))...)
}

// Run refreshes the lists, every 30 to 60 seconds if there is anything to do,
// until ctx ends, and returns why it did. Each time, and at the end, it saves what
// Config.Revocations remember, if they have a file for it.
func (u *Updater) Run(ctx context.Context) error {
	for {
		if err := u.Refresh(ctx, time.Now()); err != nil && ctx.Err() == nil && u.config.OnError != nil {
			u.config.OnError(err)
		}
		if err := u.config.Revocations.SaveMemory(); err != nil && u.config.OnError != nil {
			u.config.OnError(err)
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), u.config.Revocations.SaveMemory())
		case <-time.After(30*time.Second + rand.N(30*time.Second)):
		}
	}
}
