package command

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/redis/go-redis/v9"

	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore"
	"github.com/nitroattest/nitroattest/internal/input"
)

// memoryCapacity is enough for 5,500 redemptions in a second, with 70 bytes each.
const memoryCapacity = 1_000_000

// redisPassword is not a flag, for those are seen in the list of processes.
const redisPassword = "NITROATTEST_REDIS_PASSWORD"

// challengeStore is where challenges are redeemed.
type challengeStore struct {
	challenge.Store
	ready func(context.Context) error // nil: it is in this process
	close func() error
}

func (f *serveFlags) openStore(ctx context.Context, logger *slog.Logger) (*challengeStore, error) {
	if (f.redis == "") != (len(f.keys) == 0) {
		return nil, hintf(errors.New("found one of --challenge-key and --redis, expected both or none"),
			"who shares the key has to share the store, or a challenge could be redeemed by each")
	}
	if f.redis == "" {
		memory, err := challenge.NewMemory(memoryCapacity)
		return &challengeStore{Store: memory, close: func() error { return nil }}, err
	}
	options, err := redis.ParseURL(f.redis)
	if err != nil {
		// Its text may quote the URL, and that a password.
		return nil, errors.New("--redis: found no URL of a server, expected rediss://HOST:PORT or redis://HOST:PORT")
	}
	options.ContextTimeoutEnabled = true
	if password := os.Getenv(redisPassword); password != "" {
		options.Password = password
	}
	redis.SetLogger(redisLogger{logger})
	client := redis.NewClient(options)
	store, err := redisstore.New(ctx, client, redisstore.Config{})
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("--redis: %w", err)
	}
	ready := func(ctx context.Context) error { return client.Ping(ctx).Err() }
	return &challengeStore{store, ready, client.Close}, nil
}

func (f *serveFlags) issuer(store *challengeStore) (*challenge.Issuer, error) {
	config := challenge.Config{Store: store.Store, Lifetime: f.lifetime}
	for _, name := range f.keys {
		key, err := readChallengeKey(name)
		if err != nil {
			return nil, fmt.Errorf("--challenge-key: %s: %w", name, err)
		}
		config.Keys = append(config.Keys, key)
	}
	return challenge.New(config)
}

// readChallengeKey takes one form only: bytes as they are could not be told from
// hex digits.
func readChallengeKey(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, input.WithoutPath(err)
	}
	data = bytes.TrimSpace(data)
	key := make([]byte, hex.DecodedLen(len(data)))
	if _, err := hex.Decode(key, data); err != nil || len(key) < challenge.MinKeySize || len(key) > challenge.MaxKeySize {
		return nil, hintf(fmt.Errorf("found something else, expected %d to %d hex digits", 2*challenge.MinKeySize, 2*challenge.MaxKeySize),
			"openssl rand -hex 32 makes a key")
	}
	return key, nil
}

// redisLogger puts what go-redis has to say into the log.
type redisLogger struct{ logger *slog.Logger }

func (l redisLogger) Printf(ctx context.Context, format string, args ...any) {
	l.logger.WarnContext(ctx, "redis", slog.String("message", fmt.Sprintf(format, args...)))
}
