package command

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/nitroattest/nitroattest/attestation/challenge"
	"github.com/nitroattest/nitroattest/attestation/challenge/redisstore"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/redemption"
	"github.com/nitroattest/nitroattest/cmd/nitroattest-server/internal/service"
	"github.com/nitroattest/nitroattest/internal/input"
)

// memoryCapacity is enough for 5,500 redemptions in a second, with 70 bytes each.
const memoryCapacity = 1_000_000

// challengeStore is where challenges are redeemed.
type challengeStore struct {
	challenge.Store
	redemptions *redemption.Store // nil: it is in this process
	close       func() error
}

// addTo tells the service what kind of store it has.
func (s *challengeStore) addTo(config *service.Config) {
	if s.redemptions != nil {
		config.StoreReady, config.Epochs = s.redemptions.Ready, s.redemptions
		config.Collectors = append(config.Collectors, s.redemptions)
	}
}

func (f *serveFlags) openStore(ctx context.Context, logger *slog.Logger) (*challengeStore, error) {
	if (f.redis == "") != (len(f.keys) == 0) {
		return nil, hintf(errors.New("found one of --challenge-key and --redis, expected both or none"),
			"who shares the key has to share the store, or a challenge could be redeemed by each")
	}
	if f.redis == "" {
		if f.redisCA != "" || f.redisPassword != "" {
			return nil, errors.New("--redis-ca, --redis-password-file: given without --redis")
		}
		memory, err := challenge.NewMemory(memoryCapacity)
		return &challengeStore{Store: memory, close: func() error { return nil }}, err
	}
	client, err := f.redisClient()
	if err != nil {
		return nil, err
	}
	redis.SetLogger(redisLogger{logger})
	backend, err := redisstore.New(ctx, client, redisstore.Config{})
	if err == nil {
		warnOfForgetting(ctx, client, logger)
		var store *redemption.Store
		if store, err = redemption.New(ctx, backend); err == nil {
			return &challengeStore{Store: store, redemptions: store, close: client.Close}, nil
		}
	}
	client.Close()
	return nil, fmt.Errorf("--redis: %w", err)
}

// warnOfForgetting says what a restart of a server does that keeps nothing.
func warnOfForgetting(ctx context.Context, client redis.UniversalClient, logger *slog.Logger) {
	info, err := client.Info(ctx, "persistence").Result()
	if err == nil && strings.Contains(info, "aof_enabled:0") {
		logger.Warn("the store of challenges has no append-only file",
			slog.String("detail", "a restart of it ends the challenges that are out, as every restart does, and what it forgets is accepted by nobody"))
	}
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
