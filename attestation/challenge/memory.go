package challenge

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"
)

// Memory is a [Store] for a service of one process. It holds a bounded number
// of redemptions and refuses when it is full: forgetting one early would allow
// its nonce a second time.
//
// An entry takes 50 to 70 bytes, and more for a moment when the map grows. As
// many are needed as there are redemptions in Lifetime plus ClockSkew, three
// minutes by default: 100 in a second make 18,000 entries, little more than 1 MB.
// Forged and expired nonces, and with [Issuer.Verify] those that come with a bad
// document, take none.
type Memory struct {
	capacity int

	mu        sync.Mutex
	redeemed  map[ID]struct{}
	queue     expiryQueue
	forgotten int64 // the latest time, in Unix milliseconds, until which anything forgotten was kept
}

// NewMemory returns a store for at most capacity redemptions at a time. Memory
// is taken as they come and reused, not given back.
func NewMemory(capacity int) (*Memory, error) {
	if capacity < 1 {
		return nil, fmt.Errorf("challenge: capacity of a Memory: found %d, expected a positive number", capacity)
	}
	return &Memory{capacity: capacity, redeemed: make(map[ID]struct{})}, nil
}

// Redeem implements [Store]. It never blocks and does not look at the context.
// Its only error is StoreFull.
func (m *Memory) Redeem(_ context.Context, id ID, now, until time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(now.UnixMilli())
	if _, ok := m.redeemed[id]; ok {
		return false, nil
	}
	deadline := until.UnixMilli()
	if deadline <= m.forgotten {
		// It may be one of those. By the issuer's clock it is good; so that
		// clock went backward, or another issuer's is ahead.
		return false, nil
	}
	if len(m.redeemed) >= m.capacity {
		return false, StoreFull
	}
	m.redeemed[id] = struct{}{}
	heap.Push(&m.queue, expiry{deadline, id})
	return true, nil
}

// forget drops at most two entries whose time has passed. With one entry added
// in a call, two are enough to catch up, and no call pays for many.
func (m *Memory) forget(now int64) {
	for range 2 {
		if len(m.queue) == 0 || m.queue[0].until > now {
			return
		}
		dropped := heap.Pop(&m.queue).(expiry)
		delete(m.redeemed, dropped.id)
		m.forgotten = max(m.forgotten, dropped.until)
	}
}

// Len returns how many redemptions are remembered, expired ones that were not
// dropped yet included.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.redeemed)
}

type expiry struct {
	until int64 // Unix milliseconds
	id    ID
}

// expiryQueue is a [heap.Interface] with the earliest expiry first.
type expiryQueue []expiry

func (q expiryQueue) Len() int           { return len(q) }
func (q expiryQueue) Less(i, j int) bool { return q[i].until < q[j].until }
func (q expiryQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *expiryQueue) Push(x any)        { *q = append(*q, x.(expiry)) }

func (q *expiryQueue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}
