package challenge_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nitroattest/nitroattest/attestation/challenge"
)

func TestNewRefusesWhatIsLeftOutOrMakesNoSense(t *testing.T) {
	t.Parallel()
	store := newShared(t)
	good := func() challenge.Config {
		return challenge.Config{Keys: [][]byte{fixedKey()}, Store: store}
	}
	_, err := challenge.New(good())
	require.NoError(t, err)

	for name, c := range map[string]struct {
		edit func(*challenge.Config)
		want string
	}{
		"no store": {func(c *challenge.Config) { c.Store = nil },
			"challenge: Config.Store: nil: nothing would keep a nonce from being used twice"},
		"a nil memory": {func(c *challenge.Config) { c.Store = (*challenge.Memory)(nil) },
			"challenge: Config.Store: nil: nothing would keep a nonce from being used twice"},
		"a store that is not asked": {func(c *challenge.Config) { c.InsecureReuse = true },
			"challenge: Config.InsecureReuse: set beside a Config.Store, which would not be asked"},
		"no keys": {func(c *challenge.Config) { c.Keys = nil },
			"challenge: Config.Keys: empty: expected one, the same on all replicas"},
		"no keys, with reuse": {func(c *challenge.Config) { c.Keys, c.Store, c.InsecureReuse = nil, nil, true },
			"challenge: Config.Keys: empty: expected one, the same on all replicas"},
		"a key for a memory": {func(c *challenge.Config) { c.Store = newMemory(t, 1) },
			"challenge: Config.Keys: set beside a *Memory: who shares the keys, or starts with them again, does not share its redemptions and would accept a nonce twice; leave Keys empty for a random key, or share a store"},
		"five keys": {func(c *challenge.Config) {
			c.Keys = [][]byte{ascending(1), ascending(2), ascending(3), ascending(4), ascending(5)}
		}, "challenge: Config.Keys: found 5, expected at most 4"},
		"a nil key": {func(c *challenge.Config) { c.Keys = append(c.Keys, nil) },
			"challenge: Config.Keys[1]: found 0 bytes, expected 32 to 64"},
		"a short key": {func(c *challenge.Config) { c.Keys[0] = c.Keys[0][:31] },
			"challenge: Config.Keys[0]: found 31 bytes, expected 32 to 64"},
		"a long key": {func(c *challenge.Config) {
			c.Keys[0] = append(fixedKey(), ascending(0x20)...)
			c.Keys[0] = append(c.Keys[0], 0)
		},
			"challenge: Config.Keys[0]: found 65 bytes, expected 32 to 64"},
		"a zero key": {func(c *challenge.Config) { c.Keys[0] = make([]byte, 32) },
			"challenge: Config.Keys[0]: found one byte repeated, expected random bytes"},
		"a repeated byte": {func(c *challenge.Config) { c.Keys[0] = bytes.Repeat([]byte("x"), 64) },
			"challenge: Config.Keys[0]: found one byte repeated, expected random bytes"},
		"one key twice": {func(c *challenge.Config) { c.Keys = append(c.Keys, otherKey(), fixedKey()) },
			"challenge: Config.Keys[2]: the same as Config.Keys[0]"},
		"a negative lifetime": {func(c *challenge.Config) { c.Lifetime = -time.Minute },
			"challenge: Config.Lifetime: found -1m0s, expected 1s to 1h0m0s, or 0 for 2m0s"},
		"a short lifetime": {func(c *challenge.Config) { c.Lifetime = time.Second - 1 },
			"challenge: Config.Lifetime: found 999.999999ms, expected 1s to 1h0m0s, or 0 for 2m0s"},
		"a long lifetime": {func(c *challenge.Config) { c.Lifetime = time.Hour + 1 },
			"challenge: Config.Lifetime: found 1h0m0.000000001s, expected 1s to 1h0m0s, or 0 for 2m0s"},
		"a negative skew": {func(c *challenge.Config) { c.ClockSkew = -1 },
			"challenge: Config.ClockSkew: found -1ns, expected a positive duration of at most 1h0m0s, or 0 for 1m0s"},
		"a long skew": {func(c *challenge.Config) { c.ClockSkew = time.Hour + 1 },
			"challenge: Config.ClockSkew: found 1h0m0.000000001s, expected a positive duration of at most 1h0m0s, or 0 for 1m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			config := good()
			c.edit(&config)
			issuer, err := challenge.New(config)
			require.EqualError(t, err, c.want)
			assert.Nil(t, issuer)
		})
	}
}

func TestNewTakesBoundsThemselves(t *testing.T) {
	t.Parallel()
	long := append(fixedKey(), otherKey()...)
	for _, config := range []challenge.Config{
		{Lifetime: challenge.MinLifetime},
		{Lifetime: challenge.MaxLifetime, ClockSkew: challenge.MaxClockSkew},
		{Keys: [][]byte{long}},
		{Keys: [][]byte{ascending(1), ascending(2), ascending(3), ascending(4)}},
	} {
		config.Store = newShared(t)
		if config.Keys == nil {
			config.Keys = [][]byte{fixedKey()}
		}
		issuer := newIssuer(t, config)
		require.NoError(t, issuer.Redeem(t.Context(), issue(t, issuer, nil), nil))
	}
}

func TestTheIssuerDoesNotSeeChangesToTheConfig(t *testing.T) {
	t.Parallel()
	key := fixedKey()
	config := challenge.Config{Keys: [][]byte{key}, Store: newShared(t)}
	issuer := newIssuer(t, config)
	nonce := issue(t, issuer, nil)
	clear(key)
	config.Keys[0] = otherKey()
	require.NoError(t, issuer.Redeem(t.Context(), nonce, nil))
}

// Each issuer with a Memory has a key of its own, as the next start of the same
// program would.
func TestAMemoryGoesWithARandomKey(t *testing.T) {
	t.Parallel()
	memory := newMemory(t, 10)
	config := challenge.Config{Store: memory}
	before, after := newIssuer(t, config), newIssuer(t, config)
	nonce := issue(t, before, nil)
	requireReason(t, challenge.Unknown, after.Redeem(t.Context(), nonce, nil))
	require.NoError(t, before.Redeem(t.Context(), nonce, nil))
	requireReason(t, challenge.AlreadyRedeemed, before.Redeem(t.Context(), nonce, nil))
}
