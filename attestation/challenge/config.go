package challenge

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// Bounds and defaults of [Config].
const (
	MinKeySize = 32 // bytes: the strength of HMAC-SHA-256
	MaxKeySize = 64 // bytes: its block size, beyond which a key is hashed
	MaxKeys    = 4

	DefaultLifetime = 2 * time.Minute
	MinLifetime     = time.Second
	MaxLifetime     = time.Hour

	DefaultClockSkew = time.Minute
	MaxClockSkew     = time.Hour
)

// Config says how an [Issuer] makes nonces and where it redeems them.
type Config struct {
	// Keys authenticate the nonces. All are accepted and the first one issues.
	// Each is 32 to 64 random bytes, the same on all replicas; there are at
	// most four. Required, unless Store is a *Memory: then there must be none,
	// and the issuer makes itself a random one.
	Keys [][]byte
	// Store remembers redemptions. Required, unless InsecureReuse is set.
	Store Store
	// InsecureReuse redeems a nonce any number of times until it expires, and so
	// accepts a copied document until then. Store has to be nil.
	InsecureReuse bool
	// Lifetime is how long a nonce is good, and so how much older than its
	// presentation a document can be. Zero: two minutes. From a second to an
	// hour, and not to be confused with how long the certificates last.
	Lifetime time.Duration
	// ClockSkew is how far the clocks of replicas may be apart, together with
	// what the clock of their store may gain on them. Redemptions are remembered
	// that long after the expiry. Zero: one minute. At most an hour.
	ClockSkew time.Duration
	// Now tells the time and is called at each use. Nil: time.Now.
	Now func() time.Time
}

// Issuer hands out nonces and redeems them. Its configuration cannot be changed
// and it is safe for concurrent use.
type Issuer struct {
	config Config
	keys   []*mac // of config.Keys
}

// New returns an issuer, or an error that names the field of Config that cannot
// be used.
func New(config Config) (*Issuer, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("challenge: %w", err)
	}
	i := &Issuer{config: config}
	for _, key := range config.Keys {
		i.keys = append(i.keys, newMAC(key))
	}
	return i, nil
}

func (c Config) withDefaults() (Config, error) {
	if memory, local := c.Store.(*Memory); local && memory == nil {
		c.Store = nil
	}
	switch {
	case c.Store == nil && !c.InsecureReuse:
		return c, errors.New("Config.Store: nil: nothing would keep a nonce from being used twice")
	case c.Store != nil && c.InsecureReuse:
		return c, errors.New("Config.InsecureReuse: set beside a Config.Store, which would not be asked")
	}
	var err error
	if c.Keys, err = c.keys(); err != nil {
		return c, err
	}
	if c.Lifetime == 0 {
		c.Lifetime = DefaultLifetime
	}
	if c.ClockSkew == 0 {
		c.ClockSkew = DefaultClockSkew
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	switch {
	case c.Lifetime < MinLifetime || c.Lifetime > MaxLifetime:
		return c, fmt.Errorf("Config.Lifetime: found %s, expected %s to %s, or 0 for %s", c.Lifetime, MinLifetime, MaxLifetime, DefaultLifetime)
	case c.ClockSkew < 0 || c.ClockSkew > MaxClockSkew:
		return c, fmt.Errorf("Config.ClockSkew: found %s, expected a positive duration of at most %s, or 0 for %s", c.ClockSkew, MaxClockSkew, DefaultClockSkew)
	}
	return c, nil
}

// keys returns copies of Config.Keys, or a random key for a Memory.
func (c Config) keys() ([][]byte, error) {
	if _, local := c.Store.(*Memory); local {
		if len(c.Keys) > 0 {
			return nil, errors.New("Config.Keys: set beside a *Memory: who shares the keys, or starts with them again, does not share its redemptions and would accept a nonce twice; leave Keys empty for a random key, or share a store")
		}
		key := make([]byte, MinKeySize)
		rand.Read(key) // never fails (crypto/rand)
		return [][]byte{key}, nil
	}
	if len(c.Keys) == 0 {
		return nil, errors.New("Config.Keys: empty: expected one, the same on all replicas")
	}
	if len(c.Keys) > MaxKeys {
		return nil, fmt.Errorf("Config.Keys: found %d, expected at most %d", len(c.Keys), MaxKeys)
	}
	var keys [][]byte
	for i, key := range c.Keys {
		if err := checkKey(key); err != nil {
			return nil, fmt.Errorf("Config.Keys[%d]: %w", i, err)
		}
		for j, other := range keys {
			if bytes.Equal(key, other) {
				return nil, fmt.Errorf("Config.Keys[%d]: the same as Config.Keys[%d]", i, j)
			}
		}
		keys = append(keys, bytes.Clone(key))
	}
	return keys, nil
}

func checkKey(key []byte) error {
	if len(key) < MinKeySize || len(key) > MaxKeySize {
		return fmt.Errorf("found %d bytes, expected %d to %d", len(key), MinKeySize, MaxKeySize)
	}
	if bytes.Count(key, key[:1]) == len(key) {
		return errors.New("found one byte repeated, expected random bytes")
	}
	return nil
}
