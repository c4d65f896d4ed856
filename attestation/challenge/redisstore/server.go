package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// checkClient refuses clients that could take a key to different servers, and
// those that do not look at the context.
func checkClient(client redis.UniversalClient) error {
	timeouts := false
	switch c := client.(type) {
	case *redis.Client:
		if c == nil {
			return errors.New("client: nil")
		}
		timeouts = c.Options().ContextTimeoutEnabled
	case *redis.ClusterClient:
		if c == nil {
			return errors.New("client: nil")
		}
		timeouts = c.Options().ContextTimeoutEnabled
	case nil:
		return errors.New("client: nil")
	default:
		return fmt.Errorf("client: found a %T, expected a *redis.Client or a *redis.ClusterClient, which know one server for each key", client)
	}
	if !timeouts {
		return errors.New("client: its option ContextTimeoutEnabled is false, so that neither a context nor Options.Timeout would end a call")
	}
	return nil
}

// checkEviction asks all servers of a cluster, for a replica can become a master.
func checkEviction(ctx context.Context, client redis.UniversalClient) error {
	if cluster, ok := client.(*redis.ClusterClient); ok {
		return cluster.ForEachShard(ctx, checkServer)
	}
	return checkServer(ctx, client.(*redis.Client))
}

func checkServer(ctx context.Context, server *redis.Client) error {
	info, err := server.Info(ctx, "memory").Result()
	if err != nil {
		return fmt.Errorf("asking %s for its eviction policy: %w", server.Options().Addr, err)
	}
	limit, policy := field(info, "maxmemory"), field(info, "maxmemory_policy")
	if policy != "noeviction" && limit != "0" {
		return evicts(" "+server.Options().Addr, limit, policy)
	}
	return nil
}

func evicts(server, limit, policy string) error {
	return fmt.Errorf("server%s: found maxmemory %q with maxmemory-policy %q, expected noeviction: it would forget redemptions when its memory is full", server, limit, policy)
}

// field finds a value in what INFO answers, lines of name:value. Empty: none.
func field(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
