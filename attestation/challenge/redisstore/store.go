package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/nitroattest/nitroattest/attestation/challenge"
)

// Defaults of [Config].
const (
	DefaultPrefix  = "nitroattest:challenge:"
	DefaultTimeout = 2 * time.Second
)

// Config says how a [Store] uses its server. Each zero field stands for its
// default.
type Config struct {
	// Prefix comes before the ID in keys. Empty: DefaultPrefix. Services that
	// share a server may share a prefix too, since no two nonces have one ID.
	Prefix string
	// Timeout limits a redemption, its retries and waiting for a connection
	// included, beside the context. Zero: two seconds.
	Timeout time.Duration
	// InsecureAllowEviction does not ask whether the server evicts keys when its
	// memory is full. If it does, a nonce is accepted again once its key is
	// gone.
	InsecureAllowEviction bool
}

// Store is a [challenge.Store] on a Redis or Valkey server. It is safe for
// concurrent use, and every replica has one of its own.
type Store struct {
	client   redis.UniversalClient
	prefix   string
	timeout  time.Duration
	mayEvict bool
}

var _ challenge.Store = (*Store)(nil)

// New returns a store on a server, or an error if the server cannot be reached
// or evicts keys. The client is a [*redis.Client], one for Sentinel included, or
// a [*redis.ClusterClient], with ContextTimeoutEnabled. It stays the caller's
// to close.
func New(ctx context.Context, client redis.UniversalClient, config Config) (*Store, error) {
	s, err := newStore(ctx, client, config)
	if err != nil {
		return nil, fmt.Errorf("redisstore: %w", err)
	}
	return s, nil
}

func newStore(ctx context.Context, client redis.UniversalClient, config Config) (*Store, error) {
	if config.Prefix == "" {
		config.Prefix = DefaultPrefix
	}
	if config.Timeout == 0 {
		config.Timeout = DefaultTimeout
	}
	if config.Timeout < 0 {
		return nil, fmt.Errorf("Config.Timeout: found %s, expected a positive duration, or 0 for %s", config.Timeout, DefaultTimeout)
	}
	if err := checkClient(client); err != nil {
		return nil, err
	}
	s := &Store{client, config.Prefix, config.Timeout, config.InsecureAllowEviction}
	if !config.InsecureAllowEviction {
		ctx, cancel := context.WithTimeout(ctx, s.timeout)
		defer cancel()
		if err := checkEviction(ctx, client); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Redeem implements [challenge.Store]. An error wraps challenge.StoreFull if the
// server is out of memory.
func (s *Store) Redeem(ctx context.Context, id challenge.ID, now, until time.Time) (bool, error) {
	ttl, err := timeToLive(now, until)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	first, err := s.client.SetNX(ctx, s.prefix+id.String(), 1, ttl).Result()
	if err != nil {
		return false, storeError(err)
	}
	return first, nil
}

// timeToLive is rounded up, since the server counts milliseconds. Zero would mean
// forever.
func timeToLive(now, until time.Time) (time.Duration, error) {
	ttl := (until.Sub(now) + time.Millisecond - 1).Truncate(time.Millisecond)
	if ttl <= 0 {
		return 0, errors.New("redisstore: found a time to remember until that has passed")
	}
	return ttl, nil
}
