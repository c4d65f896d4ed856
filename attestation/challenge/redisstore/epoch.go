package redisstore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/nitroattest/nitroattest/attestation/challenge"
)

// parts is how many parts the keys fall into by the first digit of the ID. Each
// part is on one server, also in a cluster, and has an epoch of its own.
const parts = 16

// Epoch is a time in which no server has forgotten anything: none was restarted,
// flushed, replaced by another or made to follow one. The zero value is none that there ever was.
//
// A service that binds a nonce to the epoch in which it was issued, by
// [Epoch.Bind], and redeems it with [Store.RedeemIn], accepts it once whatever
// happens to its servers: what one server may have forgotten was issued in an
// epoch that has ended, and what two of them may take for the same belongs to the
// epoch of one.
type Epoch struct{ parts [parts]string }

// Bind returns the context with which a nonce is issued and redeemed, 32 bytes: a
// hash of the epoch and of the context that the caller has, nil for none.
func (e Epoch) Bind(context []byte) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "nitroattest epoch\n%s\n", strings.Join(e.parts[:], "\n"))
	if context != nil {
		h.Write([]byte("context\n"))
		h.Write(context)
	}
	return h.Sum(nil)
}

// ErrOtherEpoch is what RedeemIn wraps for a nonce of an epoch that has ended. The
// nonce was not recorded.
var ErrOtherEpoch = errors.New("the server may have forgotten redemptions since the nonce was issued")

// The scripts compare the run ID of the server, which is new for every process, and
// its replication ID, which is new for every server that becomes a master (Redis
// documentation, "INFO"). So it takes no key that a failover or a restart could have
// brought along for its own, nor one that it wrote itself before it followed another
// for a while and lost what that did not have. They are sent as they are: to name
// them by their SHA-1 would not work under GODEBUG=fips140=only.
const (
	history = `
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') .. ':' ..
  string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')`

	// ARGV[2] is 1 where a server must not evict. One that does may have forgotten
	// redemptions, and so the epoch that was is over for everybody.
	askEpoch = history + `
if ARGV[2] == '1' then
  local memory = redis.call('INFO', 'memory')
  local limit = string.match(memory, '\nmaxmemory:(%d+)')
  local policy = string.match(memory, '\nmaxmemory_policy:([%w-]+)')
  if policy ~= 'noeviction' and limit ~= '0' then
    redis.call('SET', KEYS[1], 'evicts')
    return {tostring(limit), tostring(policy)}
  end
end
local epoch = redis.call('GET', KEYS[1])
if epoch and string.sub(epoch, 1, #run) == run then
  return epoch
end
epoch = run .. ':' .. ARGV[1]
redis.call('SET', KEYS[1], epoch)
return epoch`

	redeemIn = history + `
if redis.call('GET', KEYS[1]) ~= ARGV[1] or string.sub(ARGV[1], 1, #run) ~= run then
  return -1
end
if redis.call('SET', KEYS[2], 1, 'PX', ARGV[2], 'NX') then
  return 1
end
return 0`
)

// epochKey and key have the hash tag of a part (Redis cluster specification, "hash
// tags"), so that they are on the same server.
func (s *Store) epochKey(part int) string { return fmt.Sprintf("%s{%x}:epoch", s.prefix, part) }

func (s *Store) key(id challenge.ID) string {
	hex := id.String()
	return s.prefix + "{" + hex[:1] + "}" + hex
}

// Epoch returns the epoch of the moment. It begins a new one where a server does
// not know of any. A server that evicts keys has none, unless
// Config.InsecureAllowEviction is set, and the one that it had has ended.
func (s *Store) Epoch(ctx context.Context) (Epoch, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	mustKeep := "1"
	if s.mayEvict {
		mustKeep = "0"
	}
	candidate := make([]byte, 16)
	_, _ = rand.Read(candidate) // never fails
	answers := make([]*redis.Cmd, parts)
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for part := range answers {
			answers[part] = p.Eval(ctx, askEpoch, []string{s.epochKey(part)}, hex.EncodeToString(candidate), mustKeep)
		}
		return nil
	})
	var e Epoch
	for part, answer := range answers {
		if err == nil {
			e.parts[part], err = epochOf(answer)
		}
	}
	if err != nil {
		return Epoch{}, storeError(err)
	}
	return e, nil
}

func epochOf(answer *redis.Cmd) (string, error) {
	if memory, err := answer.StringSlice(); err == nil && len(memory) == 2 {
		return "", evicts("", memory[0], memory[1])
	}
	return answer.Text()
}

// RedeemIn is [challenge.Store.Redeem] for a nonce that was issued in an epoch. An
// error wraps ErrOtherEpoch if it has ended.
func (s *Store) RedeemIn(ctx context.Context, e Epoch, id challenge.ID, now, until time.Time) (bool, error) {
	ttl, err := timeToLive(now, until)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	part := int(id[0] >> 4)
	answer, err := s.client.Eval(ctx, redeemIn, []string{s.epochKey(part), s.key(id)}, e.parts[part], ttl.Milliseconds()).Int()
	switch {
	case err != nil:
		return false, storeError(err)
	case answer < 0:
		return false, fmt.Errorf("redisstore: %w", ErrOtherEpoch)
	}
	return answer == 1, nil
}

// Probe redeems what nobody asks for, so that it fails as a redemption would: on
// a server that only reads, is full, or does not answer.
func (s *Store) Probe(ctx context.Context, e Epoch) error {
	var id challenge.ID
	_, _ = rand.Read(id[:])
	now := time.Now()
	_, err := s.RedeemIn(ctx, e, id, now, now.Add(time.Second))
	return err
}

func storeError(err error) error {
	if redis.IsOOMError(err) || strings.Contains(err.Error(), "OOM command not allowed") {
		return fmt.Errorf("redisstore: %w: %w", challenge.StoreFull, err)
	}
	return fmt.Errorf("redisstore: %w", err)
}
