package redisstore_test

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// recorder keeps the arguments of the last command.
type recorder struct {
	noHooks
	last []any
}

func (r *recorder) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		r.last = cmd.Args()
		return next(ctx, cmd)
	}
}

// silentInfo answers INFO as a server does that does not tell about its memory.
type silentInfo struct{ noHooks }

func (silentInfo) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if info, ok := cmd.(*redis.StringCmd); ok && cmd.Name() == "info" {
			info.SetVal("# Memory\r\nused_memory:1\r\n")
		}
		return err
	}
}

// noHooks leaves alone what a hook does not change.
type noHooks struct{}

func (noHooks) DialHook(next redis.DialHook) redis.DialHook { return next }

func (noHooks) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
